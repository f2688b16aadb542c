"""How many places a selection stands for, and how many bytes they take: one sum over its subjects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from newsletter.domain import subject as subjects_
from newsletter.domain.place import Gazetteer
from newsletter.domain.tally import places_by_subject
from newsletter.mail.compiled import Compiled
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET

#: Three counts in one number, so that they are added at once: places, bytes of HTML, bytes of the message.
_PLACES, _HTML, _MESSAGE = 0, 16, 64
_FIELD = (1 << 48) - 1


class Amounts:
    """The sums for one edition. A code that has left the list of places stands for nothing."""

    def __init__(self, compiled: Compiled, gazetteer: Gazetteer) -> None:
        self._by_subject = defaultdict(int, places_by_subject(gazetteer))
        for entry in compiled.entries:
            size = (entry.full.html << _HTML) + (entry.full.message << _MESSAGE)
            for code in (subjects_.ALL, entry.region, entry.place):
                self._by_subject[code] += size
        self._html = HTML_BUDGET - compiled.frame.html
        self._message = MESSAGE_BUDGET - compiled.frame.message

    def of(self, follows: Sequence[str]) -> tuple[int, bool]:
        """How many places are followed (tally.EVERYTHING for all), and whether a digest holds all of them in full."""
        found = sum(map(self._by_subject.__getitem__, follows))
        fits = found >> _HTML & _FIELD <= self._html and found >> _MESSAGE <= self._message
        return found & (1 << _HTML) - 1, fits
