"""How rows come back from a sender, with what the relay said: the other half of services.claims.

Every write is guarded by the owner and the attempt that armed the row, so a sender that was thought dead writes
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.delivery.outcome import Outcome, Verdict, is_hard_bounce
from newsletter.delivery.reply import Reply
from newsletter.delivery.retry import RetryPolicy
from newsletter.domain.states import DeliveryState, EditionState, SuppressionReason
from newsletter.mail.links import Tokens
from newsletter.services import deliveries, preferences, suppressions
from newsletter.services.claims import Claim
from newsletter.services.consents import Origin
from newsletter.storage import outbox_queries
from newsletter.storage.tables import Edition, Notice, Subscriber

_ADDRESS = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s<>]+)@[^\s<>]+')


@dataclass(frozen=True, slots=True)
class Recording:
    """Who records, when, and by which rules."""

    owner: int
    tokens: Tokens
    now: datetime
    policy: RetryPolicy = RetryPolicy()

    @property
    def second(self) -> int:
        return int(self.now.timestamp())


@dataclass(frozen=True, slots=True)
class _Row:
    """What is written to one armed row."""

    claim: Claim
    state: DeliveryState
    due_at: int | None = None
    flagged: bool = False  #: a copy may be out
    charged: bool = True  #: whether the attempt counts
    detail: str | None = None

    def values(self, recording: Recording) -> dict[str, object]:
        return {
            "of_row": self.claim.row_id,
            "of_attempt": self.claim.attempt,
            "of_owner": recording.owner,
            "new_state": self.state.value,
            "new_due_at": self.due_at,
            "new_flagged": self.flagged,
            "new_attempt": self.claim.attempt if self.charged else self.claim.attempt - 1,
            "new_detail": self.detail,
            "new_changed_at": recording.second,
        }


def record(session: Session, outcomes: Iterable[tuple[Claim, Outcome]], recording: Recording) -> int:
    """Write what the relay said of each claim; how many rows were written: fewer when some are not ours any more."""
    outcomes = list(outcomes)
    claims = [claim for claim, _ in outcomes]
    pausing = _pausing(outcomes)
    editions = _lock_editions(session, claims, exclusively=bool(pausing))
    queued = _queued_at(session, claims, editions)
    plain: list[_Row] = []
    written = 0
    for claim, outcome in outcomes:
        row = _row(claim, outcome, queued[claim[:2]], recording)
        if not (_is_bounce(outcome) or claim in pausing):
            plain.append(row)
        elif _write(session, [row], recording):  # by itself: only what is ours may have consequences
            written += 1
            _draw_consequences(session, claim, outcome, recording)
    written += _write(session, plain, recording)
    _skip_cancelled(session, editions, recording)
    return written


def give_back(session: Session, claims: Iterable[Claim], recording: Recording) -> int:
    """Undo the arming of messages that were never started; how many rows were written."""
    claims = list(claims)
    editions = _lock_editions(session, claims)
    written = _write(session, [_back(claim, recording) for claim in claims], recording)
    _skip_cancelled(session, editions, recording)
    return written


class _EditionFacts(NamedTuple):
    state: str
    started_at: datetime | None


def _lock_editions(session: Session, claims: Iterable[Claim], *, exclusively: bool = False) -> dict[int, _EditionFacts]:
    """The editions of these claims, locked: who cancels one waits, and so sees all that came back, or came first."""
    ids = {claim.edition_id for claim in claims if claim.edition_id}
    if not ids:
        return {}
    if exclusively:
        session.execute(select(Edition.id).where(Edition.id.in_(ids)).order_by(Edition.id).with_for_update())
    rows = session.connection().execute(outbox_queries.EDITION_FACTS, {"edition_ids": list(ids)})
    return {edition_id: _EditionFacts(state, started_at) for edition_id, state, started_at in rows}


def _skip_cancelled(session: Session, editions: Mapping[int, _EditionFacts], recording: Recording) -> None:
    """What came back to an edition that was cancelled meanwhile is not sent any more."""
    for edition_id, edition in editions.items():
        if edition.state == EditionState.CANCELLED.value:
            deliveries.skip_the_rest(session, edition_id, now=recording.now)


def _pausing(outcomes: Iterable[tuple[Claim, Outcome]]) -> set[Claim]:
    """The claims whose refusal pauses their edition: of a first try, or of several at once.

    A single reader that is refused again on a later try says more of that reader's server than of us.
    """
    refused = {claim for claim, outcome in outcomes if outcome.verdict is Verdict.REFUSED and claim.edition_id}
    return refused if len(refused) > 1 else {claim for claim in refused if claim.attempt == 1}


def _is_bounce(outcome: Outcome) -> bool:
    return outcome.verdict is Verdict.NEVER and outcome.reply is not None and is_hard_bounce(outcome.reply)


def _draw_consequences(session: Session, claim: Claim, outcome: Outcome, recording: Recording) -> None:
    """What an outcome means beyond its row: for the reader, or for the edition."""
    if _is_bounce(outcome):
        _end_for_bounce(session, claim, outcome.reply, recording)
    else:
        _pause(session, claim, outcome.reply)
    session.flush()  # outbox_queries go past the session, and must see it


def _back(claim: Claim, recording: Recording) -> _Row:
    """A row as if it had never been armed."""
    due_at = None if claim.edition_id else recording.second
    return _Row(claim, DeliveryState.PENDING, due_at=due_at, charged=False)


def _row(claim: Claim, outcome: Outcome, queued_at: datetime, recording: Recording) -> _Row:
    """What an outcome makes of a row: see RELIABILITY's rules for replies."""
    detail = _told(outcome.reply)
    match outcome.verdict:
        case Verdict.SENT:
            return _Row(claim, DeliveryState.SENT)
        case Verdict.NEVER:
            return _Row(claim, DeliveryState.FAILED, detail=detail)
        case Verdict.LOST:
            return _back(claim, recording)
        case _:
            flagged = outcome.verdict is Verdict.UNKNOWN
            due = recording.policy.next_attempt(queued_at=queued_at, attempts=claim.attempt, now=recording.now)
            if due is None:
                return _Row(claim, DeliveryState.FAILED, flagged=flagged, detail=detail)
            return _Row(claim, DeliveryState.DEFERRED, due_at=int(due.timestamp()), flagged=flagged, detail=detail)


