"""How many places a selection stands for, and how many bytes they and their names take: one sum over its subjects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from newsletter.domain import subject as subjects_
from newsletter.mail.compiled import Compiled, Size
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET

#: Three counts in one number, so that they are added at once: places, bytes of HTML, bytes of the message.
_HTML, _MESSAGE = 16, 64
_PLACES_FIELD, _HTML_FIELD = (1 << 16) - 1, (1 << 48) - 1


class Amounts:
    """The sums for one edition. A code that has left the list of places stands for nothing."""

    def __init__(self, compiled: Compiled, places: Mapping[str, int], name_size: Callable[[str], Size]) -> None:
        """`places` are how many each subject stands for; `name_size` is what its name takes where it is followed."""
        self._names = defaultdict(int, {code: count + _packed(name_size(code)) for code, count in places.items()})
        self._all = self._names.copy()
        for entry in compiled.entries:
            for code in (subjects_.ALL, entry.region, entry.place):
                self._all[code] += _packed(entry.full)
        self._html = HTML_BUDGET - compiled.frame.html
        self._message = MESSAGE_BUDGET - compiled.frame.message

    def of(self, follows: Sequence[str]) -> tuple[int, bool]:
        """How many places are followed (tally.EVERYTHING for all), and whether a digest holds all of them in full."""
        found = sum(map(self._all.__getitem__, follows))
        fits = found >> _HTML & _HTML_FIELD <= self._html and found >> _MESSAGE <= self._message
        return found & _PLACES_FIELD, fits

    def names(self, follows: Sequence[str]) -> Size:
        """What the names of all that is followed take."""
        found = sum(map(self._names.__getitem__, follows))
        return Size(html=found >> _HTML & _HTML_FIELD, message=found >> _MESSAGE)


def _packed(size: Size) -> int:
    return (size.html << _HTML) + (size.message << _MESSAGE)
