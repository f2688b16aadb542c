"""Months made for a picture, and what is seen on it."""

from __future__ import annotations

import io
from collections.abc import Mapping

from PIL import Image as Pillow

from newsletter.domain.edition import Contents, assemble
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Trend, Update
from newsletter.mail.pictures.colour import COLOURS, Colour
from newsletter.mail.pictures.picture import Image, Scheme
from newsletter.storage.places import gazetteer

MONTH = Month(2022, 11)
WORSE, BETTER, SAME = Trend.DETERIORATED, Trend.IMPROVED, Trend.UNCHANGED
RISK, CHANCE = Alert.CONFLICT_RISK, Alert.RESOLUTION_OPPORTUNITY
LIGHT, DARK = COLOURS[Scheme.LIGHT], COLOURS[Scheme.DARK]


def month_of(trends: Mapping[str, Trend], alerts: Mapping[str, tuple[Alert, ...]] | None = None) -> Contents:
    """A month in which these places have these trends."""
    updates = [
        Update(code, MONTH, trend, "A headline.", (Development("A lead.", ""),), (alerts or {}).get(code, ()))
        for code, trend in trends.items()
    ]
    return assemble(MONTH, updates, gazetteer())


class Seen:
    """An image as it lies on the screen; lengths in CSS pixels."""

    def __init__(self, image: Image) -> None:
        self.pixels = Pillow.open(io.BytesIO(image.data)).convert("RGBA")

    def at(self, x: float, y: float) -> Colour | None:
        """The colour there, None where it is see-through."""
        red, green, blue, alpha = self.pixels.getpixel((int(x * 2), int(y * 2)))
        return (red, green, blue) if alpha else None

    def amount(self, colour: Colour) -> int:
        """How many image pixels have this colour."""
        return {each: count for count, each in self.pixels.getcolors()}.get((*colour, 255), 0)

    def widths(self, colour: Colour, box: tuple[float, float, float, float]) -> list[int]:
        """How much of each row of image pixels in the box has this colour, without the rows that have none."""
        left, top, right, bottom = (int(edge * 2) for edge in box)
        rows = [
            sum(self.pixels.getpixel((x, y)) == (*colour, 255) for x in range(left, right)) for y in range(top, bottom)
        ]
        return [row for row in rows if row]
