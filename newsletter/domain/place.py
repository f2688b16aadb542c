"""Places that updates are about, and the regions that they lie in."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from newsletter.errors import UnknownPlace


@dataclass(frozen=True, slots=True)
class Region:
    """A group of places as a tracker presents them."""

    code: str  #: lower-case, words joined by a hyphen: central-asia
    name: str
    position: int  #: order of presentation


@dataclass(frozen=True, slots=True)
class Place:
    """What an update is about: mostly a country, but also Kashmir or the South China Sea."""

    code: str  #: ISO 3166-1 alpha-2 (KZ), or a word of capitals for what is no country (KASHMIR)
    name: str  #: as an editor would write it
    region: Region
    iso_numeric: str | None = None  #: ISO 3166-1 numeric, three digits
    aliases: tuple[str, ...] = ()  #: other names that people use
    latitude: float = 0.0  #: degrees north of a point in it, where a map has its sign
    longitude: float = 0.0  #: degrees east of the same point


def fold(name: str) -> str:
    """A name without case, accents and punctuation, so that ways to write it compare equal."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain.casefold()).split())


class Gazetteer:
    """All places, found by code, name or alias."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = tuple(sorted(places, key=lambda place: (place.region.position, fold(place.name))))
        self._by_code = {place.code: place for place in self.places}
        self._by_name = {fold(alias): place for place in self.places for alias in place.aliases}
        self._by_name |= {fold(place.name): place for place in self.places}
        #: The regions that have places, in order of presentation.
        self.regions = tuple(sorted({place.region for place in self.places}, key=lambda region: region.position))

    def within(self, region: Region) -> tuple[Place, ...]:
        """The places of one region, by name."""
        return tuple(place for place in self.places if place.region == region)

    def get(self, code: str) -> Place | None:
        """The place with exactly this code."""
        return self._by_code.get(code)

    def find(self, name: str) -> Place | None:
        """The place that a person means by `name`: a code in any case, a name or an alias."""
        # Only ASCII may change its case to become a code: "ß" in capitals is SS, and not South Sudan.
        code = name.strip().upper() if name.isascii() else name
        return self._by_code.get(code) or self._by_name.get(fold(name))

    def require(self, name: str) -> Place:
        """Like `find`, or UnknownPlace with the names that come close."""
        place = self.find(name)
        if place is None:
            close = difflib.get_close_matches(fold(name), self._by_name, n=3, cutoff=0.75)
            raise UnknownPlace(name, tuple(dict.fromkeys(self._by_name[match].name for match in close)))
        return place
