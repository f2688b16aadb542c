"""Messages for what the database has armed: bytes out of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.delivery.reply import Reply
from newsletter.domain.month import Month
from newsletter.errors import InvalidAddress
from newsletter.mail import notice
from newsletter.mail.publication import Publication
from newsletter.mail.splicing import Splicer
from newsletter.services import editions
from newsletter.services.claims import ArmedDelivery, ArmedNotice
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition

_BAD_ADDRESS = Reply(553, "5.1.3", "not sent: the domain of the address can't be written in ASCII")


class Outbox:
    """Makes the messages of notices and digests; an edition's pieces are loaded once."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._splicers: dict[int, Splicer] = {}

    def splicer(self, session: Session, edition_id: int) -> Splicer:
        """The edition's splicer. Raises ContentChanged."""
        if edition_id not in self._splicers:
            compiled = editions.compiled(session.get_one(Edition, edition_id))
            self._splicers[edition_id] = Splicer(compiled, self._publication, gazetteer())
        return self._splicers[edition_id]

    def digests(self, armed: Sequence[ArmedDelivery]) -> Iterator[OutgoingMessage | Outcome]:
        """A message for each delivery, or its outcome where none can be made."""
        for delivery in armed:
            splicer = self._splicers[delivery.claim.edition_id]
            try:
                spliced = splicer.splice(delivery.recipient)
            except InvalidAddress:
                yield Outcome(delivery.claim, Verdict.NEVER, _BAD_ADDRESS)
                continue
            yield OutgoingMessage(
                delivery.claim,
                spliced.mail_from,
                spliced.rcpt_to,
                spliced.data,
                # Made of quoted-printable pieces: only a To beyond ASCII has to be looked at again.
                wire_ready=spliced.rcpt_to.isascii(),
            )

    def notices(self, armed: Sequence[ArmedNotice], latest: Month | None) -> Iterator[OutgoingMessage | Outcome]:
        """The same for notices; `latest` is the edition that a welcome points to."""
        for each in armed:
            try:
                mail = notice.render(
                    each.kind,
                    each.claim.row_id,
                    each.recipient,
                    self._publication,
                    gazetteer(),
                    at=each.created_at,
                    latest=latest,
                )
            except InvalidAddress:
                yield Outcome(each.claim, Verdict.NEVER, _BAD_ADDRESS)
                continue
            yield OutgoingMessage(each.claim, mail.mail_from, mail.rcpt_to, mail.data)
