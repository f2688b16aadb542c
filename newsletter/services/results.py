"""How rows come back from a sender, with what the relay said: the other half of services.claims.

Every write is guarded by the owner and the attempt that armed the row, so a sender that was thought dead writes
nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.delivery.retry import RetryPolicy
from newsletter.domain.states import DeliveryState, EditionState, OnUnknown
from newsletter.mail.links import Tokens
from newsletter.services import consequences, deliveries
from newsletter.services.claims import Claim
from newsletter.storage import outbox_queries
from newsletter.storage.tables import Edition, Notice

HUNG_UP_SECONDS: Final = 60
NO_REPLY: Final = "no reply came to the end of the message"

Told = tuple[Claim, Outcome]


@dataclass(frozen=True, slots=True)
class Recording:
    """Who records, when, and by which rules."""

    owner: int
    tokens: Tokens
    now: datetime
    policy: RetryPolicy = RetryPolicy()
    on_unknown: OnUnknown = OnUnknown.RESEND
    chance: Callable[[], float] = field(default=random.random)  #: for the jitter of retries

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


def record(session: Session, outcomes: Iterable[Told], recording: Recording) -> int:
    """Write what the relay said of each claim; how many rows were written: fewer when some are not ours any more."""
    sent: list[dict[str, object]] = []
    others: list[Told] = []
    for claim, outcome in outcomes:
        if outcome.verdict is Verdict.SENT and claim.edition_id:
            sent.append(
                {
                    "of_edition": claim.edition_id,
                    "of_row": claim.row_id,
                    "of_owner": recording.owner,
                    "of_attempt": claim.attempt,
                    "new_changed_at": recording.second,
                }
            )
        else:
            others.append((claim, outcome))
    written = outbox_queries.RECORD_SENT.change_many(session, sent)
    return written + (_record_others(session, others, recording) if others else 0)


def _record_others(session: Session, outcomes: Sequence[Told], recording: Recording) -> int:
    """What is not simply sent: it may come back, be given up, or mean something for more than its row."""
    claims = [claim for claim, _ in outcomes]
    editions = _lock_editions(session, claims)
    untils = _untils(session, claims, editions, recording.policy)
    rows = {claim: _row(claim, outcome, untils[claim[:2]], recording) for claim, outcome in outcomes}
    weighty = [(claim, outcome) for claim, outcome in outcomes if consequences.has_some(outcome)]
    plain = [rows[claim] for claim, outcome in outcomes if (claim, outcome) not in weighty]
    written = _write(session, plain, recording)
    for claim, outcome in weighty:  # one by one: only what is ours may have consequences
        if _write(session, [rows[claim]], recording):
            written += 1
            consequences.draw(session, claim, outcome, tokens=recording.tokens, now=recording.now)
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
    deadline_at: datetime | None


def _lock_editions(session: Session, claims: Iterable[Claim]) -> dict[int, _EditionFacts]:
    """The editions of these claims, locked: who cancels one waits, and so sees all that came back, or came first."""
    ids = {claim.edition_id for claim in claims if claim.edition_id}
    if not ids:
        return {}
    query = (
        select(Edition.id, Edition.state, Edition.send_started_at, Edition.deadline_at)
        .where(Edition.id.in_(ids))
        .order_by(Edition.id)
        .with_for_update()
    )
    rows = session.execute(query)
    return {edition_id: _EditionFacts(state, started, deadline) for edition_id, state, started, deadline in rows}


def _skip_cancelled(session: Session, editions: Mapping[int, _EditionFacts], recording: Recording) -> None:
    """What came back to an edition that was cancelled meanwhile is not sent any more."""
    for edition_id, edition in editions.items():
        if edition.state == EditionState.CANCELLED.value:
            deliveries.skip_the_rest(session, edition_id, now=recording.now)


def _untils(
    session: Session, claims: Sequence[Claim], editions: Mapping[int, _EditionFacts], policy: RetryPolicy
) -> dict[tuple[int, int], datetime]:
    """Until when each claim's message may be tried: its edition's deadline, or a notice's lifetime from its making."""
    notices = {claim.row_id for claim in claims if not claim.edition_id}
    query = select(Notice.id, Notice.created_at).where(Notice.id.in_(notices))
    made = dict(session.execute(query).all()) if notices else {}
    epoch = datetime.fromtimestamp(0, UTC)

    def until(claim: Claim) -> datetime:
        edition = editions.get(claim.edition_id)
        if edition is not None and edition.deadline_at is not None:
            return edition.deadline_at
        begun = edition.started_at if edition is not None else made.get(claim.row_id)
        return (begun or epoch) + policy.lifetime

    return {claim[:2]: until(claim) for claim in claims}


def _back(claim: Claim, recording: Recording) -> _Row:
    """A row as if it had never been armed."""
    due_at = None if claim.edition_id else recording.second
    return _Row(claim, DeliveryState.PENDING, due_at=due_at, charged=False)


def _lost(claim: Claim, outcome: Outcome, recording: Recording) -> _Row:
    """Nobody is charged. Whose command made the relay hang up waits a minute: each try would end a connection."""
    if outcome.phase is None:
        return _back(claim, recording)
    return _Row(claim, DeliveryState.PENDING, due_at=recording.second + HUNG_UP_SECONDS, charged=False)


def _row(claim: Claim, outcome: Outcome, until: datetime, recording: Recording) -> _Row:
    """What an outcome makes of a row: see docs/reliability.md."""
    detail = consequences.told(outcome.reply)
    match outcome.verdict:
        case Verdict.SENT:
            return _Row(claim, DeliveryState.SENT)
        case Verdict.NEVER:
            return _Row(claim, DeliveryState.FAILED, detail=detail)
        case Verdict.LOST:
            return _lost(claim, outcome, recording)
        case Verdict.UNKNOWN if claim.edition_id and recording.on_unknown is OnUnknown.HOLD:
            return _Row(claim, DeliveryState.HELD, flagged=True, detail=detail or NO_REPLY)
        case _:
            flagged = outcome.verdict is Verdict.UNKNOWN
            due = recording.policy.next_attempt(
                attempts=claim.attempt, now=recording.now, until=until, chance=recording.chance()
            )
            if due is None:
                return _Row(claim, DeliveryState.FAILED, flagged=flagged, detail=detail)
            return _Row(claim, DeliveryState.DEFERRED, due_at=int(due.timestamp()), flagged=flagged, detail=detail)


def _write(session: Session, rows: Sequence[_Row], recording: Recording) -> int:
    digests = [row.values(recording) | {"of_edition": row.claim.edition_id} for row in rows if row.claim.edition_id]
    notices = [row.values(recording) for row in rows if not row.claim.edition_id]
    written = outbox_queries.RECORD_DELIVERY.change_many(session, digests)
    return written + outbox_queries.RECORD_NOTICE.change_many(session, notices)
