"""Lines of a text part, by the columns that a terminal gives to each character.

East Asian wide characters take two (UAX 11), combining ones none: so counts wcwidth of the C library, and with it mutt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

TEXT_WIDTH = 72  #: columns of a text part: with a quote mark or two it still fits 80

_BLANK_LINES = re.compile(r"\n[ \t]*\n+")
_SPACES = re.compile(r"[^\S\u00a0\u2007\u202f]+")  #: white space, but for what is there to hold two words together
#: Where a line may end. A sign that stands alone stays with the word before it: a line that begins with a dash
#: would look like an item of a list.
_BREAK = re.compile(r"(?<=[-–—]) | (?![-–—»!?:;](?: |$))")


def width(text: str) -> int:
    """How many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    if "\u1160" <= character <= "\u11ff":
        return 0  # vowels and finals of Hangul, drawn into the syllable's first letter
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} and character != "\u00ad":
        return 0
    return 1


def words(text: str) -> list[str]:
    """The pieces of a text that no line is broken within."""
    flat = _SPACES.sub(" ", text).strip()
    return _BREAK.split(flat) if flat else []


def fill(pieces: Iterable[str], first: str, rest: str) -> list[str]:
    """Lines of TEXT_WIDTH columns, the first with one beginning and the rest with another; no piece is broken."""
    lines: list[str] = []
    line, room = first, TEXT_WIDTH - width(first)
    gap = ""
    for piece in pieces:
        columns = width(piece)
        if gap and columns + 1 > room:
            lines.append(line.rstrip())
            line, room, gap = rest, TEXT_WIDTH - width(rest), ""
        line = f"{line}{gap}{piece}"
        room -= columns + len(gap)
        gap = " "
    return [*lines, line.rstrip()] if gap else []


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """Plain text in lines, paragraph by paragraph; words are never broken."""
    wrapped: list[str] = []
    for paragraph in _BLANK_LINES.split(text.strip()):
        lead = first if first is not None and not wrapped else indent
        wrapped.append("\n".join(fill(words(paragraph), lead, indent)))
    return f"\n{indent.rstrip()}\n".join(wrapped)
