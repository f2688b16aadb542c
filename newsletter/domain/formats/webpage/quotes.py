"""In the news: a day, somebody's words and their outlet, and below them a person and a role."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from newsletter.domain.formats.webpage.days import read_day
from newsletter.domain.formats.webpage.doubts import Doubts
from newsletter.domain.formats.webpage.lines import Line, is_furniture
from newsletter.domain.formats.webpage.sentences import ends_in_title, ends_sentence
from newsletter.domain.update import Quote

_WHERE = "in the news"
_LONGEST_OUTLET = 60  #: characters
_OUTLET_WORDS = 6
#: The end of the words, and what is printed after it on the same line.
_OUTLET = re.compile(r"(?P<end>(?:[.!?…][\"”’'»)\]]*|[\"”»]))\s+(?:[–—-]\s+)?(?P<outlet>[^\s\"“”.!?…][^\"“”!?…]*)$")
_ROLE = re.compile(
    r",|\b(?:director|analyst|adviser|advisor|president|minister|head|chief|editor|fellow|researcher|expert|professor"
    r"|spokes\w+|secretary|ambassador|officer|coordinator|consultant|chair\w*|lead|manager)\b",
    re.IGNORECASE,
)
_QUOTE_MARKS = (("“", "”"), ("«", "»"), ('"', '"'), ("„", "“"))


def read_quotes(lines: Sequence[Line], doubts: Doubts) -> tuple[Quote, ...]:
    """The quotes that the lines hold, one from each day line to the next."""
    quotes: list[Quote] = []
    day: date | None = None
    entry: list[str] = []
    for text in [line.text for line in lines] + [None]:
        starts = read_day(text) if text is not None else None
        if text is not None and starts is None:
            entry.append(text)
            continue
        quotes += _quote(day, entry, doubts)
        day, entry = starts, []
    return tuple(quotes)


def _quote(day: date | None, entry: Sequence[str], doubts: Doubts) -> list[Quote]:
    """The quote of `day` as a list of one; empty when there is none."""
    # The second line may be an outlet that is called like a share button.
    lines = [text for number, text in enumerate(entry) if (day and number < 2) or not is_furniture(text)]
    if day is None or not lines:
        for text in lines:
            doubts.left_out(text, _WHERE)
        if day is not None:
            doubts.add(f"there is a date {day} {_WHERE} with no words after it")
        return []
    words, outlet, rest = _words(lines)
    rest = _once(rest)
    if outlet is None and rest and not _begins_with_person(rest, lines):
        outlet, rest = rest[0], rest[1:]
    if not outlet:
        doubts.add(f"the quote of {day} names no outlet")
    if words.endswith(("...", "…")):
        doubts.add(f"the quote of {day} is cut off")
    for text in rest[2:]:
        doubts.left_out(text, _WHERE)
    person, role = [*rest, None, None][:2]
    if person is None:
        doubts.add(f"the quote of {day} names nobody")
    return [Quote(day, words, outlet or "", person, role)]


def _words(lines: Sequence[str]) -> tuple[str, str | None, list[str]]:
    """The words, the outlet if it stands on their line, and the lines that follow."""
    words: list[str] = []
    for number, line in enumerate(lines):
        start, outlet = _cut_outlet(line)
        if number and not _runs_on(start):  # "A. Person" is no outlet called Person
            outlet = None
        if number == 0 or outlet or _runs_on(line):
            words.append(start)
        if outlet or (number and not _runs_on(line)):
            rest = lines[number + 1 :] if outlet else lines[number:]
            return _unquoted(" ".join(words)), outlet, list(rest)
    return _unquoted(" ".join(words)), None, []


def _runs_on(line: str) -> bool:
    """Whether a line below the words is one more paragraph of them."""
    return ends_sentence(line) and len(line.split()) > _OUTLET_WORDS


def _cut_outlet(line: str) -> tuple[str, str | None]:
    """The words without the outlet that is printed behind them."""
    start = max(0, len(line) - _LONGEST_OUTLET)
    found = list(_OUTLET.finditer(line, start))
    if not found or ends_sentence(line) or ends_in_title(line[: found[-1].end("end")]):
        return line, None
    outlet = found[-1]["outlet"]
    if len(outlet.split()) > _OUTLET_WORDS or not (outlet[0].isupper() or outlet[0].isdigit()):
        return line, None
    return line[: found[-1].end("end")], outlet


def _once(lines: Sequence[str]) -> list[str]:
    """The lines without repetitions: a page may print a name below the words and again beside a picture."""
    return list(dict.fromkeys(lines))


def _begins_with_person(rest: Sequence[str], lines: Sequence[str]) -> bool:
    """Without an outlet's line, the first line is printed twice or the second is a role."""
    return lines.count(rest[0]) > 1 or (len(rest) == 2 and _ROLE.search(rest[1]) is not None)


def _unquoted(words: str) -> str:
    """The words without the marks around them, which the digest sets itself. A cut quote has lost the second."""
    words = words.strip()
    for opening, closing in _QUOTE_MARKS:
        inner = words[1:]
        if not words.startswith(opening):
            continue
        if inner.endswith(closing) and inner.find(closing) == len(inner) - 1:
            return inner[:-1].strip()
        if closing not in inner:
            return inner.strip()
    return words
