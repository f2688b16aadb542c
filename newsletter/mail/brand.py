"""What makes a publication's mails its own: colours, logo and words, set by configuration.

A publisher's colour is that of links and buttons, so it must be readable on each paper that they lie on, and the words
of a button on it. One that is not is refused, with the nearest one that is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.domain.colour import COMFORTABLE, READABLE, Colour
from newsletter.errors import InvalidInput
from newsletter.mail.pictures.picture import Image, Picture

ACCENT = "#0b4f8a"
ACCENT_DARK = "#8fbcf5"


@dataclass(frozen=True, slots=True)
class Brand:
    """The look of one publisher; the defaults are the house's own."""

    accent: str = ACCENT  #: of links and buttons, on light paper
    accent_dark: str = ACCENT_DARK  #: the same on dark paper
    logo: Picture | None = None  #: above the masthead; its alt text names the publisher
    footer: str = ""  #: words at the end of every mail, before the postal address

    def images(self) -> tuple[Image, ...]:
        """The files that mails show for it."""
        if self.logo is None:
            return ()
        return (self.logo.light,) if self.logo.dark is None else (self.logo.light, self.logo.dark)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the publisher's colour lies on; the words of a button are in the same pair, turned round."""

    name: str
    colour: Colour
    what: str  #: is to be read

    def told(self, accent: Colour) -> str:
        # Cut, not rounded: 4.46 must not look as if it were enough.
        found = math.floor(accent.contrast(self.colour) * 10) / 10
        return f"{accent} on {self.name} {self.colour} has a contrast of {found}, and {self.what} need {READABLE}"


_LIGHT = (
    _Ground("the paper", Colour.parse("#faf8f5"), "links"),
    _Ground("white", Colour.parse("#ffffff"), "links and the words of buttons"),
)
_DARK = (
    _Ground("the dark paper", Colour.parse("#14161a"), "links and the words of buttons"),
    _Ground("the raised dark paper", Colour.parse("#1d2025"), "links"),
)


def read_accent(text: str) -> str:
    """A colour that can be read on light paper. Raises InvalidInput, which proposes one."""
    accent = Colour.parse(text.strip())
    _require(accent, accent.darkened_until(lambda each: _is_readable(each, _LIGHT)), _LIGHT)
    return str(accent)


def read_accent_dark(text: str) -> str:
    """A colour that can be read on dark paper. Raises InvalidInput, which proposes one."""
    accent = Colour.parse(text.strip())
    _require(accent, accent.lightened_until(lambda each: _is_readable(each, _DARK)), _DARK)
    return str(accent)


def accent_dark_of(accent: str) -> str:
    """The same hue for dark paper, light enough to be read with ease; the house's own pair is kept."""
    if accent == ACCENT:
        return ACCENT_DARK
    return str(Colour.parse(accent).lightened_until(lambda each: _is_readable(each, _DARK, COMFORTABLE)))


def _is_readable(accent: Colour, grounds: Sequence[_Ground], needed: float = READABLE) -> bool:
    return all(accent.contrast(ground.colour) >= needed for ground in grounds)


def _require(accent: Colour, readable: Colour, grounds: Sequence[_Ground]) -> None:
    """Raise InvalidInput unless the nearest readable colour is the one that was given."""
    if accent != readable:
        worst = min(grounds, key=lambda ground: accent.contrast(ground.colour))
        raise InvalidInput(f"{worst.told(accent)}; {readable} has it")
