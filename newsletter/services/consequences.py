"""What an outcome means beyond its row: for the reader, for a destination, or for the whole edition."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.delivery.destinations.advice import advise
from newsletter.delivery.outcome import Outcome, Phase, Verdict, is_hard_bounce
from newsletter.delivery.reply import Reply
from newsletter.domain.states import EditionState, SuppressionReason
from newsletter.mail.links import Tokens
from newsletter.services import preferences, suppressions
from newsletter.services.claims import Claim, address_key
from newsletter.services.consents import Origin
from newsletter.storage.tables import Admin, Edition, Notice, Subscriber

_ADDRESS = re.compile(r'<?(?:"(?:[^"\\]|\\.)*"|[^\s<>]+)@[^\s<>]+>?')

#: Takes a domain and what came back from there; the words for an admin if nothing is sent there for a while.
Learn = Callable[[str, Outcome], str | None]

_OF_DESTINATION = (Phase.RCPT, Phase.DATA, Phase.DOT)


def has_some(outcome: Outcome) -> bool:
    """Whether an outcome means anything for its reader or its edition."""
    return _is_bounce(outcome) or _is_refusal_of_us(outcome)


def draw(session: Session, claim: Claim, outcome: Outcome, *, tokens: Tokens, now: datetime) -> None:
    """Do what such an outcome asks for; call it when the row was written."""
    if _is_bounce(outcome):
        _end_for_bounce(session, claim, outcome.reply, tokens=tokens, now=now)
    elif _is_refusal_of_us(outcome):
        _pause(session, claim, outcome.reply)
    session.flush()  # outbox_queries go past the session, and must see it


def learn(session: Session, outcomes: Sequence[tuple[Claim, Outcome]], teach: Learn) -> None:
    """Tell `teach` what destinations said; where nothing is sent for a while, the edition's note says why."""
    heard = [(claim, outcome) for claim, outcome in outcomes if outcome.phase in _OF_DESTINATION]
    domains = _domains(session, [claim for claim, _ in heard])
    for claim, outcome in heard:
        domain = domains.get(claim[:2])
        words = teach(domain, outcome) if domain is not None else None
        edition = session.get(Edition, claim.edition_id, with_for_update=True) if words else None
        if edition is not None:
            edition.note = words
            session.flush()


def _domains(session: Session, claims: Sequence[Claim]) -> dict[tuple[int, int], str]:
    """Where the messages of claims went; nothing of a subscriber who was erased."""
    notices = [claim.row_id for claim in claims if not claim.edition_id]
    readers = [claim.row_id for claim in claims if claim.edition_id]
    of_readers = select(Subscriber.id, Subscriber.address).where(Subscriber.id.in_(readers))
    of_notices = (
        select(Notice.id, func.coalesce(Notice.address, Subscriber.address, Admin.address))
        .outerjoin(Subscriber, Subscriber.id == Notice.subscriber_id)
        .outerjoin(Admin, Admin.id == Notice.admin_id)
        .where(Notice.id.in_(notices))
    )
    addresses = dict(session.execute(of_readers).all()) if readers else {}
    addresses_of_notices = dict(session.execute(of_notices).all()) if notices else {}
    found = {claim[:2]: (addresses if claim.edition_id else addresses_of_notices).get(claim.row_id) for claim in claims}
    return {key: address.rpartition("@")[2] for key, address in found.items() if address}


def told(reply: Reply | None) -> str | None:
    """The relay's words without addresses: they outlive the subscriber."""
    if reply is None:
        return None
    words = " ".join(str(part) for part in (reply.code, reply.enhanced, reply.text) if part)
    return _ADDRESS.sub("<address>", words)


def _is_refusal_of_us(outcome: Outcome) -> bool:
    """Whether the relay itself refuses us, before it has even heard of a reader."""
    return outcome.verdict is Verdict.REFUSED and outcome.phase not in _OF_DESTINATION


def _is_bounce(outcome: Outcome) -> bool:
    return outcome.verdict is Verdict.NEVER and outcome.reply is not None and is_hard_bounce(outcome.reply)


def _end_for_bounce(session: Session, claim: Claim, reply: Reply | None, *, tokens: Tokens, now: datetime) -> None:
    """The mailbox is not there: send nothing to it any more. Its reader stays where it is not their own.

    An admin's mail has no reader: the row alone tells of it, and they can be written to again.
    """
    notice = None if claim.edition_id else session.get(Notice, claim.row_id)
    subscriber_id = claim.row_id if notice is None else notice.subscriber_id
    subscriber = session.get(Subscriber, subscriber_id) if subscriber_id is not None else None
    if subscriber is None:
        return
    session.refresh(subscriber, with_for_update=True)
    key = subscriber.address_key if notice is None else address_key(notice, subscriber)
    reason = SuppressionReason.HARD_BOUNCE
    suppressions.suppress(session, key, reason, tokens=tokens, now=now)
    if key != subscriber.address_key:
        return
    origin = Origin(source="the relay", text=told(reply) or "")
    preferences.end(session, subscriber, reason.value, origin=origin, now=now)


def _pause(session: Session, claim: Claim, reply: Reply | None) -> None:
    """The relay refuses us, not a reader: stop, and tell a person what it said."""
    edition = session.get(Edition, claim.edition_id, populate_existing=True)
    if edition is not None and edition.state == EditionState.SENDING.value:
        edition.state = EditionState.PAUSED.value
        said = told(reply) or "no reason given"
        advice = f" {advise(reply)}" if reply is not None else ""
        seen = f"First seen with subscriber {claim.row_id}"
        edition.note = f"The relay refuses this sender: {said}.{advice} Mend that, then resume. {seen}."
