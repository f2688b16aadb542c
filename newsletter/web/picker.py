"""The choice of what to follow, as the form shows it: everything, whole regions, single places."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from newsletter.domain import subject
from newsletter.domain.place import Gazetteer, Place, Region


@dataclass(frozen=True, slots=True)
class Choice:
    """One box to tick."""

    code: str  #: the value that the form sends
    name: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class RegionChoices:
    """A region: as a whole, and by its places."""

    whole: Choice
    covered: tuple[Choice, ...]  #: places that have updates
    others: tuple[Choice, ...]  #: places that have none so far

    @property
    def picked(self) -> int:
        """How many of its places are ticked one by one."""
        return sum(choice.ticked for choice in self.covered + self.others)

    @property
    def others_picked(self) -> bool:
        return any(choice.ticked for choice in self.others)


@dataclass(frozen=True, slots=True)
class Picker:
    """The whole choice."""

    everything: Choice
    regions: tuple[RegionChoices, ...]


def full(ticked: Collection[str], covered: Collection[str], gazetteer: Gazetteer) -> Picker:
    """Every region and place, with those of `ticked` chosen."""

    def choice(item: Region | Place) -> Choice:
        return Choice(item.code, item.name, item.code in ticked)

    regions = []
    for region in gazetteer.regions:
        places = gazetteer.within(region)
        regions.append(
            RegionChoices(
                choice(region),
                tuple(choice(place) for place in places if place.code in covered),
                tuple(choice(place) for place in places if place.code not in covered),
            )
        )
    return Picker(Choice(subject.ALL, "All countries and regions", subject.ALL in ticked), tuple(regions))


def for_place(place: Place) -> tuple[Choice, ...]:
    """The short choice on a place's page."""
    return (Choice(place.code, place.name, True), *_unticked(for_region(place.region)))


def for_region(region: Region) -> tuple[Choice, ...]:
    """The short choice on a region's page."""
    return (Choice(region.code, f"All of {region.name}", True), Choice(subject.ALL, "All countries and regions", False))


def _unticked(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return tuple(Choice(choice.code, choice.name, False) for choice in choices)
