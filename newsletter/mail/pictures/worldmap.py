"""The month on a map of the world: land by its trend, an arrow where something changed, a ring or square for alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from PIL import Image as Painting
from PIL import ImageDraw

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.update import Trend
from newsletter.mail.pictures import png, world
from newsletter.mail.pictures.colour import COLOURS, Colours
from newsletter.mail.pictures.description import describe
from newsletter.mail.pictures.marks import Mark, Pen, Point, spread
from newsletter.mail.pictures.picture import Image, Picture, Scheme
from newsletter.mail.pictures.projection import HALF_WIDTH, project

WIDTH = 640  #: CSS pixels
_DENSITY = 2  #: image pixels to a CSS pixel
_OVERSAMPLING = 2  #: painted pixels to an image pixel, along each side: their mean makes edges smooth
_SCALE = _DENSITY * _OVERSAMPLING

_NORTH, _SOUTH = 83.7, -56.5  #: from the tip of Greenland to Cape Horn
_MARGIN = 12  #: on both sides, for the signs of places at the edge
_BORDER = 0.75  #: width of a line between places of the month
#: Square pixels: a place whose largest piece of land is smaller has a dot, lest it be overlooked.
_SMALL = 40


@dataclass(frozen=True, slots=True)
class _Land:
    """A piece of land on the map."""

    area: str
    outline: tuple[Point, ...]
    size: float  #: square pixels


def draw(contents: Contents) -> Picture:
    """The map of a month; the same contents give the same bytes."""
    trends = _trends(contents.entries)
    marks = [_inside(mark) for mark in spread([_mark(entry) for entry in _marked(contents.entries)])]
    light, dark = (Image.named("map", _paint(trends, marks, COLOURS[scheme])) for scheme in Scheme)
    return Picture(light, dark, describe(contents), WIDTH, _height())


def _trends(entries: Sequence[Entry]) -> Mapping[str, Trend]:
    """The trend of each area. A part's own entry has the last word, before that of the whole."""
    trends = {}
    for entry in sorted(entries, key=lambda entry: -len(world.areas(entry.place))):
        for area in world.areas(entry.place):
            trends[area] = entry.update.trend
    return trends


def _marked(entries: Sequence[Entry]) -> list[Entry]:
    """Those that have a sign. What is drawn last lies on top: changes over dots, alerts over changes."""
    marked = [entry for entry in entries if entry.update.alerts or _changed(entry) or _is_small(entry)]
    return sorted(marked, key=lambda entry: (bool(entry.update.alerts), _changed(entry)))


def _changed(entry: Entry) -> bool:
    return entry.update.trend is not Trend.UNCHANGED


def _is_small(entry: Entry) -> bool:
    """Whether its land is too little to speak for itself."""
    areas = world.areas(entry.place)
    return all(land.size < _SMALL for land in _lands() if land.area in areas)


def _mark(entry: Entry) -> Mark:
    return Mark(position(entry.place.latitude, entry.place.longitude), entry.update.trend, entry.update.alerts)


def _inside(mark: Mark) -> Mark:
    """The mark, whole within the picture."""
    x, y = mark.at
    within = min(max(x, mark.reach), WIDTH - mark.reach), min(max(y, mark.reach), _height() - mark.reach)
    return replace(mark, at=within)


def position(latitude: float, longitude: float) -> Point:
    """Where a point lies on the map: CSS pixels to the right and down."""
    scale = (WIDTH - 2 * _MARGIN) / (2 * HALF_WIDTH)
    x, y = project(latitude, longitude)
    return WIDTH / 2 + x * scale, (project(_NORTH, 0)[1] - y) * scale


@cache
def _height() -> int:
    return round(position(_SOUTH, 0)[1])


@cache
def _lands() -> tuple[_Land, ...]:
    """All land."""
    lands = []
    for ring in world.rings():
        outline = tuple(position(latitude, longitude) for latitude, longitude in ring.points)
        after = outline[1:] + outline[:1]
        size = abs(sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(outline, after, strict=True))) / 2
        lands.append(_Land(ring.area, outline, size))
    return tuple(lands)


def _paint(trends: Mapping[str, Trend], marks: Sequence[Mark], colours: Colours) -> bytes:
    """What matters least is painted coarsest, which makes the file a fifth smaller.

    Quiet land has one row of pixels for two; land that changed, borders and signs have smooth edges.
    """
    size = WIDTH * _DENSITY, _height() * _DENSITY
    painting = Painting.new("RGB", (size[0], _height()), colours.paper)
    canvas = ImageDraw.Draw(painting)
    for land in _lands():
        known = trends.get(land.area) is Trend.UNCHANGED
        canvas.polygon(_scaled(land.outline, _DENSITY, 1), fill=colours.quiet if known else colours.land)

    painting = painting.resize((size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING), Painting.Resampling.NEAREST)
    canvas = ImageDraw.Draw(painting)
    for land in _lands():
        trend = trends.get(land.area)
        if trend and trend is not Trend.UNCHANGED:
            canvas.polygon(_scaled(land.outline, _SCALE, _SCALE), fill=colours.trends[trend])
    for line in _borders(trends):
        canvas.line(_scaled(line, _SCALE, _SCALE), fill=colours.ground, width=round(_BORDER * _SCALE))
    pen = Pen(canvas, colours, _SCALE)
    for mark in marks:
        pen.mark(mark)
    return png.encode(colours.reduce(painting.reduce(_OVERSAMPLING)), colours.palette)


def _borders(trends: Mapping[str, Trend]) -> list[list[Point]]:
    """Between areas that both have a trend; elsewhere their colours part them."""
    return [
        [position(latitude, longitude) for latitude, longitude in border.points]
        for border in world.borders()
        if trends.keys() >= set(border.areas)
    ]


def _scaled(line: Sequence[Point], across: int, down: int) -> list[Point]:
    return [(x * across, y * down) for x, y in line]
