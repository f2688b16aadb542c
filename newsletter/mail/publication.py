"""Who publishes: what every mail says of its sender, and where its links go."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.headerregistry import Address as HeaderAddress
from pathlib import Path

from newsletter.mail.brand import Brand
from newsletter.mail.links import Links
from newsletter.mail.pictures.picture import Image, PictureMode


@dataclass(frozen=True, slots=True)
class Publication:
    """The publisher's side of a mail; the same for all readers."""

    title: str  #: the digest's name, as the masthead shows it
    sender_name: str
    sender_address: str
    postal_address: str | None  #: one line or more; an edition can't be approved without it
    links: Links
    brand: Brand = field(default_factory=Brand)
    pictures: PictureMode = PictureMode.HOSTED
    overrides: Path | None = None  #: a folder whose templates go before the ones that come with the program

    @property
    def domain(self) -> str:
        """The sender's domain; message ids, list id and envelope senders lie in it, so that they are aligned."""
        return self.sender_address.rpartition("@")[2]

    @property
    def sender(self) -> str:
        """The From header's value."""
        return str(HeaderAddress(self.sender_name, addr_spec=self.sender_address))

    def edition_image(self, image: Image, month: object, place: str = "") -> str:
        """What src says of an edition's image: an address, or a part of the message (RFC 2392)."""
        if self.pictures is PictureMode.HOSTED:
            return self.links.picture(month, image.name)
        return f"cid:{self.content_id(image, place)}"

    def logo_image(self, image: Image) -> str:
        """The same for an image of the logo, which no edition owns."""
        if self.pictures is PictureMode.HOSTED:
            return self.links.brand(image.name)
        return f"cid:{self.content_id(image)}"

    def content_id(self, image: Image, place: str = "") -> str:
        """The Content-ID of an image in a message, without its angle brackets; `place` tells equal images apart."""
        stem = image.name.rpartition(".")[0]
        return f"{place}{'.' if place else ''}{stem}@{self.domain}"
