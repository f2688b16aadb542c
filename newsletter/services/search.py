"""Search over the public updates, for whatever somebody types."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.update import Alert, Trend
from newsletter.storage import update_search
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate

LONGEST = 200  #: characters that are looked at
_MOST_PHRASES = 12

_PHRASE = re.compile(r'"([^"]*)"|(\S+)')
_WORD = re.compile(r"[^\W_]+")
_MARKED = re.compile(f"{update_search.BEGIN}(.*?){update_search.END}", re.DOTALL)
#: Of Markdown: ends of links, what sets emphasis and code, what begins a line that is quoted. A passage is cut
#: anywhere, so it can't be read as Markdown.
_SIGNS = re.compile(r"\]\([^)\s]*\)?|[*`\[\]\\]|(?<!\w)_|_(?!\w)|^[>#]+ ?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, all of which was searched for, or none."""

    text: str
    found: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """An update that was found."""

    place: Place
    month: Month
    trend: Trend
    alerts: tuple[Alert, ...]
    headline: tuple[Piece, ...]
    passage: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of what was found."""

    total: int
    hits: tuple[Hit, ...]


def search(session: Session, words: str, *, limit: int, offset: int) -> Hits:
    """The ready updates that have all the words, the most fitting first; what is quoted has to stand together.

    Any text will do; where it has no word, nothing is found.
    """
    phrases = _phrases(words)
    if not phrases:
        return Hits(0, ())
    total = update_search.count(session, phrases)
    matches = update_search.find(session, phrases, limit=limit, offset=offset) if total > offset else []
    wanted = [match.update_id for match in matches]
    columns = (
        *(CountryUpdate.id, CountryUpdate.place_code, CountryUpdate.month),
        *(CountryUpdate.trend, CountryUpdate.alerts),
    )
    rows = {row.id: row for row in session.execute(select(*columns).where(CountryUpdate.id.in_(wanted)))}
    hits = [
        Hit(
            gazetteer().require(row.place_code),
            Month.parse(row.month),
            Trend(row.trend),
            tuple(Alert(each) for each in row.alerts),
            _pieces(match.headline, plain=True),
            _pieces(match.passage, plain=False),
        )
        for match in matches
        for row in (rows[match.update_id],)
    ]
    return Hits(total, tuple(hits))


def _phrases(words: str) -> list[str]:
    """What is searched for: the words of each quoted stretch together, all others by themselves."""
    text = unicodedata.normalize("NFKC", words[:LONGEST])
    found = (" ".join(_WORD.findall(quoted or single)) for quoted, single in _PHRASE.findall(text))
    return [phrase for phrase in found if phrase][:_MOST_PHRASES]


def _pieces(marked: str, *, plain: bool) -> tuple[Piece, ...]:
    """The text in stretches; Markdown's signs are taken out unless it is `plain`."""
    text = marked if plain else _SIGNS.sub("", marked)
    # Every second one was between the marks.
    stretches = _MARKED.split(text)
    return tuple(Piece(stretch, bool(number % 2)) for number, stretch in enumerate(stretches) if stretch)
