"""Which characters no text of an editor may hold."""

from __future__ import annotations


def is_control(char: str) -> bool:
    """Whether it is a C0 or C1 control other than a line break or a tab, or half of a pair (a surrogate)."""
    code = ord(char)
    return (code < 0x20 and char not in "\n\t") or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF
