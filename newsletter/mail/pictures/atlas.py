"""Makes world.json from Natural Earth's 1:110m countries; to be run by hand, when there is a newer source.

Natural Earth is in the public domain (naturalearthdata.com); the file read is countries-110m.json of the npm package
world-atlas 2.0.2 (Copyright 2013-2019 Michael Bostock, ISC licence), a TopoJSON topology:

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python -m newsletter.mail.pictures.atlas package/countries-110m.json newsletter/mail/pictures/world.json

A line of world.json is an area: its key, an ISO 3166-1 numeric code or else the code of a place, and its rings. A ring
is a list of integers in hundredths of a degree: longitude and latitude of the first point, then the step to the next.
A ring with a hole goes in to it and back on the same way, so that it is one line all the same.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

from newsletter.mail.pictures.projection import WEST_EDGE

_ANTARCTICA = "010"
#: What the source gives no code. The United Nations see one Cyprus.
_KEYS = {"Kosovo": "XK", "Somaliland": "SOMALILAND", "N. Cyprus": "196"}
#: A point in Crimea: the source draws it as Russia's, which the United Nations don't (A/RES/68/262).
_CRIMEA = (34.4, 45.3)
#: Western Sahara begins at this latitude. The source has only its part beyond the berm, and Morocco down to there.
_MOROCCO, _WESTERN_SAHARA, _FROM = "504", "732", 27.67
#: A ring this wide goes round a pole, or was torn at the map's edge: it would be drawn as a bar.
_WIDEST = 0.8 * 360

#: In degrees: about half a CSS pixel of the map, a twelfth of a sign's size.
_TOLERANCE = 0.3

Point = tuple[float, float]  #: longitude and latitude, in degrees


class _Transform(TypedDict):
    scale: tuple[float, float]
    translate: tuple[float, float]


class _Polygon(TypedDict):
    type: Literal["Polygon"]
    arcs: list[list[int]]  #: rings of arc numbers: the outer one, then holes
    id: NotRequired[str]  #: ISO 3166-1 numeric
    properties: dict[str, str]


class _MultiPolygon(TypedDict):
    type: Literal["MultiPolygon"]
    arcs: list[list[list[int]]]
    id: NotRequired[str]
    properties: dict[str, str]


class _Countries(TypedDict):
    geometries: list[_Polygon | _MultiPolygon]


class Topology(TypedDict):
    """The parts of TopoJSON that are used here."""

    transform: _Transform
    arcs: list[list[tuple[int, int]]]
    objects: dict[str, _Countries]


def rings_by_area(topology: Topology) -> dict[str, list[list[int]]]:
    """The rings of every area, as world.json holds them."""
    arcs = [_simplified(list(_points(arc, topology["transform"]))) for arc in topology["arcs"]]
    found: dict[str, list[list[int]]] = {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        key = geometry.get("id") or _KEYS[geometry["properties"]["name"]]
        for polygon in _polygons(geometry):
            ring = _joined([[point for number in each for point in _arc(arcs, number)[1:]] for each in polygon])
            for area, part in _parted(key, ring):
                if area != _ANTARCTICA and _drawable(part):
                    found.setdefault(area, []).append(_steps(part))
    return dict(sorted(found.items()))


def _parted(key: str, ring: list[Point]) -> list[tuple[str, list[Point]]]:
    """The ring under the area that it belongs to, in two where the source's borders aren't ours."""
    if key == _MOROCCO and min(latitude for _, latitude in ring) < _FROM:
        return [(key, _cut(ring, north=True)), (_WESTERN_SAHARA, _cut(ring, north=False))]
    return [("CRIMEA" if _surrounds_crimea(ring) else key, ring)]


def _cut(ring: Sequence[Point], *, north: bool) -> list[Point]:
    """What of a ring lies on one side of the parallel (Sutherland and Hodgman, 1974)."""
    kept: list[Point] = []
    for (x, y), (next_x, next_y) in pairwise([*ring, ring[0]]):
        if (y >= _FROM) is north:
            kept.append((x, y))
        if (y >= _FROM) is not (next_y >= _FROM):
            kept.append((x + (next_x - x) * (_FROM - y) / (next_y - y), _FROM))
    return kept


def _points(arc: Sequence[tuple[int, int]], transform: _Transform) -> Iterator[Point]:
    x = y = 0
    for dx, dy in arc:
        x, y = x + dx, y + dy
        longitude = x * transform["scale"][0] + transform["translate"][0]
        latitude = y * transform["scale"][1] + transform["translate"][1]
        yield (longitude + 360 if longitude < WEST_EDGE else longitude), latitude


def _simplified(line: Sequence[Point]) -> list[Point]:
    """Without the points that a straight line comes near to (Douglas and Peucker, 1973)."""
    (x, y), (end_x, end_y) = line[0], line[-1]
    length = math.hypot(end_x - x, end_y - y)

    def off(point: Point) -> float:
        if not length:  # an island: its arc ends where it begins
            return math.hypot(point[0] - x, point[1] - y)
        return abs((end_x - x) * (point[1] - y) - (end_y - y) * (point[0] - x)) / length

    middle = max(range(1, len(line) - 1), key=lambda number: off(line[number]), default=0)
    if not middle or off(line[middle]) < _TOLERANCE:
        return [line[0], line[-1]]
    return _simplified(line[: middle + 1])[:-1] + _simplified(line[middle:])


def _polygons(geometry: _Polygon | _MultiPolygon) -> list[list[list[int]]]:
    return [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]


def _joined(rings: Sequence[list[Point]]) -> list[Point]:
    """The outer ring with its holes, as one line."""
    ring = rings[0]
    for hole in rings[1:]:
        start, entry = min(
            ((one, other) for one in range(len(ring)) for other in range(len(hole))),
            key=lambda pair: math.dist(ring[pair[0]], hole[pair[1]]),
        )
        ring = [*ring[: start + 1], *hole[entry:], *hole[: entry + 1], *ring[start:]]
    return ring


def _arc(arcs: Sequence[list[Point]], number: int) -> list[Point]:
    """Arc `number`; ~number means the same arc backwards."""
    return arcs[number] if number >= 0 else arcs[~number][::-1]


def _drawable(ring: Sequence[Point]) -> bool:
    """Whether it encloses anything (one of North Korea's is a point), and is no wider than land is."""
    longitudes = [longitude for longitude, _ in ring]
    return len(set(ring)) >= 3 and max(longitudes) - min(longitudes) < _WIDEST


def _surrounds_crimea(ring: Sequence[Point]) -> bool:
    """Whether the ring is Crimea's own: one around all of Russia would be far wider."""
    longitudes = [longitude for longitude, _ in ring]
    latitudes = [latitude for _, latitude in ring]
    return (
        min(longitudes) < _CRIMEA[0] < max(longitudes)
        and min(latitudes) < _CRIMEA[1] < max(latitudes)
        and max(longitudes) - min(longitudes) < 5
    )


def _steps(ring: Sequence[Point]) -> list[int]:
    whole = [(round(longitude * 100), round(latitude * 100)) for longitude, latitude in ring]
    steps = [*whole[0]]
    for (x, y), (next_x, next_y) in pairwise(whole):
        if (x, y) != (next_x, next_y):
            steps += [next_x - x, next_y - y]
    return steps


def main(source: str, target: str) -> None:
    """Read the topology in file `source`, and write `target`."""
    areas = rings_by_area(json.loads(Path(source).read_text(encoding="utf-8")))
    lines = [f"{json.dumps(key)}:{json.dumps(rings, separators=(',', ':'))}" for key, rings in areas.items()]
    Path(target).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
