"""The month's map as shapes with names, for a page that draws it by itself: SVG (W3C, SVG 2, 9.3 Path data).

It shows what the mails' picture of the same month shows, at twice its pixels, and each place is a shape of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.update import Trend
from newsletter.mail.pictures import world, worldmap
from newsletter.mail.pictures.description import describe
from newsletter.mail.pictures.marks import Mark, Point, spread

_SCALE = 2  #: units to a CSS pixel of the mails' map: whole numbers are fine enough then, and short to write
_SOUTH = -56.5  #: degrees: Cape Horn, where the mails' map ends too
#: Square units: a place whose land is smaller has a sign, lest it be overlooked.
_SMALL = 160

WIDTH = worldmap.WIDTH * _SCALE


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the map."""

    entry: Entry
    land: str  #: path data; empty for a place that has none of its own
    has_sign: bool  #: beside the colour: for a change, an alert, or land too small to see
    x: int
    y: int

    @property
    def label(self) -> str:
        """What the colour and the signs say."""
        update = self.entry.update
        return f"{self.entry.place.name}: {', '.join([update.trend.word, *(each.words for each in update.alerts)])}"


@dataclass(frozen=True, slots=True)
class VectorMap:
    """A month's map, in units of which it has `width` times `height`."""

    width: int
    height: int
    land: str  #: path data of the land of which nothing is told
    spots: tuple[Spot, ...]  #: in the order of drawing: alerts over changes over the rest
    title: str
    description: str


def draw(contents: Contents) -> VectorMap:
    """The map of a month."""
    owners = _owners(contents.entries)
    entries = sorted(contents.entries, key=lambda entry: (bool(entry.update.alerts), _changed(entry)))
    lands = {entry.place.code: _land_of(entry, owners) for entry in entries}
    signed = [entry for entry in entries if _changed(entry) or entry.update.alerts or _is_small(entry)]
    marks = spread([_mark(entry) for entry in signed])
    at = {entry.place.code: mark.at for entry, mark in zip(signed, marks, strict=True)}
    return VectorMap(
        width=WIDTH,
        height=_height(),
        land=_path(outline for area, outline in _outlines() if area not in owners),
        spots=tuple(_spot(entry, lands[entry.place.code], at.get(entry.place.code)) for entry in entries),
        title=f"World map for {contents.month.name}",
        description=describe(contents),
    )


def _owners(entries: Sequence[Entry]) -> Mapping[str, str]:
    """The place that each area is painted for. A part's own entry has the last word, before that of the whole."""
    owners = {}
    for entry in sorted(entries, key=lambda entry: -len(world.areas(entry.place))):
        for area in world.areas(entry.place):
            owners[area] = entry.place.code
    return owners


def _changed(entry: Entry) -> bool:
    return entry.update.trend is not Trend.UNCHANGED


def _is_small(entry: Entry) -> bool:
    areas = world.areas(entry.place)
    return all(_size(outline) < _SMALL for area, outline in _outlines() if area in areas)


def _land_of(entry: Entry, owners: Mapping[str, str]) -> str:
    return _path(outline for area, outline in _outlines() if owners.get(area) == entry.place.code)


def _mark(entry: Entry) -> Mark:
    place = entry.place
    return Mark(worldmap.position(place.latitude, place.longitude), entry.update.trend, entry.update.alerts)


def _spot(entry: Entry, land: str, at: Point | None) -> Spot:
    x, y = at or worldmap.position(entry.place.latitude, entry.place.longitude)
    reach = 2 * _mark(entry).reach
    x, y = min(max(x * _SCALE, reach), WIDTH - reach), min(max(y * _SCALE, reach), _height() - reach)
    return Spot(entry, land, at is not None, round(x), round(y))


@cache
def _height() -> int:
    return round(worldmap.position(_SOUTH, 0)[1] * _SCALE)


Outline = tuple[tuple[int, int], ...]


@cache
def _outlines() -> tuple[tuple[str, Outline], ...]:
    """All land in whole units, with the area that it belongs to."""
    found = []
    for ring in world.rings():
        points = (worldmap.position(latitude, longitude) for latitude, longitude in ring.points)
        whole = [(round(x * _SCALE), round(y * _SCALE)) for x, y in points]
        outline = tuple(point for point, before in zip(whole, [None, *whole[:-1]], strict=True) if point != before)
        if len(set(outline)) > 2:
            found.append((ring.area, outline))
    return tuple(found)


def _size(outline: Outline) -> float:
    after = outline[1:] + outline[:1]
    return abs(sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(outline, after, strict=True))) / 2


def _path(outlines: Iterable[Outline]) -> str:
    """Path data: a start, then the steps from point to point, as short as it can be written."""
    return "".join(f"M{outline[0][0]} {outline[0][1]}l{_steps(outline)}z" for outline in outlines)


@cache
def _steps(outline: Outline) -> str:
    numbers = [number for (x, y), (next_x, next_y) in pairwise(outline) for number in (next_x - x, next_y - y)]
    # A minus sign parts two numbers as well as a space does.
    return " ".join(map(str, numbers)).replace(" -", "-")
