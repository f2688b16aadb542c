"""What a reader follows, in words, out of pieces that are encoded once a name.

A list of 24 names is different for nearly every reader; to encode it anew took a third of the time of a digest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from newsletter.mail import markup, quoted
from newsletter.mail.compiled import Size
from newsletter.mail.digest import padded


class _Names(dict[str, bytes]):
    """Names in quoted-printable, each encoded when it is first asked for."""

    def __init__(self, written: Callable[[str], str]) -> None:
        super().__init__()
        self._written = written

    def __missing__(self, code: str) -> bytes:
        self[code] = found = quoted.encode(self._written(code))
        return found


class FollowsPieces:
    """Lists of names in quoted-printable: the same words as digest.Wording makes for a plain render."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of
        self._html = _Names(lambda code: f"{markup.escape(name_of(code))}, ")
        self._html_last = _Names(lambda code: markup.escape(name_of(code)))
        self._left = _Names(lambda code: padded(name_of(code)))
        self._right = _Names(lambda code: f"{name_of(code)}\n")
        self._last = _Names(name_of)

    def size(self, code: str) -> Size:
        """What a name takes, at most."""
        html = len(f"{markup.escape(self._name_of(code))}, ".encode())
        return Size(html=html, message=len(self._html[code]) + max(len(self._left[code]), len(self._right[code])))

    def html(self, follows: Sequence[str]) -> bytes:
        """Names parted by commas."""
        pieces = [*map(self._html.__getitem__, follows[:-1]), *map(self._html_last.__getitem__, follows[-1:])]
        return b"".join(pieces)

    def text(self, follows: Sequence[str]) -> bytes:
        """The same in two columns: see digest.in_columns."""
        pieces = [b""] * len(follows)
        pieces[::2] = map(self._left.__getitem__, follows[::2])
        pieces[1::2] = map(self._right.__getitem__, follows[1::2])
        pieces[-1:] = map(self._last.__getitem__, follows[-1:])
        return b"".join(pieces)
