"""The parts of a message (RFC 2045, RFC 2046): texts, pictures, and what holds them together.

A part is its header fields, an empty line and its body, so a message is its own fields with a part behind them. A
boundary that begins with "=_" can be in no part that is made here: quoted-printable never has an underscore behind an
equals sign, and base64 never has either but for a last equals sign.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from newsletter.mail import headers, quoted
from newsletter.mail.pictures.picture import Image


def part(content_type: str, encoding: str, body: bytes, *fields: bytes) -> bytes:
    """One part with a body that is encoded already; `fields` are further header fields."""
    described = (
        headers.structured("Content-Type", *content_type.split(" ")),
        headers.structured("Content-Transfer-Encoding", encoding),
        *fields,
    )
    return b"%b\r\n%b" % (b"".join(described), body)


def text(subtype: str, words: str) -> bytes:
    """A part of text/plain or text/html."""
    return text_head(subtype) + quoted.encode(words)


def text_head(subtype: str) -> bytes:
    """What stands before the words of such a part, which follow in quoted-printable."""
    return part(f"text/{subtype}; charset=utf-8", "quoted-printable", b"")


def picture(image: Image, content_id: str) -> bytes:
    """A picture that the HTML beside it shows by cid: (RFC 2392)."""
    return part(
        f"image/{image.subtype}",
        "base64",
        base64.encodebytes(image.data).replace(b"\n", b"\r\n"),
        headers.structured("Content-ID", f"<{content_id}>"),
        headers.structured("Content-Disposition", "inline;", f'filename="{image.name}"'),
    )


def alternative(boundary: str, parts: Sequence[bytes]) -> bytes:
    """The same told in several ways, the best one last (RFC 2046, 5.1.4)."""
    return _multipart(("multipart/alternative;",), boundary, parts)


def related(boundary: str, html: bytes, pictures: Sequence[bytes]) -> bytes:
    """An HTML part with the pictures that it shows (RFC 2387); without any it is the HTML part alone."""
    if not pictures:
        return html
    return _multipart(("multipart/related;", 'type="text/html";'), boundary, (html, *pictures))


def _multipart(content_type: Sequence[str], boundary: str, parts: Sequence[bytes]) -> bytes:
    field = headers.structured("Content-Type", *content_type, f'boundary="{boundary}"')
    fence = boundary.encode("ascii")
    inner = b"".join(b"--%b\r\n%b\r\n" % (fence, each) for each in parts)
    return b"%b\r\n%b--%b--\r\n" % (field, inner, fence)
