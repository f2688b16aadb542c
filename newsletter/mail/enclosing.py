"""What stands around a digest's two texts: the parts of its message, and the pictures that it carries.

Hosted pictures leave multipart/alternative of text and HTML. Inline ones (RFC 2392) make the HTML multipart/related
with the edition's map, which all readers get, and a strip for each place that a reader is told of in full.
"""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.domain.edition import Contents
from newsletter.mail import headers, parts
from newsletter.mail.compiled import EVERYBODY, Piece
from newsletter.mail.pictures.illustrated import Illustrations
from newsletter.mail.pictures.picture import Picture, PictureMode
from newsletter.mail.publication import Publication


@dataclass(frozen=True, slots=True)
class Enclosure:
    """Bytes between and around the texts; each text ends at the end of a line."""

    before_text: bytes  #: the last header field of the message, the empty line, and the text part's head
    before_html: bytes
    after_html: tuple[Piece, ...]


def enclosure(contents: Contents, publication: Publication, illustrations: Illustrations) -> Enclosure:
    """What the digests of an edition are enclosed in."""
    outer, inner = f"=_digest_{contents.month}", f"=_related_{contents.month}"
    fence = f"\r\n--{outer}\r\n".encode("ascii")
    message = headers.structured("Content-Type", "multipart/alternative;", f'boundary="{outer}"')
    before_text = message + fence + parts.text_head("plain")
    if publication.pictures is PictureMode.HOSTED:
        return Enclosure(
            before_text,
            fence + parts.text_head("html"),
            (_shown_to(EVERYBODY, f"\r\n--{outer}--\r\n".encode("ascii")),),
        )
    related = headers.structured("Content-Type", "multipart/related;", 'type="text/html";', f'boundary="{inner}"')
    carried = [_carried(EVERYBODY, illustrations.world, "", inner, publication)]
    if publication.brand.logo is not None:
        carried.append(_carried(EVERYBODY, publication.brand.logo, "", inner, publication))
    carried += [
        _carried(1 << number, illustrations.strips[entry.place.code], entry.place.code, inner, publication)
        for number, entry in enumerate(contents.entries)
    ]
    return Enclosure(
        before_text,
        fence + related + f"\r\n--{inner}\r\n".encode("ascii") + parts.text_head("html"),
        (*carried, _shown_to(EVERYBODY, f"\r\n--{inner}--\r\n\r\n--{outer}--\r\n".encode("ascii"))),
    )


def _carried(mask: int, picture: Picture, place: str, boundary: str, publication: Publication) -> Piece:
    """The parts of a picture; a place told in brief has none."""
    fence = f"\r\n--{boundary}\r\n".encode("ascii")
    images = [image for image in (picture.light, picture.dark) if image is not None]
    data = b"".join(fence + parts.picture(image, publication.content_id(image, place)) for image in images)
    return _shown_to(mask, data)


def _shown_to(mask: int, data: bytes) -> Piece:
    text = data.decode("ascii")
    return Piece(mask, text, text if mask == EVERYBODY else "")
