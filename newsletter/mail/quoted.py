"""Quoted-printable (RFC 2045, 6.7), in pieces that can be joined in any order.

Each piece starts at the beginning of a line and ends at the end of one: where its text doesn't, a soft line break is
added, which a reader's client takes out again.
"""

from __future__ import annotations

import binascii


def encode(text: str) -> bytes:
    """One piece: lines of at most 76 octets, CRLF ends."""
    if not text:
        return b""
    flat = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    if flat.endswith(b"\n"):
        lines = binascii.b2a_qp(flat, istext=True)
    else:
        # The x keeps the place of the soft break's "=", so that the last line is not one octet too long.
        lines = binascii.b2a_qp(flat + b"x", istext=True)[:-1] + b"=\n"
    return lines.replace(b"\n", b"\r\n")
