"""What an edition tells: the month's updates in their order, each beside the months before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer, Place
from newsletter.domain.update import Trend, Update, UpdateState

#: How far back the strip of trends reaches, with the edition's own month.
STRIP_MONTHS = 12

_BEFORE = {Trend.DETERIORATED: "deteriorating", Trend.IMPROVED: "improving", Trend.UNCHANGED: "no change"}
_ORDINALS = (
    *("second", "third", "fourth", "fifth", "sixth", "seventh"),
    *("eighth", "ninth", "tenth", "eleventh", "twelfth"),
)


class Group(StrEnum):
    """The parts of an edition, in their order."""

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
    """A month's entries in their order: alerts first, then deteriorated, improved, unchanged, each by region."""

    month: Month
    entries: tuple[Entry, ...]

    def only(self, places: Iterable[str]) -> Contents:
        """The same edition with these places' entries alone."""
        wanted = frozenset(places)
        return Contents(self.month, tuple(entry for entry in self.entries if entry.place.code in wanted))

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
    order = list(Group)
    position = {place.code: number for number, place in enumerate(gazetteer.places)}  # by region, then by name
    entries.sort(key=lambda entry: (order.index(entry.group), position[entry.place.code]))
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


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a reader's places did what."""

    places: int
    deteriorated: int
    improved: int
    conflict_risk: int
    resolution_opportunity: int

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Tally:
        """Count entries."""
        trends = [entry.update.trend for entry in entries]
        alerts = [alert.value for entry in entries for alert in entry.update.alerts]
        return cls(
            places=len(entries),
            deteriorated=trends.count(Trend.DETERIORATED),
            improved=trends.count(Trend.IMPROVED),
            conflict_risk=alerts.count("conflict_risk"),
            resolution_opportunity=alerts.count("resolution_opportunity"),
        )

    @property
    def sentence(self) -> str:
        """The month in the reader's places, in one sentence."""
        if self.places == 1:
            return f"The place that you follow {self._single()}."
        trends = _listing([_count(self.deteriorated, "deteriorated"), _count(self.improved, "improved")])
        told = f"{trends}" if trends else "none got better or worse"
        return f"Of the {self.places} places that you follow, {told}{self._alerts()}."

    def _single(self) -> str:
        trend = "deteriorated" if self.deteriorated else "improved" if self.improved else "is unchanged"
        return trend + self._alerts()

    def _alerts(self) -> str:
        risks = self.conflict_risk and f"{self.conflict_risk} conflict risk alert{'s' * (self.conflict_risk > 1)}"
        chances = self.resolution_opportunity and (
            f"{self.resolution_opportunity} resolution opportunit{'ies' if self.resolution_opportunity > 1 else 'y'}"
        )
        told = " and ".join(words for words in (risks, chances) if words)
        return f"; {told} for the month ahead" if told else ""


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number else ""


def _listing(words: Sequence[str]) -> str:
    return " and ".join(word for word in words if word)
