"""What a reader follows, in words, out of pieces that are encoded once a name.

A list of 24 names is different for nearly every reader; to encode it anew took a third of the time of a digest.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import NamedTuple

from newsletter.mail import quoted
from newsletter.mail.templates import TEXT_WIDTH


class _Name(NamedTuple):
    """One name in quoted-printable, by what comes behind it."""

    length: int  #: characters
    html: bytes
    html_last: bytes
    text: bytes
    text_at_line_end: bytes
    text_last: bytes


class _Names(dict[str, _Name]):
    """Encodes a name when it is first asked for."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        super().__init__()
        self._name_of = name_of

    def __missing__(self, code: str) -> _Name:
        name = self._name_of(code)
        escaped = html.escape(name, quote=False)
        self[code] = found = _Name(
            len(name),
            *(quoted.encode(each) for each in (f"{escaped}, ", escaped, f"{name}, ", f"{name},\n", name)),
        )
        return found


class FollowsPieces:
    """Lists of names in quoted-printable: the same words as digest.Wording makes for a plain render."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._names = _Names(name_of)

    def html(self, follows: Sequence[str]) -> bytes:
        """Names parted by commas."""
        names = self._names
        pieces = [names[code].html for code in follows]
        pieces[-1:] = [names[code].html_last for code in follows[-1:]]
        return b"".join(pieces)

    def text(self, follows: Sequence[str]) -> bytes:
        """The same in lines of a text part: see digest.in_lines."""
        pieces: list[bytes] = []
        held: _Name | None = None
        width = 0  # of the line so far, with a comma and a space behind each name
        for code in follows:
            name = self._names[code]
            if held is not None and width + name.length + 1 > TEXT_WIDTH:
                pieces.append(held.text_at_line_end)
                width = 0
            elif held is not None:
                pieces.append(held.text)
            width += name.length + 2
            held = name
        if held is not None:
            pieces.append(held.text_last)
        return b"".join(pieces)
