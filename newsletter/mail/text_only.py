"""A digest as text alone, for who wants no HTML: cut out of the pieces of the message with both.

Its fields are the same, and so is its text. Content-Type and Content-Transfer-Encoding of the text part become those of
the message, and the HTML with its pictures is left out (RFC 2045, 3; RFC 2046, 5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from newsletter.mail.stretches import EncodedPiece

#: What makes the message one of several parts. No field of ours holds an empty line, so the first one is the true one.
_OPENING = re.compile(rb'Content-Type: multipart/alternative;\s+boundary="([^"]+)"\r\n\r\n--\1\r\n')


def text_alone(pieces: Iterable[EncodedPiece]) -> Iterator[EncodedPiece]:
    """The pieces of the text, with the message's own header fields."""
    fence = b""
    for mask, full, short, slot in pieces:
        opening = None if fence else _OPENING.search(full)
        told, brief = full, short
        if opening is not None:
            fence = b"\r\n--%b\r\n" % opening[1]
            told = brief = full[: opening.start()] + full[opening.end() :]
        text, end, _ = told.partition(fence) if fence else (told, b"", b"")
        if end:  # what follows is the HTML part; no boundary can be within a text (mail.parts)
            yield mask, text, text, slot
            return
        yield mask, told, brief, slot