def _queued_at(
    session: Session, claims: Sequence[Claim], editions: Mapping[int, _EditionFacts]
) -> dict[tuple[int, int], datetime]:
    """Since when each claim's message has been waiting: its edition's start, or the notice's making."""
    notices = {claim.row_id for claim in claims if not claim.edition_id}
    begun = {edition_id: edition.started_at for edition_id, edition in editions.items()}
    query = select(Notice.id, Notice.created_at).where(Notice.id.in_(notices))
    made = dict(session.execute(query).all()) if notices else {}
    epoch = datetime.fromtimestamp(0, UTC)
    return {
        claim[:2]: (begun.get(claim.edition_id) if claim.edition_id else made.get(claim.row_id)) or epoch
        for claim in claims
    }


def _write(session: Session, rows: Sequence[_Row], recording: Recording) -> int:
    digests = [row.values(recording) | {"of_edition": row.claim.edition_id} for row in rows if row.claim.edition_id]
    notices = [row.values(recording) for row in rows if not row.claim.edition_id]
    connection = session.connection()
    written = connection.execute(outbox_queries.RECORD_DELIVERY, digests).rowcount if digests else 0
    return written + (connection.execute(outbox_queries.RECORD_NOTICE, notices).rowcount if notices else 0)


def _end_for_bounce(session: Session, claim: Claim, reply: Reply | None, recording: Recording) -> None:
    """The mailbox is not there: send nothing to it any more."""
    subscriber_id = claim.row_id if claim.edition_id else _subscriber_of_notice(session, claim.row_id)
    if subscriber_id is None:
        return
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True, populate_existing=True)
    if subscriber is None:
        return
    reason = SuppressionReason.HARD_BOUNCE
    suppressions.suppress(session, subscriber.address_key, reason, tokens=recording.tokens, now=recording.now)
    origin = Origin(source="the relay", text=_told(reply) or "")
    preferences.end(session, subscriber, reason.value, origin=origin, now=recording.now)


def _subscriber_of_notice(session: Session, notice_id: int) -> int | None:
    notice = session.get(Notice, notice_id)
    return notice.subscriber_id if notice else None


def _pause(session: Session, claim: Claim, reply: Reply | None) -> None:
    """The relay refuses us, not a reader: stop, and tell a person what it said."""
    edition = session.get(Edition, claim.edition_id, populate_existing=True)
    if edition is not None and edition.state == EditionState.SENDING.value:
        edition.state = EditionState.PAUSED.value
        said = _told(reply) or "no reason given"
        seen = f"First seen with subscriber {claim.row_id}"
        edition.note = f"The relay refuses this sender: {said}. Mend that, then resume. {seen}."


def _told(reply: Reply | None) -> str | None:
    """The relay's words without addresses: they outlive the subscriber."""
    if reply is None:
        return None
    words = " ".join(str(part) for part in (reply.code, reply.enhanced, reply.text) if part)
    return _ADDRESS.sub("<address>", words)
