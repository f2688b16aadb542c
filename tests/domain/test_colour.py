"""Colours: WCAG's contrast, and the nearest colour of the same hue that can be read."""

from __future__ import annotations

import colorsys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter.domain.colour import READABLE, Colour
from newsletter.errors import InvalidInput

BLACK, WHITE = Colour(0, 0, 0), Colour(255, 255, 255)
COLOURS = st.builds(Colour, *[st.integers(0, 255)] * 3)


def hue(colour: Colour) -> float:
    return colorsys.rgb_to_hls(colour.red / 255, colour.green / 255, colour.blue / 255)[0]


def test_a_colour_is_read_and_written():
    assert Colour.parse("#0B4f8a") == Colour(0x0B, 0x4F, 0x8A)
    assert str(Colour.parse("#0B4f8a")) == "#0b4f8a"


@pytest.mark.parametrize(
    "text", ["", "#0b4f8", "#0b4f8a0", "0b4f8a", "#0b4f8g", "#fff", "blue", "#0b4f8a\n", "#０b4f8a"]
)
def test_what_is_no_colour_is_told(text):
    with pytest.raises(InvalidInput, match="write a colour as # and six hexadecimal digits, such as #0b4f8a"):
        Colour.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "contrast"),
    [
        pytest.param("#000000", "#ffffff", 21.0, id="the largest"),
        pytest.param("#0b4f8a", "#0b4f8a", 1.0, id="the smallest"),
        pytest.param("#767676", "#ffffff", 4.54, id="the lightest grey that is readable on white"),
        pytest.param("#777777", "#ffffff", 4.48, id="and the next one"),
        pytest.param("#ff0000", "#ffffff", 4.00, id="red"),
        pytest.param("#0000ff", "#ffffff", 8.59, id="blue"),
        pytest.param("#00ff00", "#ffffff", 1.37, id="green"),
    ],
)
def test_contrast_is_that_of_wcag(one, other, contrast):
    assert Colour.parse(one).contrast(Colour.parse(other)) == pytest.approx(contrast, abs=0.005)


@given(COLOURS, COLOURS)
def test_contrast_is_the_same_both_ways(one, other):
    assert 1 <= one.contrast(other) == other.contrast(one) <= 21


@given(COLOURS, st.floats(READABLE, 20))
def test_the_nearest_colour_is_good_and_of_the_same_hue(colour, needed):
    for ground, found in (
        (WHITE, colour.darkened_until(lambda each: each.contrast(WHITE) >= needed)),
        (BLACK, colour.lightened_until(lambda each: each.contrast(BLACK) >= needed)),
    ):
        assert found.contrast(ground) >= needed
        if max(colour.red, colour.green, colour.blue) - min(colour.red, colour.green, colour.blue) < 64:
            continue  # of a colour that is nearly grey, rounding to bytes moves the hue
        if max(found.red, found.green, found.blue) - min(found.red, found.green, found.blue) < 64:
            continue
        turn = abs(hue(found) - hue(colour))
        assert min(turn, 1 - turn) < 0.02


@given(COLOURS)
def test_a_good_colour_stays_as_it_is(colour):
    assume(colour.contrast(WHITE) >= READABLE)

    assert colour.darkened_until(lambda each: each.contrast(WHITE) >= READABLE) == colour


@given(COLOURS)
def test_no_nearer_colour_would_do(colour):
    found = colour.darkened_until(lambda each: each.contrast(WHITE) >= READABLE)
    assume(found != colour)

    assert found.contrast(WHITE) < READABLE * 1.03


def test_where_no_colour_is_good_it_ends():
    assert Colour(120, 10, 10).darkened_until(lambda _: False) == BLACK
    assert Colour(120, 10, 10).lightened_until(lambda _: False) == WHITE
