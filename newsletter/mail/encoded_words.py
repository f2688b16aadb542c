"""Encoded-words: text beyond ASCII in a header field (RFC 2047).

White space between two of them is dropped when they are read (6.2), so a space between two words that are both encoded
has to be encoded with them. The signs that Q leaves as they are may stand in a display name too (5, rule 3).
"""

from __future__ import annotations

import base64
import string
import unicodedata
from collections.abc import Callable, Iterator

LONGEST = 75  #: characters (RFC 2047, 2)

_FRAME = len("=?utf-8?q??=")
_SAFE = f"{string.ascii_letters}{string.digits}!*+-/"
_Q = [chr(octet) if chr(octet) in _SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in range(256)]
_ZERO_WIDTH_JOINER = "\u200d"


def encode(text: str, room: int = LONGEST) -> list[str]:
    """A text as encoded-words, in Q or in B, whichever is shorter; the first is of at most `room` characters.

    A `room` under 30 is too small for a single character in any case. Where it can be, none is cut within what a
    reader takes for one character.
    """
    write, size = (_write_q, _size_q) if _size_q(text) <= _size_b(text) else (_write_b, _size_b)
    if size(text) <= room:
        return [write(text)]
    return [write(piece) for piece in _pieces(text, room, size)]


def _write_q(text: str) -> str:
    return f"=?utf-8?q?{''.join(_Q[octet] for octet in text.encode())}?="


def _write_b(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode('ascii')}?="


def _size_q(text: str) -> int:
    return _FRAME + sum(len(_Q[octet]) for octet in text.encode())


def _size_b(text: str) -> int:
    return _FRAME + (len(text.encode()) + 2) // 3 * 4


def _pieces(text: str, room: int, size: Callable[[str], int]) -> Iterator[str]:
    piece = ""
    for cluster in _clusters(text):
        for atom in [cluster] if size(cluster) <= room else cluster:
            if piece and size(piece + atom) > room:
                yield piece
                piece, room = "", LONGEST
            piece += atom
    yield piece


def _clusters(text: str) -> Iterator[str]:
    """What a reader takes for one character each: nearly the grapheme clusters of UAX 29."""
    cluster = ""
    for character in text:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    yield cluster


def _continues(cluster: str, character: str) -> bool:
    return (
        unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf"}
        or cluster.endswith(_ZERO_WIDTH_JOINER)
        or "\u1160" <= character <= "\u11ff"  # vowels and finals of Hangul
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # colours of skin
        or (_is_half_a_flag(character) and len(cluster) == 1 and _is_half_a_flag(cluster))
    )


def _is_half_a_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
