"""How far an edition is: counted from its rows, and told in one way at the desk, on the command line and as JSON.

To count is to look at every delivery of the edition, half a second for a million of them, at the cost of whoever sends.
So `Looks` counts a large edition anew only after a while; what is in its own row is always read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import OPEN_STATES, DeliveryState, EditionState, SkipReason
from newsletter.services import guard
from newsletter.storage.tables import Delivery, Destination, Edition

RECENT_SECONDS: Final = 60  #: that the rate is of
ROWS_A_SECOND: Final = 100_000  #: a count of so many is good for a second: then counting takes a twentieth of a core
LONGEST_SECONDS: Final = 60  #: that any count is good for

_ENDED = (EditionState.SENT, EditionState.CANCELLED)
_ANSWERED = (DeliveryState.SENT.value, DeliveryState.FAILED.value)
_SETTLED = (*_ANSWERED, DeliveryState.SKIPPED.value)

SKIPPED_WORDS: Final[Mapping[SkipReason, str]] = {
    SkipReason.ENDED: "left before it was their turn",
    SkipReason.SUPPRESSED: "on the suppression list",
    SkipReason.NOTHING_TO_TELL: "following nothing that is in it",
    SkipReason.CANCELLED: "not sent to when it was cancelled",
    SkipReason.TOO_LATE: "not reached by the deadline",
}


@dataclass(frozen=True, slots=True)
class Count:
    """An edition's deliveries at one time."""

    at: datetime
    state: EditionState  #: the edition's, at that time
    ended_at: datetime | None
    deliveries: Mapping[DeliveryState, int]
    skipped: Mapping[SkipReason, int]
    flagged: int  #: readers who may have got a second copy
    rate: float  #: messages a second that the relay answered for good, lately
    pace: float  #: readers a second that are done with, those who are skipped among them
    waiting: int  #: of those left, wait for a time of their own
    last_due_at: datetime | None  #: the last of these times

    @property
    def total(self) -> int:
        return sum(self.deliveries.values())

    @property
    def held(self) -> int:
        """Wait for an admin."""
        return self.deliveries[DeliveryState.HELD]

    @property
    def left(self) -> int:
        """Still to be sent, now or later."""
        return sum(self.deliveries[state] for state in OPEN_STATES)

    @property
    def good_for(self) -> int:
        """For how many seconds it need not be made anew."""
        return min(self.total // ROWS_A_SECOND, LONGEST_SECONDS)


@dataclass(frozen=True, slots=True)
class PausedDestination:
    """Where nothing is sent for a while."""

    name: str
    until: datetime
    note: str | None  #: why


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an edition is, and what an admin should know about it."""

    month: str
    state: EditionState
    note: str | None
    count: Count
    deadline_at: datetime | None
    is_first_wave: bool  #: the rest of the readers waits
    rest_at: datetime | None  #: when the rest follows; None until the first wave is out
    halted: str | None  #: why nothing is sent at all
    destinations: tuple[PausedDestination, ...]
    at: datetime

    @property
    def total(self) -> int:
        return self.count.total

    @property
    def left(self) -> int:
        return self.count.left

    @property
    def done(self) -> int:
        """Nobody has to do anything for them any more."""
        return self.total - self.left - self.count.held

    @property
    def percent(self) -> int:
        """Of all deliveries; never 100 while one is left or held."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def is_under_way(self) -> bool:
        """Whether readers are sent to right now."""
        return self.state is EditionState.SENDING and self.left > 0 and self.halted is None

    @property
    def rate(self) -> float | None:
        """Messages a second, over the last minute; None unless it is under way."""
        return self.count.rate if self.is_under_way else None

    @property
    def seconds_left(self) -> int | None:
        """As far as the last minute tells; None where it doesn't. Who is deferred may be deferred once more."""
        ready = self.left - self.count.waiting
        if not self.is_under_way or self.is_first_wave or (ready > 0 and not self.count.pace):
            return None
        at_this_pace = ready / self.count.pace if ready > 0 else 0.0
        return round(max(at_this_pace, self._until_last_due))

    @property
    def is_at_least(self) -> bool:
        """Whether `seconds_left` is the wait for those who have a time of their own, and not an estimate."""
        return self.seconds_left is not None and self.seconds_left == round(self._until_last_due)

    @property
    def is_too_slow(self) -> bool:
        """Whether the deadline comes first, at this pace."""
        left, deadline = self.seconds_left, self.deadline_at
        return left is not None and deadline is not None and self.at + timedelta(seconds=left) > deadline

    @property
    def _until_last_due(self) -> float:
        last = self.count.last_due_at
        return max(0.0, (last - self.at).total_seconds()) if last is not None else 0.0

    @property
    def words(self) -> str:
        """The states that there are, with their counts."""
        told = ", ".join(f"{count:,} {state.value}" for state, count in self.count.deliveries.items() if count)
        return told or "nobody to send to"

    @property
    def line(self) -> str:
        """Done, rate, deferred, failed, held and time left."""
        deliveries = self.count.deliveries
        told = [f"{self.done:,} of {self.total:,} done"]
        if self.rate is not None:
            told.append(f"{rate_words(self.rate)}")
        told += [f"{deliveries[state]:,} {state.value}" for state in (DeliveryState.DEFERRED, DeliveryState.FAILED)]
        if self.count.held:
            told.append(f"{self.count.held:,} held")
        if self.is_under_way:
            told.append(self.time_left)
        return ", ".join(told)

    @property
    def time_left(self) -> str:
        """In words."""
        if self.seconds_left is None:
            return "time left not known yet"
        return f"{'at least' if self.is_at_least else 'about'} {span(self.seconds_left)} left"

    @property
    def notes(self) -> tuple[str, ...]:
        """What an admin should know, a sentence each."""
        told = [each for each in (self.halted, self.note) if each]
        if self.state is EditionState.SENDING and self.is_first_wave and self.rest_at is None:
            told.append("The first wave is on its way; the rest waits for it.")
        if self.is_too_slow:
            told.append(f"At this pace not everybody has it by the deadline, {moment(self.deadline_at or self.at)}.")
        for each in self.destinations:
            told.append(f"{each.name} is paused until {moment(each.until)}{f': {each.note}' if each.note else '.'}")
        return tuple(told)

    def as_json(self) -> dict[str, object]:
        """The same numbers for programs; times in ISO 8601."""
        return {
            "month": self.month,
            "state": self.state.value,
            "note": self.note,
            "deliveries": {state.value: count for state, count in self.count.deliveries.items()},
            "skipped": {reason.value: count for reason, count in self.count.skipped.items()},
            "flagged": self.count.flagged,
            "total": self.total,
            "done": self.done,
            "left": self.left,
            "percent": self.percent,
            "rate": None if self.rate is None else round(self.rate, 2),
            "seconds_left": self.seconds_left,
            "deadline_at": _iso(self.deadline_at),
            "first_wave": self.is_first_wave,
            "rest_at": _iso(self.rest_at if self.is_first_wave else None),
            "halted": self.halted,
            "destinations": [
                {"name": each.name, "paused_until": _iso(each.until), "note": each.note} for each in self.destinations
            ],
        }


class Looks:
    """Looks at editions. Keep one, so that a large edition's rows aren't counted at each of them; threads may share it."""

    def __init__(self) -> None:
        self._counts: dict[int, Count] = {}

    def at(self, session: Session, edition: Edition, *, now: datetime) -> Standing:
        """How far the edition is."""
        count = self._counts.get(edition.id)
        if count is None or not _still_holds(count, edition, now):
            count = self._counts[edition.id] = count_rows(session, edition, now=now)
        return Standing(
            month=edition.month,
            state=EditionState(edition.state),
            note=edition.note,
            count=count,
            deadline_at=edition.deadline_at,
            is_first_wave=edition.first_wave is not None,
            rest_at=edition.rest_at,
            halted=guard.halted(session),
            destinations=paused_destinations(session, now=now) if edition.state not in _ENDED else (),
            at=now,
        )

    def forget(self, edition_id: int) -> None:
        """Count anew at the next look: rows were changed."""
        self._counts.pop(edition_id, None)


def look(session: Session, edition: Edition, *, now: datetime) -> Standing:
    """How far an edition is, counted now."""
    return Looks().at(session, edition, now=now)


def _still_holds(count: Count, edition: Edition, now: datetime) -> bool:
    if (count.state.value, count.ended_at) != (edition.state, edition.ended_at) or not count.good_for:
        return False
    is_final = count.state in _ENDED and not count.left and not count.held
    return is_final or timedelta(0) <= now - count.at < timedelta(seconds=count.good_for)


def count_rows(session: Session, edition: Edition, *, now: datetime) -> Count:
    """Count an edition's deliveries. An edition that was never sent has none."""
    state = EditionState(edition.state)
    deliveries = dict.fromkeys(DeliveryState, 0)
    skipped = dict.fromkeys(SkipReason, 0)
    flagged = waiting = 0
    rate = pace = 0.0
    last_due_at = None
    if edition.send_started_at is not None:
        deliveries, flagged = _by_state(session, edition.id)
    if deliveries[DeliveryState.SKIPPED]:
        skipped |= _by_reason(session, edition.id)
    if state is EditionState.SENDING:
        rate, pace = _lately(session, edition.id, now)
        waiting, last_due_at = _waiting(session, edition.id, now)
    return Count(
        now, state, edition.ended_at, deliveries, skipped, flagged, rate, pace, waiting, last_due_at
    )


def _by_state(session: Session, edition_id: int) -> tuple[dict[DeliveryState, int], int]:
    """Counted in one pass: SQLite would sort a million rows to group them."""
    columns = [func.count().filter(Delivery.state == state.value) for state in DeliveryState]
    query = select(*columns, func.count().filter(Delivery.flagged)).where(Delivery.edition_id == edition_id)
    *counts, flagged = session.execute(query).one()
    return dict(zip(DeliveryState, counts, strict=True)), flagged


def _by_reason(session: Session, edition_id: int) -> dict[SkipReason, int]:
    is_skipped = (Delivery.edition_id == edition_id, Delivery.state == DeliveryState.SKIPPED.value)
    columns = [func.count().filter(Delivery.detail == reason.value) for reason in SkipReason]
    counts = session.execute(select(*columns).where(*is_skipped)).one()
    return dict(zip(SkipReason, counts, strict=True))


def _lately(session: Session, edition_id: int, now: datetime) -> tuple[float, float]:
    """Messages answered, and readers done with, a second: since the first of them in the last minute.

    So an edition that was resumed ten seconds ago is measured over these ten.
    """
    since = int(now.timestamp()) - RECENT_SECONDS
    query = (
        select(Delivery.state, func.count(), func.min(Delivery.changed_at))
        .where(Delivery.edition_id == edition_id, Delivery.changed_at >= since, Delivery.state.in_(_SETTLED))
        .group_by(Delivery.state)
    )
    rows = session.execute(query).all()
    if not rows:
        return 0.0, 0.0
    seconds = max(1.0, now.timestamp() - min(first for _, _, first in rows))
    answered = sum(count for state, count, _ in rows if state in _ANSWERED)
    return answered / seconds, sum(count for _, count, _ in rows) / seconds


def _waiting(session: Session, edition_id: int, now: datetime) -> tuple[int, datetime | None]:
    """How many have a time of their own that is still to come, and the last one; there is an index for them."""
    query = select(func.count(), func.max(Delivery.due_at)).where(
        Delivery.edition_id == edition_id, Delivery.due_at > int(now.timestamp())
    )
    waiting, last = session.execute(query).one()
    return waiting, datetime.fromtimestamp(last, UTC) if last is not None else None


def paused_destinations(session: Session, *, now: datetime) -> tuple[PausedDestination, ...]:
    """Where nothing is sent for a while, by name."""
    query = select(Destination).where(Destination.paused_until > int(now.timestamp())).order_by(Destination.name)
    return tuple(
        PausedDestination(row.name, datetime.fromtimestamp(row.paused_until or 0, UTC), row.note)
        for row in session.scalars(query.execution_options(populate_existing=True))
    )


def held_details(session: Session, edition_id: int) -> dict[str, int]:
    """Why deliveries are held, in the words that are kept with them, the most frequent first."""
    query = (
        select(Delivery.detail, func.count())
        .where(Delivery.edition_id == edition_id, Delivery.state == DeliveryState.HELD.value)
        .group_by(Delivery.detail)
        .order_by(func.count().desc(), Delivery.detail)
    )
    return {detail or "no reason was kept": count for detail, count in session.execute(query)}
