"""Writes a PNG of few colours (W3C, "Portable Network Graphics", third edition): small, and the same bytes every time.

Pillow could do it, but the zlib in its wheels packs a map looser by an eighth, and another release may pack otherwise.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from PIL import Image

from newsletter.mail.pictures.colour import Colour

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE = 3  #: colour type: each pixel is the number of a colour
_BITS = 4  #: a pixel


def encode(picture: Image.Image, colours: Sequence[Colour]) -> bytes:
    """A picture of mode P as a file; `colours` are at most 16, and the first is see-through."""
    used = colours[: max(picture.tobytes()) + 1]
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", *picture.size, _BITS, _PALETTE, 0, 0, 0)),
        (b"PLTE", bytes(value for colour in used for value in colour)),
        (b"tRNS", b"\0"),
        (b"IDAT", _packed(picture)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _packed(picture: Image.Image) -> bytes:
    """The pixels, rows unfiltered: filters are for shades, not for numbers of colours."""
    pixels = picture.tobytes("raw", f"P;{_BITS}")
    across = (picture.width * _BITS + 7) // 8
    rows = (b"\0" + pixels[start : start + across] for start in range(0, len(pixels), across))
    compressor = zlib.compressobj(9, zlib.DEFLATED, 15, 9)
    return compressor.compress(b"".join(rows)) + compressor.flush()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
