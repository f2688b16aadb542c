"""What differs between two updates, word by word.

Developments, quotes and links are paired by how alike they are, so that one that was put in, or moved, doesn't make all
that follow look new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from newsletter.domain.formats.typed import KINDS, Row, Typed
from newsletter.domain.update import Alert, Trend

_WORD = re.compile(r"\s+|\S+")
_MOST_WORDS = 4000  #: words and gaps of one text; to compare longer ones takes seconds
_ALIKE = 0.4  #: of two rows that are one and the same, changed
_MOST_ROWS = 40  #: of a kind; beyond, they are paired as they stand


class How(StrEnum):
    """What became of some words."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Part:
    """Words that share a fate."""

    how: How
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One field or row of an update, before and after in one."""

    label: str
    parts: tuple[Part, ...]

    @property
    def is_changed(self) -> bool:
        return any(part.how is not How.SAME for part in self.parts)


def compare_words(before: str, after: str) -> tuple[Part, ...]:
    """What went and what came, in the order of reading."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    if old != new and max(len(old), len(new)) > _MOST_WORDS:
        return tuple(_changed(before, after))
    parts: list[Part] = []
    gone = come = ""
    for _, start, end, new_start, new_end in SequenceMatcher(None, old, new).get_opcodes():
        old_words, new_words = "".join(old[start:end]), "".join(new[new_start:new_end])
        # A gap between two changed words is no news by itself: it goes with them.
        if old_words != new_words or ((gone or come) and not old_words.strip()):
            gone, come = gone + old_words, come + new_words
            continue
        parts += [*_changed(gone, come), Part(How.SAME, old_words)]
        gone = come = ""
    return (*parts, *_changed(gone, come))


def _changed(gone: str, come: str) -> list[Part]:
    """What went, then what came; the gap that both end with is the same."""
    tail = len(gone) - len(gone.rstrip()) if gone.strip() and come.strip() else 0
    same = gone[len(gone) - tail :] if tail and come.endswith(gone[len(gone) - tail :]) else ""
    ends = [len(text) - len(same) for text in (gone, come)]
    found = [Part(How.GONE, gone[: ends[0]]), Part(How.NEW, come[: ends[1]]), Part(How.SAME, same)]
    return [part for part in found if part.text]


def compare(before: Typed, after: Typed) -> list[Difference]:
    """Each field and row, in the order of the form; those that are empty on both sides are left out."""
    found = [
        Difference("Trend", compare_words(_trend(before), _trend(after))),
        Difference("Alerts", compare_words(_alerts(before), _alerts(after))),
        Difference("Headline", compare_words(before.headline.strip(), after.headline.strip())),
    ]
    for kind in KINDS:
        found += _compare_rows(kind, before.rows.get(kind, ()), after.rows.get(kind, ()))
    return [each for each in found if each.parts]


def _trend(typed: Typed) -> str:
    return Trend(typed.trend).word if typed.trend in list(Trend) else ""


def _alerts(typed: Typed) -> str:
    return ", ".join(alert.words for alert in Alert if alert.value in typed.alerts)


def _compare_rows(kind: str, before: Sequence[Row], after: Sequence[Row]) -> list[Difference]:
    old, new = [_in_words(kind, row) for row in before], [_in_words(kind, row) for row in after]
    pairs = _pairs(old, new)
    name = kind.capitalize()
    found = []
    for number, text in enumerate(new, 1):
        origin = pairs.get(number - 1)
        moved = f" (was {origin + 1})" if origin not in (None, number - 1) and origin is not None else ""
        parts = compare_words(old[origin] if origin is not None else "", text)
        found.append(Difference(f"{name} {number}{moved}", parts))
    left = [number for number in range(len(old)) if number not in pairs.values()]
    found += [Difference(f"{name} {number + 1} before", compare_words(old[number], "")) for number in left]
    return found


def _pairs(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """For rows of `new`, which of `old` each comes from: the most alike first."""
    if max(len(old), len(new)) > _MOST_ROWS:
        return {number: number for number in range(min(len(old), len(new)))}
    ranked = sorted(
        ((-_likeness(text, other), abs(number - origin), number, origin) for number, text in enumerate(new)
         for origin, other in enumerate(old)),
    )  # fmt: skip
    pairs: dict[int, int] = {}
    for likeness, _, number, origin in ranked:
        if -likeness >= _ALIKE and number not in pairs and origin not in pairs.values():
            pairs[number] = origin
    return pairs


def _likeness(text: str, other: str) -> float:
    """From 0 to 1, by the words that both have."""
    words, others = set(text.split()), set(other.split())
    return 2 * len(words & others) / (len(words) + len(others)) if words or others else 1.0


def _in_words(kind: str, row: Row) -> str:
    """A row as one text."""
    if kind == "development":
        return f"{row['lead'].strip()}\n{row['text'].strip()}".strip()
    if kind == "quote":
        source = ", ".join(part for part in (row["person"], row["role"], row["outlet"], row["date"]) if part.strip())
        return f"{row['words'].strip()}\n{source}".strip()
    return f"{row['title'].strip()}\n{row['kind']}, {row['date']}\n{row['url']}".strip()
