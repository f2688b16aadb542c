"""What an edition tells: the month's updates in their order, each beside the months before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer, Place, Region
from newsletter.domain.update import Trend, Update, UpdateState

#: How far back the strip of trends reaches, with the edition's own month.
STRIP_MONTHS = 12

_BEFORE = {Trend.DETERIORATED: "deteriorating", Trend.IMPROVED: "improving", Trend.UNCHANGED: "no change"}
_ORDINALS = (
    *("second", "third", "fourth", "fifth", "sixth", "seventh"),
    *("eighth", "ninth", "tenth", "eleventh", "twelfth"),
)


class Group(StrEnum):
    """The parts of an edition as the site lists it, in their order."""

    ALERTS = "alerts"
    DETERIORATED = "deteriorated"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"

    @property
    def heading(self) -> str:
        return {
            "alerts": "Alerts for the month ahead",
            "deteriorated": "Deteriorated situations",
            "improved": "Improved situations",
            "unchanged": "Unchanged situations",
        }[self.value]


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in an edition."""

    place: Place
    update: Update
    strip: tuple[Trend | None, ...]  #: the last STRIP_MONTHS trends, oldest first; None where there was no update
    new_alerts: bool  #: whether an alert stands that did not stand the month before

    @property
    def group(self) -> Group:
        return Group.ALERTS if self.update.alerts else Group(self.update.trend.value)

    @property
    def trend_before(self) -> Trend | None:
        """The trend of the month before, None when there was no update."""
        return self.strip[-2]

    @property
    def months_running(self) -> int:
        """For how many months the trend has been the same, with this one."""
        count = 0
        for trend in reversed(self.strip):
            if trend is not self.update.trend:
                break
            count += 1
        return count

    @property
    def change(self) -> str:
        """What is different from the month before, in a few words; empty when nothing can be said."""
        before = self.update.month.previous.name.split()[0]
        if self.trend_before is None:
            return f"no update in {before}" if any(self.strip[:-1]) else ""
        if self.months_running == STRIP_MONTHS:  # the strip goes no further back
            return f"{_ORDINALS[-1]} month in a row, or more"
        if self.months_running > 1:
            return f"{_ORDINALS[self.months_running - 2]} month in a row"
        return f"after {_BEFORE[self.trend_before]} in {before}"

    @property
    def weight(self) -> int:
        """How much there is to tell, from 0: what weighs least is shortened first."""
        if self.update.alerts:
            return 3 + self.new_alerts
        if self.update.trend is not Trend.UNCHANGED:
            return 2
        return int(self.trend_before is not Trend.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Contents:
    """A month's entries in their order: by region, and by name within a region."""

    month: Month
    entries: tuple[Entry, ...]
    overview: str = ""  #: the month as a whole, in the editors' words; Markdown (CommonMark)

    def only(self, places: Iterable[str]) -> Contents:
        """The same edition with these places' entries alone."""
        wanted = frozenset(places)
        return replace(self, entries=tuple(entry for entry in self.entries if entry.place.code in wanted))

    def by_region(self) -> list[tuple[Region, list[Entry]]]:
        """The entries by region, without the empty regions."""
        found: dict[Region, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.place.region, []).append(entry)
        return list(found.items())

    def by_trend(self) -> list[tuple[Trend, list[Entry]]]:
        """The entries by trend, without the trends that no place has; in each, those with an alert first."""
        ranked = sorted(self.entries, key=lambda entry: not entry.update.alerts)
        found = [(trend, [entry for entry in ranked if entry.update.trend is trend]) for trend in Trend]
        return [(trend, entries) for trend, entries in found if entries]

    def groups(self) -> list[tuple[Group, list[Entry]]]:
        """The entries by group, without the empty groups."""
        found = [(group, [entry for entry in self.entries if entry.group is group]) for group in Group]
        return [(group, entries) for group, entries in found if entries]


def assemble(month: Month, updates: Iterable[Update], gazetteer: Gazetteer) -> Contents:
    """Put the month's ready updates in order, and work out what changed from the earlier ones among `updates`."""
    by_place: dict[str, dict[Month, Update]] = {}
    for update in updates:
        if update.state is UpdateState.READY and update.month <= month:
            by_place.setdefault(update.place, {})[update.month] = update
    entries = [
        _entry(gazetteer.require(code), history, month) for code, history in by_place.items() if month in history
    ]
    position = {place.code: number for number, place in enumerate(gazetteer.places)}  # by region, then by name
    entries.sort(key=lambda entry: position[entry.place.code])
    return Contents(month, tuple(entries))


def _entry(place: Place, history: Mapping[Month, Update], month: Month) -> Entry:
    strip: list[Trend | None] = []
    each = month
    for _ in range(STRIP_MONTHS):
        strip.append(history[each].trend if each in history else None)
        each = each.previous
    before = history.get(month.previous)
    known = before.alerts if before else ()
    update = history[month]
    return Entry(place, update, tuple(reversed(strip)), any(alert not in known for alert in update.alerts))
