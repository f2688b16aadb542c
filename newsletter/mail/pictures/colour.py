"""The colours of the pictures: the house's own, in its light and its dark version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from newsletter.domain.update import Alert, Trend
from newsletter.mail.pictures.picture import Scheme

Colour = tuple[int, int, int]  #: red, green and blue, 0 to 255


@dataclass(frozen=True, slots=True)
class Colours:
    """What a picture is painted with."""

    paper: Colour  #: what the mail lies on; see-through in the file
    ground: Colour  #: under a sign, so that it stands out from what it lies on; never see-through
    land: Colour  #: where nothing is told
    quiet: Colour  #: land of places that are unchanged: most are, and what changed should be seen first
    trends: Mapping[Trend, Colour]
    alerts: Mapping[Alert, Colour]

    @property
    def palette(self) -> tuple[Colour, ...]:
        """At most 16 colours: the pure ones, and for smooth edges half-way to the paper.

        The coast of the land where nothing is told does without: it is too faint to look jagged, and smooth it would
        take a third of the file.
        """
        told = (self.quiet, *self.trends.values(), *self.alerts.values())
        return self.paper, self.ground, self.land, *told, *(_half_way(each, self.paper) for each in told)

    def reduce(self, painting: Image.Image) -> Image.Image:
        """The painting in the palette's colours alone, each pixel in the nearest."""
        palette = self.palette
        holder = Image.new("P", (1, 1))
        # What a palette lacks Pillow fills up with black, which it then paints with.
        filled = (palette + palette[:1] * 256)[:256]
        holder.putpalette([value for colour in filled for value in colour])
        return painting.quantize(palette=holder, dither=Image.Dither.NONE)


def _rgb(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _half_way(one: Colour, other: Colour) -> Colour:
    red, green, blue = ((a + b) // 2 for a, b in zip(one, other, strict=True))
    return red, green, blue


COLOURS: Mapping[Scheme, Colours] = {
    Scheme.LIGHT: Colours(
        paper=_rgb("#faf8f5"),
        ground=_rgb("#ffffff"),
        land=_rgb("#e3ded6"),
        quiet=_rgb("#9a9ca0"),
        trends={
            Trend.DETERIORATED: _rgb("#a8201a"),
            Trend.IMPROVED: _rgb("#00616f"),
            Trend.UNCHANGED: _rgb("#5b5f66"),
        },
        alerts={Alert.CONFLICT_RISK: _rgb("#7a4100"), Alert.RESOLUTION_OPPORTUNITY: _rgb("#175a2c")},
    ),
    Scheme.DARK: Colours(
        paper=_rgb("#14161a"),
        ground=_rgb("#08090b"),
        land=_rgb("#2b2f36"),
        quiet=_rgb("#6d727a"),
        trends={
            Trend.DETERIORATED: _rgb("#ff8f85"),
            Trend.IMPROVED: _rgb("#66cfdd"),
            Trend.UNCHANGED: _rgb("#b4b8bf"),
        },
        alerts={Alert.CONFLICT_RISK: _rgb("#ffcb7a"), Alert.RESOLUTION_OPPORTUNITY: _rgb("#93d8a6")},
    ),
}
