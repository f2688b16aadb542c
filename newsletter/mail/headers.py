"""Header fields as bytes (RFC 5322, 2.2; RFC 2047 for text beyond ASCII).

EmailMessage is not used to write them: it turns a List-Unsubscribe of more than 78 characters into encoded-words, and
Gmail then shows no unsubscribe button.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.utils import format_datetime
from itertools import groupby

from newsletter.mail import encoded_words

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+")  #: what may stand in a phrase without quotes (RFC 5322, 3.2.3)
_LONGEST_WORD = 400  #: characters; escaped in quotes it is at most twice as long, and a line may have 998
_FOLD = 76  #: characters before a line is folded, where there is a space to fold at; all that RFC 2047, 2 allows
_LEAST = 30  #: characters at a line's end for which a longer text is worth beginning there


def field(name: str, value: str) -> bytes:
    """A field of free text. Control characters become spaces, so that no value can begin another field."""
    return _bytes(_lines(name, _clean(value).split(" "), _is_plain))


def mailbox(name: str, display_name: str, address: str) -> bytes:
    """A field of one mailbox, such as From."""
    words = _clean(display_name).split(" ")
    if all(_is_plain(word) for word in words):
        return structured(name, *str(HeaderAddress(" ".join(words), addr_spec=address)).split(" "))
    lines = _lines(name, words, lambda word: _is_plain(word) and _ATOM.fullmatch(word) is not None)
    _append(lines, f"<{address}>")
    return _bytes(lines)


def structured(name: str, *words: str) -> bytes:
    """A field of words that must stay as they are, such as URLs in List-* fields; folded only between them."""
    return _bytes(_lines(name, words, lambda _: True))


def _clean(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())


def _is_plain(word: str) -> bool:
    """Whether a word can stand as it is: ASCII, not too long for a line, and nothing like an encoded-word in it."""
    return word.isascii() and "=?" not in word and len(word) < _LONGEST_WORD


def _lines(name: str, words: Iterable[str], stands: Callable[[str], bool]) -> list[str]:
    """A field in lines. Words that can't stand as they are get encoded, those beside each other together."""
    lines = [f"{name}:"]
    for as_it_is, run in groupby(words, stands):
        for word in run if as_it_is else _encoded(" ".join(run), lines[-1]):
            _append(lines, word)
    return lines


def _encoded(text: str, line: str) -> list[str]:
    """Encoded-words for the end of a line and the lines that follow; one that fits a line of its own is not cut."""
    whole = encoded_words.encode(text)
    room = min(_FOLD - len(line) - 1, encoded_words.LONGEST)
    if room < _LEAST or (len(whole) == 1 and _has_words(line)):
        return whole
    return encoded_words.encode(text, room)


def _append(lines: list[str], word: str) -> None:
    if _has_words(lines[-1]) and len(lines[-1]) + 1 + len(word) > _FOLD:
        lines.append("")
    lines[-1] += f" {word}"


def _has_words(line: str) -> bool:
    return " " in line


def _bytes(lines: list[str]) -> bytes:
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


def date(at: datetime) -> bytes:
    """The Date field."""
    return structured("Date", format_datetime(at))
