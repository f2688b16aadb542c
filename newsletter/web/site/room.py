"""How much of an edition fits on one page: who has least to tell is told by a headline alone, or named.

A page is to load fast wherever it is read, so it stays under 100 kB, however many places the edition has. What is left
out stands on the place's own page of that month, one click away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from newsletter.domain.edition import Contents, Entry

#: Bytes of an edition's entries, contents and overview. The rest of the page takes some 14,000.
_MOST_BYTES = 84_000
#: Of these, what names and headlines may take together, so that some places are told in full.
_MOST_FOR_HEADLINES = 56_000
#: Bytes of markup: of a name with its line in the contents; beyond that of a headline; beyond that of an entry in full,
#: of its paragraphs, of what it refers to.
_NAMED, _IN_BRIEF, _IN_FULL, _PARAGRAPH, _REFERENCE = 150, 90, 700, 110, 230


@dataclass(frozen=True, slots=True)
class Room:
    """Which places, by code, are not told in full."""

    brief: frozenset[str]  #: by their headline
    named: frozenset[str]  #: by their name alone


def room(contents: Contents) -> Room:
    """Give the places of most weight the room that there is; of those of the same weight, the shortest."""
    size = len(contents.overview.encode()) + sum(_NAMED + _headline(entry) for entry in contents.entries)
    named, size = _cut(contents.entries, _headline, size, _MOST_FOR_HEADLINES)
    others = [entry for entry in contents.entries if entry.place.code not in named]
    brief, _ = _cut(others, _rest, size + sum(map(_rest, others)), _MOST_BYTES)
    return Room(brief, named)


def _cut(entries: Sequence[Entry], part: Callable[[Entry], int], size: int, most: int) -> tuple[frozenset[str], int]:
    """The places to cut a part of, so that the whole takes `most` bytes; and what it takes then."""
    cut = set()
    for entry in sorted(entries, key=lambda entry: (entry.weight, -part(entry))):
        if size <= most:
            break
        cut.add(entry.place.code)
        size -= part(entry)
    return frozenset(cut), size


def _headline(entry: Entry) -> int:
    """Bytes, more or less, of a place's headline."""
    return _IN_BRIEF + len(entry.update.headline.encode())


def _rest(entry: Entry) -> int:
    """Bytes, more or less, that an entry takes beyond its headline."""
    update = entry.update
    return (
        _IN_FULL
        + sum(_PARAGRAPH + len(f"{each.lead}{each.text}".encode()) for each in update.developments)
        + sum(_REFERENCE + len(each.words.encode()) for each in update.quotes)
        + sum(_REFERENCE + len(f"{each.title}{each.url}".encode()) for each in update.links)
    )
