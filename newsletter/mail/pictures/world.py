"""The land of the world in outline, and which of it belongs to which place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from newsletter.domain.place import Place

#: Places that are made of several areas. What has areas of its own here may have an entry of its own as well, and the
#: place that is named with fewer areas then has them.
_MADE_OF = {
    "UA": ("804", "CRIMEA"),
    "SO": ("706", "SOMALILAND"),
    "ISRAEL-PALESTINE": ("376", "275"),
    "KOREAN-PENINSULA": ("408", "410"),
}


@dataclass(frozen=True, slots=True)
class Ring:
    """The coast and borders around one piece of land."""

    area: str  #: ISO 3166-1 numeric, or the code of a place that has none
    points: tuple[tuple[float, float], ...]  #: latitude and longitude in degrees, the last joined to the first


@cache
def rings() -> tuple[Ring, ...]:
    """All land but Antarctica, from world.json beside this module (see atlas); small islands are not in it."""
    areas = json.loads((files(__package__) / "world.json").read_text(encoding="utf-8"))
    return tuple(Ring(area, _walk(steps)) for area, found in areas.items() for steps in found)


def _walk(steps: Sequence[int]) -> tuple[tuple[float, float], ...]:
    longitude = latitude = 0
    points = []
    for east, north in zip(steps[::2], steps[1::2], strict=True):
        longitude, latitude = longitude + east, latitude + north
        points.append((latitude / 100, longitude / 100))
    return tuple(points)


@dataclass(frozen=True, slots=True)
class Border:
    """A stretch between two areas."""

    areas: tuple[str, str]
    points: tuple[tuple[float, float], ...]


@cache
def borders() -> tuple[Border, ...]:
    """Where rings touch: there both have the same points, in opposite order."""
    owners = {segment: ring.area for ring in rings() for segment in _segments(ring)}
    found: list[Border] = []
    for ring in rings():
        line: list[tuple[float, float]] = []
        beyond = ""
        for start, end in _segments(ring):
            other = owners.get((end, start), "")
            if line and other != beyond:
                found.append(Border((ring.area, beyond), tuple(line)))
                line = []
            if other > ring.area:  # once for each two
                line = line or [start]
                line.append(end)
            beyond = other
        if line:
            found.append(Border((ring.area, beyond), tuple(line)))
    return tuple(found)


def _segments(ring: Ring) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    return list(pairwise((*ring.points, ring.points[0])))


def areas(place: Place) -> tuple[str, ...]:
    """The areas that a place is made of; rings may not have them, when it is small."""
    return _MADE_OF.get(place.code, (place.iso_numeric or place.code,))
