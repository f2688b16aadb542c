"""Latest updates: entries of a kind, a day, a title and, if the text has kept it, an address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from newsletter.domain.formats.webpage.days import cut_day
from newsletter.domain.formats.webpage.doubts import Doubts, first_words
from newsletter.domain.formats.webpage.lines import Line, is_furniture
from newsletter.domain.update import Link

_WHERE = "of the latest updates"
_KIND = re.compile(
    r"(?P<kind>(?:special |open |media |press |video |online |impact )?"
    r"(?:report|briefing|q ?& ?a|commentary|statement|podcast|video|op-?ed|speech|release|alert|interview|letter|event"
    r"|note|article|analysis|coverage|explainer|watch ?list|infographic|blog|profile|testimony|update)s?)"
    r"(?P<rest>\s*$|\s*[/|:–—•·,]\s*.*|\s+-\s+.*)",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://[^\s<>\"”)\]]+")
_BRACKETS = " \t()[]<>"
_LONGEST = 2000  #: characters; a longer line is no entry


@dataclass(slots=True)
class _Entry:
    kind: str = ""
    day: date | None = None
    url: str = ""
    texts: list[str] = field(default_factory=list)


def read_links(lines: Sequence[Line], doubts: Doubts) -> tuple[Link, ...]:
    """The links that are whole; an entry that lacks something becomes a doubt."""
    entries: list[_Entry] = []
    current = _Entry()
    for line in lines:
        if is_furniture(line.text):
            continue
        text, day = cut_day(line.text)
        kind = _KIND.fullmatch(text) if len(text) <= _LONGEST else None
        if kind is not None:
            entries.append(current)
            current = _Entry(kind["kind"], day)
            continue
        current.day = current.day or day
        _add(current, text)
    return tuple(link for entry in [*entries, current] for link in _link(entry, doubts))


def _add(entry: _Entry, text: str) -> None:
    """Put one more line into its entry."""
    url = _URL.search(text) if len(text) <= _LONGEST else None
    if url is not None and not entry.url:
        entry.url = url[0].rstrip(".,;")
        text = (text[: url.start()].rstrip(_BRACKETS) + text[url.end() :].lstrip(_BRACKETS)).strip(_BRACKETS)
    if text:
        entry.texts.append(text)


def _link(entry: _Entry, doubts: Doubts) -> list[Link]:
    """The entry as a list of one link, or of none."""
    if not entry.kind:
        for text in [*entry.texts, entry.url]:
            if text:
                doubts.left_out(text, _WHERE)
        return []
    title, more = (entry.texts[0], entry.texts[1:]) if entry.texts else ("", [])
    name = first_words(title or entry.kind)
    for text in more:
        doubts.left_out(text, _WHERE)
    lacking = [what for what, has in (("a title", title), ("a day", entry.day), ("an address", entry.url)) if not has]
    if lacking or entry.day is None:
        doubts.add(f"the link {name!r} was left out, because it lacks {' and '.join(lacking)}")
        return []
    return [Link(entry.day, entry.kind, title, entry.url)]
