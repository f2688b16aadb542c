"""How many subscribers there were, drawn: a line of the total, and under it a pair of bars a month.

Only numbers that a template puts into a picture; colours and letters are the style sheet's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from newsletter.services.growth import Growth

WIDTH: Final = 720
LINE_HEIGHT: Final = 180
BARS_TOP: Final = 232
BARS_HEIGHT: Final = 108
HEIGHT: Final = 376
LEFT: Final = 64  #: for the numbers of the axis
TOP: Final = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """What one month looks like."""

    x: float
    width: float
    joined_y: float
    joined_height: float
    ended_y: float
    ended_height: float
    label: str  #: "" where there is no room for one


@dataclass(frozen=True, slots=True)
class Mark:
    """A number beside a line."""

    y: float
    number: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture, in units of its own."""

    points: str
    last: tuple[float, float]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    zero: float  #: where the bars stand
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def draw(months: Sequence[Growth]) -> Chart:
    """The chart of one month or more."""
    step = (WIDTH - LEFT) / len(months)
    top = _round_up(max(each.total for each in months))
    points = [
        (round(LEFT + step * (number + 0.5), 1), round(TOP + LINE_HEIGHT * (1 - each.total / top), 1))
        for number, each in enumerate(months)
    ]
    joined, ended = max(each.joined for each in months), max(each.ended for each in months)
    scale = BARS_HEIGHT / max(joined + ended, 1)
    zero = BARS_TOP + joined * scale
    every = max(1, round(len(months) / 9))
    bars = tuple(
        Bar(
            x=round(LEFT + step * (number + 0.2), 1),
            width=round(step * 0.6, 1),
            joined_y=round(zero - each.joined * scale, 1),
            joined_height=round(each.joined * scale, 1),
            ended_y=round(zero, 1),
            ended_height=round(each.ended * scale, 1),
            label=f"{each.month.name[:3]} {each.month.year % 100:02}" if number % every == 0 else "",
        )
        for number, each in enumerate(months)
    )
    marks = tuple(Mark(round(TOP + LINE_HEIGHT * (1 - part), 1), round(top * part)) for part in (0, 0.5, 1))
    return Chart(" ".join(f"{x},{y}" for x, y in points), points[-1], bars, marks, round(zero, 1))


def _round_up(number: int) -> int:
    """The next 1, 2 or 5 with noughts."""
    size = 1
    while True:
        for leading in (1, 2, 5):
            if leading * size >= max(number, 2) and leading * size % 2 == 0:
                return leading * size
        size *= 10
