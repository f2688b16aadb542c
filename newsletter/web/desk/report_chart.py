"""An edition's rate over time, and the last editions side by side, drawn: only numbers, for a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from newsletter.services import rates
from newsletter.services.rates import Minute
from newsletter.services.reports import SHOWN_MONTHS, Compared

WIDTH: Final = 720
HEIGHT: Final = 120
_MOST_BARS: Final = 120
_MOST_ROWS: Final = 24  #: of the table that says the same


@dataclass(frozen=True, slots=True)
class Bar:
    """One span of time, or one edition."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars on a ground; what it tells in words stands beside it."""

    bars: tuple[Bar, ...]
    highest: float
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Span:
    """A row of the table."""

    begun_at: datetime
    minutes: int
    sent: int


def over_time(minutes: Sequence[Minute]) -> Chart | None:
    """Messages a minute; None where nothing was sent."""
    spans = rates.merged(minutes, _MOST_BARS)
    return _chart([each.rate for each in spans]) if spans else None


def table(minutes: Sequence[Minute]) -> list[Span]:
    """The same in numbers, in a few rows."""
    spans = rates.merged(minutes, _MOST_ROWS)
    return [Span(datetime.fromtimestamp(each.at, UTC), each.minutes, each.sent) for each in spans]


def by_month(months: Sequence[Compared]) -> Chart | None:
    """Readers of the last editions; None for fewer than two."""
    return _chart([each.readers for each in months], least=SHOWN_MONTHS) if len(months) > 1 else None


def _chart(values: Sequence[float], *, least: int = 1) -> Chart:
    """Bars as wide as if there were at least so many."""
    highest = max(values) or 1.0
    step = WIDTH / max(len(values), least)
    bars = tuple(
        Bar(
            x=round(number * step, 1),
            y=round(HEIGHT * (1 - value / highest), 1),
            width=round(max(step * 0.85, 0.5), 1),
            height=round(HEIGHT * value / highest, 1),
        )
        for number, value in enumerate(values)
    )
    return Chart(bars, highest)
