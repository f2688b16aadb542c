"""The last months' trends of one place in a row of tiles: the oldest left, the newest a little taller.

Most places stay unchanged for long, so there are few different rows: each is made once a process.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby

from PIL import Image as Painting
from PIL import ImageDraw

from newsletter.domain.month import Month
from newsletter.domain.update import Trend
from newsletter.mail.pictures import png
from newsletter.mail.pictures.colour import COLOURS
from newsletter.mail.pictures.picture import Image, Picture, Scheme

STEP = 16  #: CSS pixels from one month to the next
HEIGHT = 16
_DENSITY = 2  #: image pixels to a CSS pixel

# Image pixels from here on. Every edge lies between two pixels, or steps two down for one across: sharp without being
# smoothed, which makes small files.
_WIDTH = STEP * _DENSITY
_GAP = 2  #: on both sides of a tile
_LOWER = 4  #: above and below the tiles of earlier months
_HALF = 8  #: of an arrow's height and width, and of a level bar's width


def draw(month: Month, trends: Sequence[Trend | None]) -> Picture:
    """The trends up to `month`, oldest first; None where there was no update. Equal trends give the same images."""
    light, dark = (_image(tuple(trends), scheme) for scheme in Scheme)
    return Picture(light, dark, describe(month, trends), STEP * len(trends), HEIGHT)


@cache
def _image(trends: tuple[Trend | None, ...], scheme: Scheme) -> Image:
    row = Painting.new("P", (_WIDTH * len(trends), HEIGHT * _DENSITY))
    for number, trend in enumerate(trends):
        row.paste(_tile(trend, scheme, newest=number == len(trends) - 1), (number * _WIDTH, 0))
    return Image.named("strip", png.encode(row, COLOURS[scheme].palette))


@cache
def _tile(trend: Trend | None, scheme: Scheme, *, newest: bool) -> Painting.Image:
    """One month, each pixel the number of a colour."""
    colours = COLOURS[scheme]
    height = HEIGHT * _DENSITY
    tile = Painting.new("RGB", (_WIDTH, height), colours.paper)
    canvas = ImageDraw.Draw(tile)
    top = 0 if newest else _LOWER
    box = (_GAP, top, _WIDTH - _GAP - 1, height - top - 1)
    x, y = _WIDTH // 2, height // 2
    if trend is None:
        canvas.rectangle((x - 2, y - 2, x + 1, y + 1), fill=colours.quiet)
    elif trend is Trend.UNCHANGED:
        canvas.rectangle(box, fill=colours.land)
        canvas.rectangle((x - _HALF, y - 2, x + _HALF - 1, y + 1), fill=colours.trends[trend])
    else:
        canvas.rectangle(box, fill=colours.trends[trend])
        for row in range(2 * _HALF):
            half = _HALF - row // 2
            down = y - _HALF + row if trend is Trend.DETERIORATED else y + _HALF - 1 - row
            canvas.line((x - half, down, x + half - 1, down), fill=colours.ground)
    return colours.reduce(tile)


def describe(month: Month, trends: Sequence[Trend | None]) -> str:
    """The row in words, equal months together."""
    months = [month]
    for _ in trends[1:]:
        months.insert(0, months[0].previous)
    runs = [
        (trend, [each for each, _ in run])
        for trend, run in groupby(zip(months, trends, strict=True), key=lambda pair: pair[1])
    ]
    told = [f"{_word(trend)} {_when(run, first=run[0] == months[0], last=run[-1] == month)}" for trend, run in runs]
    return f"Trend since {months[0].name}: {', '.join(told)}."


def _when(run: Sequence[Month], *, first: bool, last: bool) -> str:
    start, end = (each.name.split()[0] for each in (run[0], run[-1]))
    if first and last:
        return "throughout"
    if len(run) == 1:
        return f"in {start}"
    if first:
        return f"until {end}"
    if last:
        return f"since {start}"
    return f"in {start} and {end}" if len(run) == 2 else f"from {start} to {end}"


def _word(trend: Trend | None) -> str:
    return trend.value if trend else "no update"
