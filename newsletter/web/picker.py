"""The choice of what to follow, as forms show it: everything, whole regions, single places."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from newsletter.domain import subject
from newsletter.domain.place import Gazetteer, Place, Region

EVERYTHING = "All countries and regions"


@dataclass(frozen=True, slots=True)
class Choice:
    """One box to tick."""

    code: str  #: the value that the form sends
    name: str
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class RegionChoices:
    """A region: as a whole, and by its places."""

    name: str
    whole: Choice | None  #: none where the form offers it elsewhere
    covered: tuple[Choice, ...]  #: places that have updates
    others: tuple[Choice, ...]  #: places that have none so far

    @property
    def size(self) -> int:
        """How many of its places can be ticked here."""
        return len(self.covered) + len(self.others)

    @property
    def picked(self) -> int:
        """How many of its places are ticked one by one."""
        return sum(choice.ticked for choice in self.covered + self.others)


@dataclass(frozen=True, slots=True)
class Picker:
    """The whole choice, or what of it is not at hand."""

    everything: Choice | None  #: none where the form offers it elsewhere
    regions: tuple[RegionChoices, ...]


@dataclass(frozen=True, slots=True)
class ShortForm:
    """The choice beside content: what the page is about is at hand, all else can be opened."""

    at_hand: tuple[Choice, ...]
    rest: Picker
    otherwise: str | None = None  #: what somebody follows who ticks nothing; none: they are asked to choose

    @property
    def chosen(self) -> tuple[str, ...]:
        """What is ticked from the beginning: what the page is about."""
        return tuple(choice.code for choice in self.at_hand if choice.ticked)

    @property
    def has_places(self) -> bool:
        """Whether single places can be ticked, beside what is at hand."""
        return any(region.size for region in self.rest.regions)

    def by_region(self) -> ShortForm:
        """The same form without its single places, for a page that has no room for some 200 of them."""
        regions = (replace(region, covered=(), others=()) for region in self.rest.regions if region.whole)
        return replace(self, rest=replace(self.rest, regions=tuple(regions)))


def full(
    ticked: Collection[str], covered: Collection[str], gazetteer: Gazetteer, *, apart: Collection[str] = ()
) -> Picker:
    """Every region and place but those that are set `apart`, with those of `ticked` chosen."""

    def choices(places: list[Place]) -> tuple[Choice, ...]:
        return tuple(Choice(place.code, place.name, place.code in ticked) for place in places)

    regions = []
    for region in gazetteer.regions:
        places = [place for place in gazetteer.within(region) if place.code not in apart]
        whole = None if region.code in apart else Choice(region.code, region.name, region.code in ticked)
        if whole is None and not places:
            continue
        regions.append(
            RegionChoices(
                region.name,
                whole,
                choices([place for place in places if place.code in covered]),
                choices([place for place in places if place.code not in covered]),
            )
        )
    everything = None if subject.ALL in apart else Choice(subject.ALL, EVERYTHING, subject.ALL in ticked)
    return Picker(everything, tuple(regions))


def for_everything(covered: Collection[str], gazetteer: Gazetteer) -> ShortForm:
    """On pages about no place: everything, unless something is chosen.

    A box for everything that is ticked beforehand would be a trap: whoever opens the list and picks a country would
    have to see that it stands, and take it away, to get only that country.
    """
    return ShortForm((), full((), covered, gazetteer, apart=(subject.ALL,)), otherwise=subject.ALL)


def for_place(place: Place, covered: Collection[str], gazetteer: Gazetteer) -> ShortForm:
    """On a place's page: the place is ticked."""
    region = place.region
    here = (Choice(place.code, place.name, ticked=True), Choice(region.code, f"All of {region.name}"), _all())
    return _beside(here, covered, gazetteer)


def for_region(region: Region, covered: Collection[str], gazetteer: Gazetteer) -> ShortForm:
    """On a region's page: the region is ticked."""
    return _beside((Choice(region.code, f"All of {region.name}", ticked=True), _all()), covered, gazetteer)


def for_chosen(codes: Sequence[str], covered: Collection[str], gazetteer: Gazetteer) -> ShortForm:
    """Where an address says what is chosen: these are ticked, and everything can be had instead.

    `codes` are subjects that are known (domain.subject.parse).
    """
    place = gazetteer.get(codes[0]) if len(codes) == 1 else None
    if place is not None:
        return for_place(place, covered, gazetteer)
    if not codes or subject.ALL in codes:
        return for_everything(covered, gazetteer)
    names = {region.code: f"All of {region.name}" for region in gazetteer.regions}
    here = (Choice(code, names.get(code) or subject.name(code, gazetteer), ticked=True) for code in codes)
    return _beside((*here, _all()), covered, gazetteer)


def _all() -> Choice:
    return Choice(subject.ALL, EVERYTHING)


def _beside(at_hand: tuple[Choice, ...], covered: Collection[str], gazetteer: Gazetteer) -> ShortForm:
    return ShortForm(at_hand, full((), covered, gazetteer, apart={choice.code for choice in at_hand}))
