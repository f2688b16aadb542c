"""The signs on the map: an arrow, dot, ring or square on its point at a place, moved apart where they would overlap.

Lengths are CSS pixels of the map at its full width; on a phone it is shown at about half of that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import ImageDraw

from newsletter.domain.update import Alert, Trend
from newsletter.mail.pictures.colour import Colour, Colours

Point = tuple[float, float]  #: to the right and down

_ARROW = 5.0  #: from the middle of an arrow to its corners
_DOT = 2.6  #: radius
_RING = 8.0  #: radius of the ring around a place with a Conflict Risk Alert
_SQUARE = 10.4  #: from the middle to the corners, around a place with a Resolution Opportunity
_AROUND = 14.6  #: the same, where the square goes around a ring
_STROKE = 1.8
_RIM = 1.0  #: of ground around a sign

_ROUNDS = 40  #: of moving apart
_TURN = 2.4  #: radians from one direction to the next: the golden angle, by which hardly any two are alike
_FARTHEST = 7.0  #: that a sign is moved: farther off it would stand for another place


@dataclass(frozen=True, slots=True)
class Mark:
    """The sign of one place."""

    at: Point
    trend: Trend
    alerts: tuple[Alert, ...]

    @property
    def radius(self) -> float:
        """Of the circle that it needs for itself."""
        if Alert.RESOLUTION_OPPORTUNITY in self.alerts:
            return self.square - _RIM  # the corners of two squares may pass each other
        if self.alerts:
            return _RING + _RIM
        return _DOT + _RIM if self.trend is Trend.UNCHANGED else _ARROW

    @property
    def reach(self) -> int:
        """From its middle to its end, the rim included."""
        return math.ceil((self.square if Alert.RESOLUTION_OPPORTUNITY in self.alerts else _RING) + 2 * _RIM)

    @property
    def square(self) -> float:
        """From the middle to the corners of its square, if it has one."""
        return _AROUND if Alert.CONFLICT_RISK in self.alerts else _SQUARE


def spread(marks: Sequence[Mark]) -> list[Mark]:
    """The marks moved apart, a little each, until none covers another or they can't go any farther.

    They end on whole pixels: signs of equal pixels take less of a file.
    """
    homes = [mark.at for mark in marks]
    # Off by a trifle, each in a direction of its own, so that signs on the same spot know where to go.
    spots = [
        (x + math.cos(_TURN * number) / 10, y + math.sin(_TURN * number) / 10) for number, (x, y) in enumerate(homes)
    ]
    near = [
        (one, other, marks[one].radius + marks[other].radius)
        for one in range(len(marks))
        for other in range(one)
        if math.dist(homes[one], homes[other]) < marks[one].radius + marks[other].radius + 2 * _FARTHEST
    ]
    for _ in range(_ROUNDS):
        moved = False
        for one, other, room in near:
            push = _push(spots[one], spots[other], room)
            if push != (0.0, 0.0):
                spots[one] = _tether(homes[one], (spots[one][0] + push[0], spots[one][1] + push[1]))
                spots[other] = _tether(homes[other], (spots[other][0] - push[0], spots[other][1] - push[1]))
                moved = True
        if not moved:
            break
    whole = [(float(round(x)), float(round(y))) for x, y in spots]
    return [replace(mark, at=spot) for mark, spot in zip(marks, whole, strict=True)]


def _push(one: Point, other: Point, room: float) -> Point:
    """How far `one` is to go, half of what is missing; nowhere when there is room."""
    across, down = one[0] - other[0], one[1] - other[1]
    apart = math.hypot(across, down)
    if apart >= room - 0.01 or not apart:
        return 0.0, 0.0
    share = (room - apart) / apart / 2
    return across * share, down * share


def _tether(home: Point, spot: Point) -> Point:
    length = math.dist(home, spot)
    if length <= _FARTHEST:
        return spot
    share = _FARTHEST / length
    return home[0] + (spot[0] - home[0]) * share, home[1] + (spot[1] - home[1]) * share


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws marks on a painting that has `scale` pixels to a CSS pixel."""

    draw: ImageDraw.ImageDraw
    colours: Colours
    scale: float

    def mark(self, mark: Mark) -> None:
        """A sign with its rim of ground."""
        if Alert.RESOLUTION_OPPORTUNITY in mark.alerts:
            self._corners(mark.at, mark.square + 1.4 * _RIM, 4, self.colours.ground, up=True)
            self._corners(mark.at, mark.square, 4, self.colours.alerts[Alert.RESOLUTION_OPPORTUNITY], up=True)
            self._corners(mark.at, mark.square - 1.4 * _STROKE, 4, self.colours.ground, up=True)
        if Alert.CONFLICT_RISK in mark.alerts:
            self._disc(mark.at, _RING + _RIM, self.colours.ground)
            self._disc(mark.at, _RING, self.colours.alerts[Alert.CONFLICT_RISK])
            self._disc(mark.at, _RING - _STROKE, self.colours.ground)
        self._trend(mark, rim=0.0 if mark.alerts else _RIM)

    def _trend(self, mark: Mark, *, rim: float) -> None:
        up = mark.trend is Trend.IMPROVED
        for wider, colour in ((rim, self.colours.ground), (0.0, self.colours.trends[mark.trend])):
            if mark.trend is Trend.UNCHANGED:
                self._disc(mark.at, _DOT + wider, colour)
            else:
                self._corners(mark.at, _ARROW + 2 * wider, 3, colour, up=up)  # twice, to be as wide along its sides

    def _disc(self, at: Point, radius: float, colour: Colour) -> None:
        x, y, radius = at[0] * self.scale, at[1] * self.scale, radius * self.scale
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def _corners(self, at: Point, radius: float, count: int, colour: Colour, *, up: bool) -> None:
        """A regular shape, one corner straight up or down."""
        first = -math.pi / 2 if up else math.pi / 2
        angles = [first + 2 * math.pi * number / count for number in range(count)]
        self.draw.polygon(
            [
                ((at[0] + radius * math.cos(angle)) * self.scale, (at[1] + radius * math.sin(angle)) * self.scale)
                for angle in angles
            ],
            fill=colour,
        )
