"""The pictures of approved editions: kept as long as these are, as whoever has their mails may look at them any day."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.errors import NotFound
from newsletter.mail.pictures.picture import Image
from newsletter.storage.tables import Edition, EditionPicture

_JPEG = (".jpeg", ".jpg")


def keep(session: Session, edition: Edition, images: Iterable[Image]) -> None:
    """Store an edition's images; a name has a hash of its content, so what comes twice is kept once."""
    kept = set(session.scalars(select(EditionPicture.name).where(EditionPicture.edition_id == edition.id)))
    fresh = {image.name: image for image in images if image.name not in kept}
    session.add_all(EditionPicture(edition_id=edition.id, name=name, png=image.data) for name, image in fresh.items())


def find(session: Session, month: Month, name: str) -> Image:
    """One picture of a month's edition. Raises NotFound; a draft has none."""
    query = select(EditionPicture).join(Edition, Edition.id == EditionPicture.edition_id)
    row = session.scalars(query.where(Edition.month == str(month), EditionPicture.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"the edition for {month} has no picture of this name")
    return _image(row)


def of_edition(session: Session, edition: Edition) -> list[Image]:
    """All that are kept of an edition, by name."""
    query = select(EditionPicture).where(EditionPicture.edition_id == edition.id).order_by(EditionPicture.name)
    return [_image(row) for row in session.scalars(query)]


def _image(row: EditionPicture) -> Image:
    return Image(row.name, row.png, "jpeg" if row.name.lower().endswith(_JPEG) else "png")
