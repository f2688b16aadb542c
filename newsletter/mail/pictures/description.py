"""The map in words, for those who don't see it: the same places under the same trends and alerts."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.domain.edition import Contents
from newsletter.domain.update import Alert, Trend

LONGEST = 500  #: characters: a picture's words are heard in one go, and can't be skimmed


def describe(contents: Contents) -> str:
    """The places by name where there is room, else how many: first those that are unchanged, then the longest list."""
    entries = contents.entries
    lists = {
        trend.word: [entry.place.name for entry in entries if entry.update.trend is trend]
        for trend in (Trend.DETERIORATED, Trend.IMPROVED, Trend.UNCHANGED)
    }
    lists |= {alert.words: [entry.place.name for entry in entries if alert in entry.update.alerts] for alert in Alert}
    words = {heading: _named(names) for heading, names in lists.items() if names}
    counts = {heading: _counted(len(names)) for heading, names in lists.items()}
    start = f"World map for {contents.month.name}: {_counted(len(entries))}."

    def text() -> str:
        return " ".join([start, *(f"{heading}: {told}." for heading, told in words.items())])

    by_worth = sorted(words, key=lambda heading: (heading != Trend.UNCHANGED.word, -len(words[heading])))
    for heading in by_worth:
        if len(text()) <= LONGEST:
            break
        words[heading] = counts[heading]
    return text()


def _named(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _counted(number: int) -> str:
    return "1 place" if number == 1 else f"{number} places"
