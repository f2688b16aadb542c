"""Messages for what the database has armed: bytes out of rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.delivery.reply import Reply
from newsletter.domain.edition import Contents
from newsletter.domain.month import Month
from newsletter.errors import InvalidAddress, TemplateError
from newsletter.jobs.dispatch import Made
from newsletter.mail import copies
from newsletter.mail.copies import CopySource
from newsletter.mail.notice import NoticeMail, Renderer
from newsletter.mail.publication import Publication
from newsletter.mail.splicing import Splicer
from newsletter.services import editions
from newsletter.services.claims import ArmedDelivery, ArmedNotice, Claim
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition

log = logging.getLogger(__name__)

_BAD_ADDRESS = Reply(553, "5.1.3", "not sent: the domain of the address can't be written in ASCII")
_BAD_TEMPLATE = Reply(450, "4.3.5", "not sent: a template can't be used")

_UNMADE = Reply(450, "4.3.0", "not sent: the message can't be made, by a fault in this program")


class Outbox:
    """Makes the messages of notices and digests; an edition's pieces are loaded once."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._splicers: dict[int, tuple[Splicer, datetime]] = {}
        self._copied: tuple[Contents, bool, Splicer] | None = None  # what test copies were made of last

    def splicer(self, session: Session, edition_id: int) -> Splicer:
        """The edition's splicer. Raises ContentChanged; TemplateError where it has to be compiled anew."""
        if edition_id not in self._splicers:
            edition = session.get_one(Edition, edition_id)
            compiled = editions.compiled(edition, self._publication)
            if compiled.images and edition.compiled is not None:  # made anew, after an upgrade of this program
                editions.freeze(session, edition, compiled, edition.compiled.content)
            at = edition.approved_at or edition.created_at
            self._splicers[edition_id] = (Splicer(compiled, self._publication, gazetteer()), at)
        return self._splicers[edition_id][0]

    def make(
        self, notices: Sequence[ArmedNotice], digests: Sequence[ArmedDelivery], *, latest: Month | None
    ) -> list[Made]:
        """A message for each of them, notices first, or its outcome where none can be made; with the time it is of.

        `latest` is the edition that a welcome points to.
        """
        return [*self._notices(notices, latest), *self._digests(digests)]

    def _digests(self, armed: Sequence[ArmedDelivery]) -> Iterator[Made]:
        for delivery in armed:
            splicer, at = self._splicers[delivery.claim.edition_id]
            try:
                spliced = splicer.splice(delivery.recipient)
            except InvalidAddress:
                yield Outcome(delivery.claim, Verdict.NEVER, _BAD_ADDRESS), at
                continue
            except Exception as error:  # one reader's message must not stop everybody's
                yield _unmade(delivery.claim, error), at
                continue
            # Made of quoted-printable pieces: only a To beyond ASCII has to be looked at again.
            ready = spliced.rcpt_to.isascii()
            yield OutgoingMessage(delivery.claim, spliced.mail_from, spliced.rcpt_to, spliced.data, ready), at

    def _notices(self, armed: Sequence[ArmedNotice], latest: Month | None) -> Iterator[Made]:
        renderer = Renderer(self._publication, gazetteer())
        told: set[str] = set()  # one broken template can be a million alerts
        for each in armed:
            made: OutgoingMessage | Outcome
            try:
                mail = self._mail(renderer, each, latest)
                made = OutgoingMessage(each.claim, mail.mail_from, mail.rcpt_to, mail.data)
            except InvalidAddress:
                made = Outcome(each.claim, Verdict.NEVER, _BAD_ADDRESS)
            except TemplateError as error:
                if str(error) not in told:
                    log.error("notices wait: %s", error)
                told.add(str(error))
                made = Outcome(each.claim, Verdict.LATER, _BAD_TEMPLATE)
            except Exception as error:  # the same
                made = _unmade(each.claim, error)
            yield made, each.created_at

    def _mail(self, renderer: Renderer, each: ArmedNotice, latest: Month | None) -> NoticeMail:
        row_id, recipient, at = each.claim.row_id, each.recipient, each.created_at
        if each.copy is not None:
            made = self._splicer_of_copies(each.copy)
            return copies.render(
                each.copy, made, row_id, recipient, publication=self._publication, gazetteer=gazetteer(), at=at
            )
        return renderer.render(
            each.kind, row_id, recipient, at=at, latest=latest, update=each.update, correction=each.correction
        )

    def _splicer_of_copies(self, source: CopySource) -> Splicer:
        """Copies are asked for by the handful: what they are made of is compiled once, until it changes."""
        is_frozen = source.compiled is not None
        if self._copied is None or self._copied[:2] != (source.contents, is_frozen):
            self._copied = (source.contents, is_frozen, copies.splicer(source, self._publication, gazetteer()))
        return self._copied[2]


def _unmade(claim: Claim, error: Exception) -> Outcome:
    """Later: until then the program may be mended. The error's own words are left out, as they may hold an address."""
    log.error(
        "no message can be made for row %d of edition %d: %s", claim.row_id, claim.edition_id, type(error).__name__
    )
    return Outcome(claim, Verdict.LATER, _UNMADE)
