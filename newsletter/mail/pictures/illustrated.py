"""All pictures of an edition: its map, and a strip for each of its places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from newsletter.domain.edition import Contents
from newsletter.mail.pictures import strip, worldmap
from newsletter.mail.pictures.picture import Image, Picture, PictureMode

#: Bytes of a map that a message carries in two versions. The light one of a larger map does for dark paper as well:
#: its own paper is see-through.
MOST_CARRIED = 32_000


@dataclass(frozen=True, slots=True)
class Illustrations:
    """The pictures that go with an edition's contents."""

    places: int  #: how many the map shows
    world: Picture
    strips: Mapping[str, Picture]  #: by the place's code

    def images(self) -> Iterator[Image]:
        """Every file among them, each once."""
        found = {}
        for picture in (self.world, *self.strips.values()):
            for image in (picture.light, picture.dark):
                if image is not None:
                    found[image.name] = image
        yield from found.values()


def illustrate(contents: Contents, mode: PictureMode) -> Illustrations:
    """Draw them; it takes a part of a second."""
    world = worldmap.draw(contents)
    if mode is PictureMode.INLINE and _bytes(world) > MOST_CARRIED:
        world = replace(world, dark=None)
    return Illustrations(
        places=len(contents.entries),
        world=world,
        strips={entry.place.code: strip.draw(contents.month, entry.strip) for entry in contents.entries},
    )


def _bytes(picture: Picture) -> int:
    return sum(len(image.data) for image in (picture.light, picture.dark) if image is not None)
