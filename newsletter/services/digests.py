"""A digest as any chosen reader gets it: for the desk and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.errors import InvalidInput
from newsletter.mail import showing
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.showing import Shown
from newsletter.mail.splicing import Splicer
from newsletter.services import editions, pictures
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition


@dataclass(frozen=True, slots=True)
class PreviewMail(Shown):
    """A digest, and how it came to its size."""

    source: str  #: the whole message, headers first
    message_bytes: int
    short_places: int  #: how many places are told in brief


def preview(
    session: Session,
    edition: Edition,
    publication: Publication,
    *,
    follows: Sequence[str],
    address: str | None,
    text_only: bool = False,
    now: datetime,
) -> PreviewMail:
    """The digest of somebody who follows `follows`, with no HTML if it is `text_only`; its links name nobody.

    Raises InvalidInput when they would get none.
    """
    compiled = editions.compile_draft(session, edition, publication, now=now)
    splicer = Splicer(compiled, publication, gazetteer())
    if not splicer.chosen(follows):
        raise InvalidInput("nothing that this reader follows is in the edition, so they would get no digest")
    spliced = splicer.splice(Recipient(0, address or "reader@example.org", tuple(follows), text_only))
    hosted = compiled.images or pictures.of_edition(session, edition)
    shown = showing.taken_apart(spliced.data, publication, Month.parse(edition.month), hosted)
    return PreviewMail(
        subject=shown.subject,
        html=shown.html,
        text=shown.text,
        html_bytes=shown.html_bytes,
        source=spliced.data.decode(),
        message_bytes=len(spliced.data),
        short_places=len(splicer.in_brief(follows)),
    )
