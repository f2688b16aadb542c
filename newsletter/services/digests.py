"""A digest as any chosen reader gets it: for the desk and the command line."""

from __future__ import annotations

import email
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage

from sqlalchemy.orm import Session

from newsletter.errors import InvalidInput
from newsletter.mail import showing
from newsletter.mail.compiled import Compiled
from newsletter.mail.pictures.picture import Image
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.services import editions, pictures
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition


@dataclass(frozen=True, slots=True)
class PreviewMail:
    """What arrives, taken apart as a mail client does."""

    subject: str
    html: str  #: with its pictures in it, as data: URIs
    text: str
    source: str  #: the whole message, headers first
    html_bytes: int  #: of the HTML as it is sent
    message_bytes: int
    short_places: int  #: how many places are told in brief


def preview(
    session: Session,
    edition: Edition,
    publication: Publication,
    *,
    follows: Sequence[str],
    address: str | None,
    now: datetime,
) -> PreviewMail:
    """The digest of somebody who follows `follows`; its links name nobody.

    Raises InvalidInput when they would get none.
    """
    compiled = editions.compile_draft(session, edition, publication, now=now)
    splicer = Splicer(compiled, publication, gazetteer())
    if not splicer.chosen(follows):
        raise InvalidInput("nothing that this reader follows is in the edition, so they would get no digest")
    spliced = splicer.splice(Recipient(0, address or "reader@example.org", tuple(follows)))
    message = email.message_from_bytes(spliced.data, _class=EmailMessage, policy=policy.SMTP)
    html, text = (_part(message, subtype) for subtype in ("html", "plain"))
    return PreviewMail(
        subject=str(message["Subject"]),
        html=showing.with_pictures(html, _images(session, edition, compiled, publication, message)),
        text=text,
        source=spliced.data.decode(),
        html_bytes=len(html.encode()),
        message_bytes=len(spliced.data),
        short_places=len(splicer.in_brief(follows)),
    )


def _images(
    session: Session, edition: Edition, compiled: Compiled, publication: Publication, message: EmailMessage
) -> dict[str, Image]:
    """Whatever the message may show, by the addresses that its HTML names: those in it, and those on our site."""
    links = publication.links
    hosted = compiled.images or pictures.of_edition(session, edition)
    found = {links.picture(edition.month, image.name): image for image in hosted}
    found |= {links.brand(image.name): image for image in publication.brand.images()}
    return found | showing.carried_images(message)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
