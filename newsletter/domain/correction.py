"""A correction of an edition that was sent, as it is told to a reader."""

from __future__ import annotations

from dataclasses import dataclass, replace

from newsletter.domain.month import Month
from newsletter.domain.update import Update


@dataclass(frozen=True, slots=True)
class Correction:
    """What was wrong, and how it is right."""

    month: Month  #: of the edition
    number: int  #: of the revision
    note: str  #: what was wrong, in the editors' words
    updates: tuple[Update, ...]  #: as they are right, in the edition's order

    def only(self, places: frozenset[str]) -> Correction:
        """The same with these places' updates alone."""
        return replace(self, updates=tuple(update for update in self.updates if update.place in places))
