"""The files that we write are what Pillow reads."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from newsletter.mail.pictures import png
from newsletter.mail.pictures.colour import COLOURS
from newsletter.mail.pictures.picture import Scheme

PALETTE = COLOURS[Scheme.LIGHT].palette


@given(st.integers(1, 9), st.integers(1, 5), st.data())
def test_every_pixel_is_read_back(width, height, data):
    numbers = data.draw(st.lists(st.integers(0, 15), min_size=width * height, max_size=width * height))
    picture = Image.new("P", (width, height))
    picture.putdata([number % len(PALETTE) for number in numbers])

    read = Image.open(io.BytesIO(png.encode(picture, PALETTE)))
    read.load()

    assert read.size == (width, height)
    expected = [
        (0, 0, 0, 0) if not number % len(PALETTE) else (*PALETTE[number % len(PALETTE)], 255) for number in numbers
    ]
    seen = [read.convert("RGBA").getpixel((x, y)) for y in range(height) for x in range(width)]
    assert [each if each[3] else (0, 0, 0, 0) for each in seen] == expected


def test_palettes_fit_four_bits_and_name_each_colour_once():
    for colours in COLOURS.values():
        assert len(colours.palette) == len(set(colours.palette)) <= 16
