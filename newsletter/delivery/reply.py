"""Replies of an SMTP server, read as bytes come in.

A reply is one line or several, each with the same three digits (RFC 5321, 4.2). Where the text begins with
an enhanced code (RFC 2034, RFC 3463) it is taken off and kept by itself.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from newsletter.errors import RelayError

LONGEST_LINE: Final = 2048  #: octets; RFC 5321, 4.5.3.1.5 says 512, and some relays send more
MOST_LINES: Final = 200  #: of one reply
LONGEST_TEXT: Final = 500  #: characters kept

# The second digit may be any: RFC 5321 allows 0 to 5, and relays send codes such as 571.
_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\n]*?))?\r?")
# Nearly all replies look like this; to what ends a message it is mostly a line of its own, with a number in it.
_USUAL: Final = re.compile(rb"(([245])[0-9][0-9]) (\2\.[0-9]{1,3}\.[0-9]{1,3}) ([!-~][ -~]{0,400})\r")
_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)")


class ProtocolError(RelayError):
    """The relay sent something that is no reply, or a reply that doesn't belong where it came."""


class Reply(NamedTuple):
    """What the relay answered to one command. A tuple, since one is made for each message."""

    code: int
    enhanced: str | None = None  #: such as "5.1.1"; None if there is none or it contradicts the code
    text: str = ""  #: printable, lines joined by a space, without the codes

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


class _Line(NamedTuple):
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
    if not decoded.isprintable():
        decoded = "".join(char if char.isprintable() else " " for char in decoded)
    return decoded.strip()


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


@lru_cache(maxsize=256)
def _single_line_reply(line: bytes) -> Reply | None:
    """The reply that is this one line, or None if more lines belong to it. Most lines recur, so it pays to cache."""
    usual = _USUAL.fullmatch(line)
    if usual is not None:
        code, _, enhanced, text = usual.groups()
        return Reply(int(code), enhanced.decode(), text.decode().rstrip())
    parsed = _parse_line(line)
    return _make_reply(parsed.code, [parsed.text]) if parsed.last else None


class ReplyReader:
    """Cuts a stream of bytes into replies."""

    __slots__ = ("_code", "_rest", "_texts", "lines")

    def __init__(self) -> None:
        self.lines: list[str] = []  #: the text lines of the last reply that had several, codes taken off
        self._rest = b""  #: the beginning of a line
        self._code = 0
        self._texts: list[bytes] = []

    @property
    def has_rest(self) -> bool:
        """Whether bytes were read that no reply has been made of."""
        return bool(self._rest or self._texts)

    def read(self, data: bytes) -> Iterator[Reply]:
        """Take in what came, and give the replies that are whole by now. Raises ProtocolError after the last good one.

        To be gone through to its end.
        """
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            reply = self._add(line) if self._texts else _single_line_reply(line) or self._add(line)
            if reply is not None:
                yield reply
        if len(self._rest) > LONGEST_LINE:
            raise ProtocolError("the relay sent a line that is too long")

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
