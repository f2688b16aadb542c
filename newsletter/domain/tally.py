"""How many of a reader's places did what, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Entry
from newsletter.domain.place import Gazetteer
from newsletter.domain.update import Alert, Trend

#: What `followed` is for somebody who follows everything: there is no number that would tell them anything.
EVERYTHING = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the places that are both followed and in the edition."""

    places: int
    deteriorated: int
    improved: int
    conflict_risk: int
    resolution_opportunity: int
    followed: int = EVERYTHING  #: how many places the reader follows, in the edition or not

    @classmethod
    def of(cls, entries: Sequence[Entry], followed: int = EVERYTHING) -> Tally:
        """Count entries."""
        trends = [entry.update.trend for entry in entries]
        alerts = [alert for entry in entries for alert in entry.update.alerts]
        return cls(
            places=len(entries),
            deteriorated=trends.count(Trend.DETERIORATED),
            improved=trends.count(Trend.IMPROVED),
            conflict_risk=alerts.count(Alert.CONFLICT_RISK),
            resolution_opportunity=alerts.count(Alert.RESOLUTION_OPPORTUNITY),
            followed=followed,
        )

    @property
    def sentence(self) -> str:
        """The month in the reader's places."""
        return f"{self._lead()} {self._single() if self.places == 1 else self._trends()}{self._alerts()}."

    def _lead(self) -> str:
        if self.followed == EVERYTHING:
            return (
                f"Of all {self.places} places in this edition,"
                if self.places > 1
                else "This edition has one place, and it"
            )
        if self.followed == 1:
            return "The place that you follow"
        if self.followed == self.places:
            return f"Of the {self.places} places that you follow,"
        if self.places == 1:
            return f"1 of the {self.followed} places that you follow is in this edition: it"
        return f"{self.places} of the {self.followed} places that you follow are in this edition:"

    def _single(self) -> str:
        return "deteriorated" if self.deteriorated else "improved" if self.improved else "is unchanged"

    def _trends(self) -> str:
        told = [
            f"{number} {word}"
            for number, word in ((self.deteriorated, "deteriorated"), (self.improved, "improved"))
            if number
        ]
        return " and ".join(told) or "none got better or worse"

    def _alerts(self) -> str:
        risks = self.conflict_risk and f"{self.conflict_risk} conflict risk alert{'s' * (self.conflict_risk > 1)}"
        chances = self.resolution_opportunity and (
            f"{self.resolution_opportunity} resolution opportunit{'ies' if self.resolution_opportunity > 1 else 'y'}"
        )
        told = " and ".join(words for words in (risks, chances) if words)
        return f"; {told} for the month ahead" if told else ""


def places_by_subject(gazetteer: Gazetteer) -> Mapping[str, int]:
    """How many places each subject stands for; a selection's `followed` is their sum."""
    sizes = {place.code: 1 for place in gazetteer.places}
    sizes |= {region.code: len(gazetteer.within(region)) for region in gazetteer.regions}
    sizes[subjects_.ALL] = EVERYTHING
    return sizes
