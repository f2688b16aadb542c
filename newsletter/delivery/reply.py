"""Replies of an SMTP server, read as bytes come in.

A reply is one line or several, each with the same three digits (RFC 5321, 4.2). Where the text begins with
an enhanced code (RFC 2034, RFC 3463) it is taken off and kept by itself.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from newsletter.errors import RelayError

LONGEST_LINE: Final = 2048  #: octets; RFC 5321, 4.5.3.1.5 says 512, and some relays send more
MOST_LINES: Final = 200  #: of one reply
LONGEST_TEXT: Final = 500  #: characters kept

# The second digit may be any: RFC 5321 allows 0 to 5, and relays send codes such as 571.
_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\n]*?))?\r?\n")
_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)")


class ProtocolError(RelayError):
    """The relay sent something that is no reply, or a reply that doesn't belong where it came."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the relay answered to one command."""

    code: int
    enhanced: str | None = None  #: such as "5.1.1"; None if there is none or it contradicts the code
    text: str = ""  #: printable, lines joined by a space, without the codes

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


@dataclass(frozen=True, slots=True)
class _Line:
    code: int
    last: bool
    text: bytes


def _parse_line(line: bytes) -> _Line:
    match = _LINE.fullmatch(line) if len(line) <= LONGEST_LINE else None
    if match is None:
        raise ProtocolError("the relay sent a line that is no SMTP reply")
    return _Line(int(match[1]), match[2] != b"-", match[3] or b"")


def _printable(text: bytes) -> str:
    decoded = text.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in decoded).strip()


def _make_reply(code: int, texts: list[bytes]) -> Reply:
    first = _printable(texts[0])
    match = _ENHANCED.match(first)
    if match is None:
        return Reply(code, None, " ".join(filter(None, map(_printable, texts)))[:LONGEST_TEXT])
    enhanced = match[1]
    rest = (_printable(text).removeprefix(enhanced).strip() for text in texts)
    # RFC 2034, 4: the class is the reply's first digit. If they differ, the reply code holds.
    agreed = enhanced if enhanced[0] == str(code)[0] else None
    return Reply(code, agreed, " ".join(filter(None, rest))[:LONGEST_TEXT])


@lru_cache(maxsize=1024)
def _single_line_reply(line: bytes) -> Reply | None:
    """The reply that is this one line, or None if more lines belong to it. Most lines recur, so it pays to cache."""
    parsed = _parse_line(line)
    return _make_reply(parsed.code, [parsed.text]) if parsed.last else None


class ReplyReader:
    """Cuts a stream of bytes into replies: `feed` it, then ask for `next_reply` until that is None."""

    __slots__ = ("_at", "_code", "_data", "_texts", "lines")

    def __init__(self) -> None:
        self.lines: list[str] = []  #: the text lines of the last reply that had several, codes taken off
        self._data = b""
        self._at = 0
        self._code = 0
        self._texts: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    @property
    def has_rest(self) -> bool:
        """Whether bytes were fed that no reply has been made of."""
        return self._at < len(self._data) or bool(self._texts)

    def next_reply(self) -> Reply | None:
        """The next whole reply, or None until more bytes come. Raises ProtocolError."""
        while True:
            start = self._at
            end = self._data.find(b"\n", start) + 1
            if not end:
                if len(self._data) - start > LONGEST_LINE:
                    raise ProtocolError("the relay sent a line that is too long")
                return None
            line = self._data[start:end]
            self._at = end
            reply = self._add(line) if self._texts else _single_line_reply(line) or self._add(line)
            if reply is not None:
                return reply

    def _add(self, line: bytes) -> Reply | None:
        parsed = _parse_line(line)
        if self._texts and parsed.code != self._code:
            raise ProtocolError("the relay changed the code within a reply")
        if len(self._texts) >= MOST_LINES:
            raise ProtocolError("the relay sent a reply of too many lines")
        self._code = parsed.code
        self._texts.append(parsed.text)
        if not parsed.last:
            return None
        texts, self._texts = self._texts, []
        self.lines = [_printable(text) for text in texts]
        return _make_reply(parsed.code, texts)
