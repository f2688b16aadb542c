"""Names that are nearly a place's: Kazakstan, Phillipines.

A name and a misspelt one have a form in common that lacks one letter, so they are found by looking up such forms,
not by comparing each word with each name. What is found is then compared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.place import Gazetteer, fold
from newsletter.services.checks.finding import Check, Finding

SHORTEST = 5  #: letters; a shorter name has too many neighbours among common words
_MOST_WORDS = 3  #: that a name has
_LONG = 9  #: letters, from which on two slips in a name are still told
_LIKENESS = 0.85  #: of two long names, as difflib counts it

#: Words with a capital, one after the other: what may hold a name.
_NAMES = re.compile(r"[^\W\d_a-z][^\W\d_]+(?: [^\W\d_a-z][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class _Index:
    known: Mapping[str, str]  #: a folded name, and how it is written
    neighbours: Mapping[str, frozenset[str]]  #: a form that lacks one letter, and the folded names that it is of


@cache
def _index(gazetteer: Gazetteer) -> _Index:
    known = {fold(name): name for place in gazetteer.places for name in (*place.aliases, place.name)}
    neighbours = defaultdict(set)
    for name in known:
        if len(name) >= SHORTEST and len(name.split()) <= _MOST_WORDS:
            for form in _forms(name):
                neighbours[form].add(name)
    return _Index(known, {form: frozenset(names) for form, names in neighbours.items()})


def _forms(name: str) -> set[str]:
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def misspelt(contents: Contents, gazetteer: Gazetteer) -> Iterator[Finding]:
    """Each such name once for each place whose update has it, and for the overview."""
    index = _index(gazetteer)
    meant: dict[str, str | None] = {}
    for where, code, text in _texts(contents):
        for written in dict.fromkeys(_candidates(text)):
            if written not in meant:
                meant[written] = _meant(written, index)
            if (name := meant[written]) is not None:
                yield Finding(Check.SPELLING, f"{where}: is “{written}” meant to be {name}?", code)


def _texts(contents: Contents) -> Iterator[tuple[str, str | None, str]]:
    if contents.overview:
        yield "The overview", None, contents.overview
    for entry in contents.entries:
        yield entry.place.name, entry.place.code, _text(entry)


def _text(entry: Entry) -> str:
    return "\n".join([entry.update.headline, *(f"{each.lead}\n{each.text}" for each in entry.update.developments)])


def _candidates(text: str) -> Iterator[str]:
    for run in _NAMES.findall(text):
        words = run.split(" ")
        for count in range(1, min(len(words), _MOST_WORDS) + 1):
            for first in range(len(words) - count + 1):
                yield " ".join(words[first : first + count])


def _meant(written: str, index: _Index) -> str | None:
    """The place that somebody meant who wrote this; None where it is right, or something else."""
    name = fold(written)
    if len(name) < SHORTEST or name in index.known or any(word in index.known for word in name.split()):
        return None
    close = {found for form in _forms(name) for found in index.neighbours.get(form, ())}
    likely = [found for found in sorted(close) if _is_slip(name, found)]
    return index.known[max(likely, key=lambda found: _likeness(name, found))] if likely else None


def _is_slip(name: str, right: str) -> bool:
    """Whether the one is the other misspelt; not where the one is made from the other, as Guinean, and German."""
    if name.startswith(right) or right.startswith(name) or name.count(" ") != right.count(" "):
        return False
    if sorted(name) == sorted(right) or name in _forms(right) or right in _forms(name):
        return True
    if len(name) == len(right) and sum(one != other for one, other in zip(name, right, strict=True)) == 1:
        return len(name) > SHORTEST + 1
    return len(name) >= _LONG and _likeness(name, right) >= _LIKENESS


def _likeness(name: str, right: str) -> float:
    return SequenceMatcher(None, name, right, autojunk=False).ratio()
