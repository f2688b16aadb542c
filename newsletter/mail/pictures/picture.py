"""A picture in a mail: its bytes for light and for dark paper, and the words that say the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Scheme(StrEnum):
    """The paper that a picture lies on."""

    LIGHT = "light"
    DARK = "dark"


class PictureMode(StrEnum):
    """Where a mail's pictures are."""

    HOSTED = "hosted"  #: on our site, one address for all readers; many clients ask before they fetch them
    INLINE = "inline"  #: in the message itself (RFC 2392), which makes it larger


@dataclass(frozen=True, slots=True)
class Image:
    """A file that a client shows."""

    name: str  #: file name, with a hash of the content in it, so that a proxy may keep it for ever
    data: bytes
    subtype: str = "png"  #: of image/

    @classmethod
    def named(cls, stem: str, data: bytes, subtype: str = "png") -> Image:
        """An image whose name begins with `stem`."""
        digest = hashlib.sha256(data).hexdigest()[:10]
        return cls(f"{stem}-{digest}.{subtype}", data, subtype)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as a template shows it."""

    light: Image
    dark: Image | None  #: None when the light one does for both
    alt: str  #: says the same as the picture
    width: int  #: CSS pixels; the image has twice as many, for dense screens
    height: int
