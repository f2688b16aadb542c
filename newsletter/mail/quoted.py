"""Quoted-printable (RFC 2045, 6.7), in pieces that can be joined in any order.

Each piece starts at the beginning of a line and ends at the end of one: where its text doesn't, a soft line break is
added, which a reader's client takes out again. No line begins with a dot, so that what is made of pieces needs no
dot-stuffing (RFC 5321, 4.5.2): searching 30 kB for dots costs more than anything else that is done for a message.
"""

from __future__ import annotations

import binascii
import re

_LONGEST = 76  #: octets of a line, its soft break included
#: What a line that may have to be changed begins or ends with: binascii doesn't count the octets of a last white space.
_MARKS = (b"\n.", b"\nFrom ", b"=20\n", b"=09\n")
_UNFIT = re.compile(rb"^(?:\..*|From .*|.{77,})$", re.MULTILINE)


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
    if lines.startswith((b".", b"From ")) or any(mark in lines for mark in _MARKS):
        lines = _UNFIT.sub(lambda match: _fitting(match[0]), lines)
    return lines.replace(b"\n", b"\r\n")


def _fitting(line: bytes) -> bytes:
    """The same line with a leading dot or From encoded, in two lines if it is too long."""
    if line.startswith((b".", b"From ")):
        line = b"=%02X%b" % (line[0], line[1:])
    if len(line) <= _LONGEST:
        return line
    cut = _LONGEST - 1
    while b"=" in line[cut - 2 : cut]:
        cut -= 1  # not within an encoded octet
    return line[:cut] + b"=\n" + _fitting(line[cut:])
