"""Colours, and whether words in one can be read on another (WCAG 2.2: relative luminance, contrast ratio, 1.4.3)."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable
from dataclasses import dataclass

from newsletter.errors import InvalidInput

READABLE = 4.5  #: the least contrast of text (1.4.3, level AA)
COMFORTABLE = 7.0  #: the same for level AAA (1.4.6)

_STEPS = 1024  #: of lightness, where the nearest one is looked for: four to each that a byte can tell


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour of sRGB, written #rrggbb."""

    red: int  #: each from 0 to 255
    green: int
    blue: int

    @classmethod
    def parse(cls, text: str) -> Colour:
        """Raises InvalidInput."""
        if not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
            raise InvalidInput("write a colour as # and six hexadecimal digits, such as #0b4f8a")
        return cls(*bytes.fromhex(text[1:]))

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """Relative luminance: 0 for black, 1 for white."""
        red, green, blue = (_linear(channel / 255) for channel in (self.red, self.green, self.blue))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(self, other: Colour) -> float:
        """The contrast ratio of the two: from 1 to 21, whichever is the darker one."""
        darker, lighter = sorted((self.luminance, other.luminance))
        return (lighter + 0.05) / (darker + 0.05)

    def darkened_until(self, is_good: Callable[[Colour], bool]) -> Colour:
        """The nearest colour of the same hue that is good and no lighter; black where none is."""
        return self._moved(0.0, is_good)

    def lightened_until(self, is_good: Callable[[Colour], bool]) -> Colour:
        """The nearest colour of the same hue that is good and no darker; white where none is."""
        return self._moved(1.0, is_good)

    def _moved(self, end: float, is_good: Callable[[Colour], bool]) -> Colour:
        hue, lightness, saturation = colorsys.rgb_to_hls(self.red / 255, self.green / 255, self.blue / 255)
        moved = self
        for step in range(1, _STEPS + 1):
            if is_good(moved):
                return moved
            there = lightness + (end - lightness) * step / _STEPS
            moved = Colour(*(round(channel * 255) for channel in colorsys.hls_to_rgb(hue, there, saturation)))
        return moved


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
