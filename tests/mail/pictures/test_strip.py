"""A strip shows twelve trends by colour and shape, and says them in runs."""

from __future__ import annotations

import pytest

from newsletter.domain.month import Month
from newsletter.mail.pictures import strip
from newsletter.mail.pictures.picture import Scheme
from tests.mail.pictures.seen import BETTER, DARK, LIGHT, MONTH, SAME, WORSE, Seen

MIXED = (WORSE, WORSE, SAME, SAME, BETTER, SAME, None, WORSE, BETTER, BETTER, SAME, WORSE)


def tile(number: int) -> tuple[float, float, float, float]:
    return number * strip.STEP, 0, (number + 1) * strip.STEP, strip.HEIGHT


@pytest.mark.parametrize("scheme", Scheme)
def test_each_month_has_its_trends_colour(scheme):
    picture = strip.draw(MONTH, MIXED)
    seen, colours = (Seen(picture.light), LIGHT) if scheme is Scheme.LIGHT else (Seen(picture.dark), DARK)

    for number, trend in enumerate(MIXED):
        others = [each for each in (WORSE, BETTER, SAME) if each is not trend]
        assert trend is None or seen.widths(colours.trends[trend], tile(number))
        assert not any(seen.widths(colours.trends[each], tile(number)) for each in others)


def test_each_trend_has_a_shape_of_its_own():
    seen = Seen(strip.draw(MONTH, MIXED).light)
    down, up = seen.widths(LIGHT.ground, tile(0)), seen.widths(LIGHT.ground, tile(4))
    level, nothing = seen.widths(LIGHT.trends[SAME], tile(2)), seen.widths(LIGHT.quiet, tile(6))

    assert down == sorted(down, reverse=True) != up == sorted(up)
    assert level == [16] * 4
    assert nothing == [4] * 4


def test_the_newest_month_is_taller():
    seen = Seen(strip.draw(MONTH, (WORSE,) * 12).light)
    heights = [len(seen.widths(LIGHT.trends[WORSE], tile(number))) for number in range(12)]

    assert heights == [24] * 11 + [32]


def test_it_is_sharp_on_dense_screens():
    picture = strip.draw(MONTH, MIXED)

    assert (picture.width, picture.height) == (192, 16)
    assert Seen(picture.light).pixels.size == Seen(picture.dark).pixels.size == (384, 32)


def test_equal_trends_give_the_same_file_in_any_month():
    one, other = strip.draw(MONTH, MIXED), strip.draw(Month(2024, 2), MIXED)

    assert (one.light, one.dark) == (other.light, other.dark)
    assert one.alt != other.alt
    assert strip.draw(MONTH, MIXED[::-1]).light.name != one.light.name


@pytest.mark.parametrize(
    ("trends", "most"),
    [
        pytest.param((SAME,) * 12, 200, id="unchanged throughout"),
        pytest.param((SAME,) * 5 + (WORSE,) + (SAME,) * 6, 250, id="one change"),
        pytest.param((None,) * 10 + (WORSE, BETTER), 300, id="a new place"),
        pytest.param(MIXED, 400, id="much change"),
    ],
)
def test_a_file_is_a_few_hundred_bytes(trends, most):
    picture = strip.draw(MONTH, trends)

    assert max(len(picture.light.data), len(picture.dark.data)) <= most


@pytest.mark.parametrize(
    ("trends", "words"),
    [
        pytest.param((SAME,) * 12, "unchanged throughout.", id="one run"),
        pytest.param(
            (SAME,) * 5 + (WORSE,) + (SAME,) * 6,
            "unchanged until April, deteriorated in May, unchanged since June.",
            id="one change",
        ),
        pytest.param((None,) * 11 + (BETTER,), "no update until October, improved in November.", id="a new place"),
        pytest.param(
            (WORSE,) + (SAME,) * 2 + (BETTER,) * 3 + (WORSE,) * 6,
            "deteriorated in December, unchanged in January and February, improved from March to May, "
            "deteriorated since June.",
            id="runs of one, two and three months",
        ),
    ],
)
def test_it_is_told_in_runs(trends, words):
    assert strip.draw(MONTH, trends).alt == f"Trend since December 2021: {words}"
