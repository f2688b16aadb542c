"""How far editions are, as the desk shows it, and the one thing to do next."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Final

from flask import current_app
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.states import DeliveryState, EditionState
from newsletter.services.progress import SKIPPED_WORDS, Looks, Standing
from newsletter.storage.tables import Edition
from newsletter.web.database import current_session
from newsletter.web.rendering import number
from newsletter.web.wiring import now

_NAME = "newsletter_looks"

MOST_POINTS: Final = 120  #: of a drawing of the rate
WIDTH, HEIGHT = 600, 72  #: of the drawing, in its own units


class NextStep(StrEnum):
    """What an edition waits for."""

    APPROVE = "approve"
    SEND = "send"
    WATCH = "watch"
    RESUME = "resume"
    DECIDE = "decide"  #: on the deliveries that are held
    NOTHING = "nothing"


_NEXT = {
    EditionState.DRAFT: NextStep.APPROVE,
    EditionState.APPROVED: NextStep.SEND,
    EditionState.SENDING: NextStep.WATCH,
    EditionState.PAUSED: NextStep.RESUME,
}


@dataclass(frozen=True, slots=True)
class Point:
    """The rate at one time."""

    at: datetime
    rate: float  #: messages a second


class Watched:
    """Counts and rates of editions, kept for all pages of the application; threads may share it.

    The rates are those that pages have seen since the application began: nothing is counted for the drawing alone.
    """

    def __init__(self) -> None:
        self.looks = Looks()
        self._rates: dict[str, deque[Point]] = {}
        self._lock = Lock()

    def at(self, session: Session, edition: Edition, *, now: datetime) -> Standing:
        """How far the edition is; its rate is remembered."""
        standing = self.looks.at(session, edition, now=now)
        if standing.rate is not None:
            with self._lock:
                seen = self._rates.setdefault(edition.month, deque(maxlen=MOST_POINTS))
                if not seen or seen[-1].at < standing.count.at:
                    seen.append(Point(standing.count.at, standing.rate))
        return standing

    def rates(self, month: str) -> Sequence[Point]:
        """The last rates of an edition, the oldest first."""
        with self._lock:
            return tuple(self._rates.get(month, ()))


def standing(edition: Edition) -> Standing:
    """How far an edition is now."""
    return watched().at(current_session(), edition, now=now())


def next_step(standing: Standing) -> NextStep:
    """What is to be done about an edition."""
    if standing.state is EditionState.SENT and standing.count.held:
        return NextStep.DECIDE
    return _NEXT.get(standing.state, NextStep.NOTHING)


def skipped_in_words(standing: Standing) -> str:
    """How many are skipped, for which reasons; "" without any."""
    found = standing.count.skipped.items()
    return ", ".join(f"{number(count)} {SKIPPED_WORDS[reason]}" for reason, count in found if count)


def shown(standing: Standing, rates: Sequence[Point]) -> dict[str, object]:
    """What a page that is open shows anew, as it happens."""
    count = standing.count
    return standing.as_json() | {
        "line": f"{number(count.done)} of {number(count.total)} done, {standing.percent} %",
        "pace": f"{standing.rate_in_words}, {standing.time_left}" if standing.is_under_way else "",
        "skipped_words": skipped_in_words(standing),
        "counts": {state.value: number(count.deliveries[state]) for state in DeliveryState},
        "drawing": drawing(rates),
        "highest": highest(rates),
    }


def highest(rates: Sequence[Point]) -> str:
    """The top of the drawing, in words."""
    top = max((point.rate for point in rates), default=0.0)
    return f"{top:,.0f} a second" if top >= 10 else f"{top:.2g} a second"


def drawing(rates: Sequence[Point]) -> str:
    """The rate as the points of an SVG polyline, WIDTH by HEIGHT; "" where there is no line to draw yet."""
    if len(rates) < 2:
        return ""
    begin, end = rates[0].at, rates[-1].at
    span = max(1.0, (end - begin).total_seconds())
    top = max(point.rate for point in rates) or 1.0
    places = ((WIDTH * (point.at - begin).total_seconds() / span, HEIGHT * (1 - point.rate / top)) for point in rates)
    return " ".join(f"{across:.1f},{down:.1f}" for across, down in places)


def forget(month: Month) -> None:
    """After a change of an edition's rows: the next page shows it."""
    watched().looks.forget(month)


def watched() -> Watched:
    """The application's, so that a large edition isn't counted for each page."""
    found = current_app.extensions.setdefault(_NAME, Watched())
    if not isinstance(found, Watched):
        raise TypeError(f"another extension has the name {_NAME}")
    return found
