"""How far an edition is, told in one way at the desk, on the command line and to programs.

The numbers are counted from rows (services.counts); those of a large edition are counted anew only after a while. What
is in the edition's own row is always read anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.states import DeliveryState, EditionState, SkipReason
from newsletter.services import counts, guard
from newsletter.services.counts import Count
from newsletter.storage.tables import Destination, Edition

_ENDED = (EditionState.SENT, EditionState.CANCELLED)

SKIPPED_WORDS: Final[Mapping[SkipReason, str]] = {
    SkipReason.ENDED: "left before it was their turn",
    SkipReason.SUPPRESSED: "suppressed",
    SkipReason.NOTHING_TO_TELL: "follow nothing that is in it",
    SkipReason.CANCELLED: "cancelled first",
    SkipReason.PAUSED: "have paused their mail",
    SkipReason.TOO_LATE: "the deadline came first",
}


@dataclass(frozen=True, slots=True)
class PausedDestination:
    """Where nothing is sent for a while."""

    name: str
    until: datetime
    note: str | None  #: why


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an edition is, and what an admin should know about it."""

    at: datetime
    month: str
    state: EditionState
    note: str | None
    count: Count
    deadline_at: datetime | None
    is_first_wave: bool  #: the rest of the readers waits
    rest_at: datetime | None  #: when the rest follows; None until the first wave is out, and once the rest has begun
    halted: str | None  #: why nothing is sent at all
    destinations: tuple[PausedDestination, ...]

    @property
    def percent(self) -> int:
        """Of all deliveries; never 100 while one is left or held."""
        return self.count.done * 100 // self.count.total if self.count.total else 0

    @property
    def is_under_way(self) -> bool:
        """Whether readers are sent to now."""
        return self.state is EditionState.SENDING and self.count.left > 0 and self.halted is None

    @property
    def rate(self) -> float | None:
        """Messages a second, over the last minute; None unless it is under way."""
        return self.count.rate if self.is_under_way else None

    @property
    def rate_in_words(self) -> str:
        """As precise as it is worth: 0.25, 7.5 or 83 a second."""
        rate = self.rate or 0.0
        return f"{rate:,.0f} a second" if rate >= 10 or not rate else f"{rate:.2g} a second"

    @property
    def seconds_left(self) -> int | None:
        """As far as the last minute tells; None where it doesn't. Who is deferred may be deferred once more."""
        if not self.is_under_way or self.is_first_wave or math.isinf(self._at_this_pace):
            return None
        return round(max(self._at_this_pace, self._until_last_due))

    @property
    def is_too_slow(self) -> bool:
        """Whether the deadline comes first, at this pace."""
        left, deadline = self.seconds_left, self.deadline_at
        return left is not None and deadline is not None and self.at + timedelta(seconds=left) > deadline

    @property
    def _at_this_pace(self) -> float:
        ready = max(0, self.count.left - self.count.waiting)
        if not ready:
            return 0.0
        return ready / self.count.pace if self.count.pace else math.inf

    @property
    def _until_last_due(self) -> float:
        last = self.count.last_due_at
        return max(0.0, (last - self.at).total_seconds()) if last is not None else 0.0

    @property
    def words(self) -> str:
        """The states that there are, with their counts."""
        found = self.count.deliveries.items()
        return ", ".join(f"{number:,} {state.value}" for state, number in found if number) or "nobody to send to"

    @property
    def line(self) -> str:
        """Done, rate, deferred, failed, held, and the time left."""
        found = self.count.deliveries
        told = [f"{self.count.done:,} of {self.count.total:,} done"]
        told += [self.rate_in_words] if self.rate is not None else []
        told += [f"{found[state]:,} {state.value}" for state in (DeliveryState.DEFERRED, DeliveryState.FAILED)]
        told += [f"{self.count.held:,} held"] if self.count.held else []
        told += [self.time_left] if self.is_under_way else []
        return ", ".join(told)

    @property
    def time_left(self) -> str:
        """In words."""
        if self.is_first_wave:
            return "first wave only"
        if self.seconds_left is None:
            return "time left not known yet"
        is_wait = self._until_last_due >= self._at_this_pace
        return f"{'at least' if is_wait else 'about'} {in_words(self.seconds_left)} left"

    def as_json(self) -> dict[str, object]:
        """For programs; times in ISO 8601."""
        return {
            "month": self.month,
            "state": self.state.value,
            "note": self.note,
            "deliveries": {state.value: number for state, number in self.count.deliveries.items()},
            "skipped": {reason.value: number for reason, number in self.count.skipped.items()},
            "flagged": self.count.flagged,
            "total": self.count.total,
            "done": self.count.done,
            "left": self.count.left,
            "percent": self.percent,
            "rate": None if self.rate is None else round(self.rate, 2),
            "seconds_left": self.seconds_left,
            "deadline_at": _iso(self.deadline_at),
            "first_wave": self.is_first_wave,
            "rest_at": _iso(self.rest_at),
            "halted": self.halted,
            "paused_destinations": [
                {"name": each.name, "until": _iso(each.until), "note": each.note} for each in self.destinations
            ],
        }


class Looks:
    """Looks at editions. Keep one, so that a large edition isn't counted at each of them; threads may share it."""

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}

    def at(self, session: Session, edition: Edition, *, now: datetime) -> Standing:
        """How far the edition is."""
        count = self._counts.get(edition.month)
        if count is None or not _holds(count, edition, now):
            count = self._counts[edition.month] = counts.count(session, edition, now=now)
        return Standing(
            at=now,
            month=edition.month,
            state=EditionState(edition.state),
            note=edition.note,
            count=count,
            deadline_at=edition.deadline_at,
            is_first_wave=edition.first_wave is not None,
            rest_at=edition.rest_at if edition.first_wave is not None else None,
            halted=guard.halted(session),
            destinations=() if edition.state in _ENDED else paused_destinations(session, now=now),
        )

    def forget(self, month: Month) -> None:
        """Count anew at the next look: somebody has changed rows."""
        self._counts.pop(str(month), None)


def look(session: Session, edition: Edition, *, now: datetime) -> Standing:
    """How far an edition is, counted now."""
    return Looks().at(session, edition, now=now)


def paused_destinations(session: Session, *, now: datetime) -> tuple[PausedDestination, ...]:
    """Where nothing is sent for a while, by name."""
    is_paused = Destination.paused_until > int(now.timestamp())
    query = select(Destination.name, Destination.paused_until, Destination.note).where(is_paused)
    rows = session.execute(query.order_by(Destination.name))
    return tuple(PausedDestination(name, datetime.fromtimestamp(until or 0, UTC), note) for name, until, note in rows)


def in_words(seconds: int) -> str:
    """A length of time, such as 40 s, 4 min or 1 h 20 min."""
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours:,} h"


def _holds(count: Count, edition: Edition, now: datetime) -> bool:
    """Whether a count from before will do."""
    if (count.state, count.ended_at) != (edition.state, edition.ended_at) or not count.good_for:
        return False
    is_final = count.state in _ENDED and not count.left and not count.held
    return is_final or timedelta(0) <= now - count.at < timedelta(seconds=count.good_for)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
