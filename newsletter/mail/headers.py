"""Header fields as bytes (RFC 5322, 2.2; RFC 2047 for text beyond ASCII).

EmailMessage is not used to write them: it turns a List-Unsubscribe of more than 78 characters into encoded-words, and
Gmail then shows no unsubscribe button.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.header import Header
from email.headerregistry import Address as HeaderAddress
from email.utils import format_datetime

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LONGEST_WORD = 400  #: characters; escaped in quotes it is at most twice as long, and a line may have 998
_FOLD = 76  #: characters before a line is folded, where there is a space to fold at


def field(name: str, value: str) -> bytes:
    """A field of free text. Control characters become spaces, so that no value can begin another field."""
    clean = _clean(value)
    if _is_plain(clean):
        return structured(name, *clean.split(" "))
    encoded = Header(clean, "utf-8", header_name=name, maxlinelen=_FOLD).encode(linesep="\r\n")
    return f"{name}: {encoded}\r\n".encode("ascii")


def _clean(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())


def _is_plain(text: str) -> bool:
    """Whether a text can stand as it is: ASCII, foldable, and nothing in it looks like an encoded-word."""
    return text.isascii() and "=?" not in text and all(len(word) < _LONGEST_WORD for word in text.split(" "))


def structured(name: str, *words: str) -> bytes:
    """A field of words that must stay as they are, such as URLs in List-* fields; folded only between them."""
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _FOLD and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


def mailbox(name: str, display_name: str, address: str) -> bytes:
    """A field of one mailbox, such as From."""
    clean = _clean(display_name)
    if _is_plain(clean):
        return structured(name, *str(HeaderAddress(clean, addr_spec=address)).split(" "))
    phrase = Header(clean, "utf-8", header_name=name, maxlinelen=_FOLD).encode(linesep="\r\n")
    return f"{name}: {phrase}\r\n <{address}>\r\n".encode("ascii")


def date(at: datetime) -> bytes:
    """The Date field."""
    return structured("Date", format_datetime(at))
