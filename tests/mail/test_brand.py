"""A publisher's own look: colours that can be read, a logo where mails find it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.domain.colour import Colour
from newsletter.errors import InvalidInput
from newsletter.mail import brand
from newsletter.mail.brand import Brand
from newsletter.mail.links import Links
from newsletter.mail.pictures.picture import Image, Picture, PictureMode
from tests.mail import publisher

COLOURS = st.builds(Colour, *[st.integers(0, 255)] * 3).map(str)
LIGHT, DARK = Image.named("logo", b"light"), Image.named("logo", b"dark", "jpeg")
PUBLICATION = replace(publisher.PUBLICATION, links=Links("https://updates.example.org/news", publisher.TOKENS))


def contrast(colour: str, ground: str) -> float:
    return Colour.parse(colour).contrast(Colour.parse(ground))


@pytest.mark.parametrize(
    ("colour", "told"),
    [
        pytest.param(
            "#ffcc00",
            "#ffcc00 on the paper #faf8f5 has a contrast of 1.4, and links need 4.5; #8b6f00 has it",
            id="yellow",
        ),
        pytest.param(
            "#FFFFFF",
            "#ffffff on white #ffffff has a contrast of 1.0, and links and the words of buttons need 4.5; "
            "#727272 has it",
            id="white",
        ),
        pytest.param(
            "#737373",
            "#737373 on the paper #faf8f5 has a contrast of 4.4, and links need 4.5; #727272 has it",
            id="nearly enough is not told as enough",
        ),
    ],
)
def test_a_colour_that_can_not_be_read_on_light_paper_is_refused_with_one_that_can(colour, told):
    with pytest.raises(InvalidInput) as refused:
        brand.read_accent(colour)

    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("colour", "told"),
    [
        pytest.param(
            "#0b4f8a",
            "#0b4f8a on the raised dark paper #1d2025 has a contrast of 1.9, and links need 4.5; #1689ec has it",
            id="blue",
        ),
        pytest.param(
            "#000000",
            "#000000 on the dark paper #14161a has a contrast of 1.1, and links and the words of buttons need 4.5; "
            "#878787 has it",
            id="black",
        ),
    ],
)
def test_a_colour_that_can_not_be_read_on_dark_paper_is_refused_with_one_that_can(colour, told):
    with pytest.raises(InvalidInput) as refused:
        brand.read_accent_dark(colour)

    assert str(refused.value) == told


@pytest.mark.parametrize("read", [brand.read_accent, brand.read_accent_dark])
@given(colour=COLOURS)
def test_what_is_proposed_is_always_accepted(read, colour):
    try:
        accepted = read(colour)
    except InvalidInput as refused:
        proposed = re.search(r"; (#[0-9a-f]{6}) has it$", str(refused))[1]
        assert read(proposed) == proposed
    else:
        assert accepted == colour


@given(COLOURS)
def test_what_is_accepted_can_be_read_wherever_it_is_shown(colour):
    for read, grounds in (
        (brand.read_accent, ("#faf8f5", "#ffffff")),
        (brand.read_accent_dark, ("#14161a", "#1d2025")),
    ):
        is_readable = all(contrast(colour, ground) >= 4.5 for ground in grounds)
        if is_readable:
            assert read(colour) == colour
        else:
            with pytest.raises(InvalidInput):
                read(colour)


@given(COLOURS)
def test_a_colour_for_dark_paper_is_made_from_any_other(colour):
    made = brand.accent_dark_of(colour)

    assert brand.read_accent_dark(made) == made
    if colour != brand.ACCENT:
        assert contrast(made, "#1d2025") >= 7, "light enough to be read with ease"


def test_the_house_has_a_pair_of_its_own():
    assert brand.read_accent(brand.ACCENT) == Brand().accent
    assert brand.read_accent_dark(brand.ACCENT_DARK) == Brand().accent_dark == brand.accent_dark_of(brand.ACCENT)


@pytest.mark.parametrize(
    ("logo", "images"),
    [
        pytest.param(None, (), id="no logo"),
        pytest.param(Picture(LIGHT, None, "x", 100, 50), (LIGHT,), id="one for both papers"),
        pytest.param(Picture(LIGHT, DARK, "x", 100, 50), (LIGHT, DARK), id="one for each"),
    ],
)
def test_a_brand_knows_its_files(logo, images):
    assert Brand(logo=logo).images() == images


def test_a_hosted_logo_is_below_the_sites_address():
    assert PUBLICATION.logo_image(DARK) == f"https://updates.example.org/news/brand/{DARK.name}"
    assert re.fullmatch(r"logo-[0-9a-f]{10}\.jpeg", DARK.name)


def test_a_logo_in_the_message_is_named_by_its_part():
    publication = replace(PUBLICATION, pictures=PictureMode.INLINE)

    assert publication.logo_image(LIGHT) == f"cid:{publication.content_id(LIGHT)}"
    assert publication.logo_image(LIGHT) != publication.logo_image(DARK)
    assert re.fullmatch(r"cid:logo-[0-9a-f]{10}@example\.org", publication.logo_image(LIGHT))
