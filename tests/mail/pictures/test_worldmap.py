"""The map shows the month: land by its trend, an arrow where something changed, a ring or a square for alerts."""

from __future__ import annotations

import math
import subprocess
import sys
from functools import cache

import pytest

from newsletter.cli.updates import sample_readings
from newsletter.domain.edition import Contents, assemble
from newsletter.mail.pictures import worldmap
from newsletter.mail.pictures.picture import Picture, Scheme
from newsletter.storage.places import gazetteer
from tests.mail.crowd import crowded_contents
from tests.mail.pictures.seen import BETTER, CHANCE, DARK, LIGHT, MONTH, RISK, SAME, WORSE, Seen, month_of

#: Far from its neighbours, and without land on the map: Pitcairn, the Maldives, Bermuda.
ISLANDS = ("PN", "MV", "BM")


def sample() -> Contents:
    return assemble(MONTH, [reading.update for reading in sample_readings()], gazetteer())


@cache
def drawn(*trends: tuple[str, object], alerts: tuple[tuple[str, tuple[object, ...]], ...] = ()) -> Picture:
    return worldmap.draw(month_of(dict(trends), dict(alerts)))


def home(code: str) -> tuple[float, float]:
    place = gazetteer().require(code)
    return worldmap.position(place.latitude, place.longitude)


def around(code: str, radius: float) -> tuple[float, float, float, float]:
    x, y = home(code)
    return x - radius, y - radius, x + radius, y + radius


@pytest.mark.parametrize("scheme", Scheme)
def test_land_has_the_colour_of_its_trend(scheme):
    picture = drawn(("BR", WORSE), ("CN", BETTER), ("AU", SAME))
    seen, colours = (Seen(picture.light), LIGHT) if scheme is Scheme.LIGHT else (Seen(picture.dark), DARK)

    assert seen.at(*worldmap.position(-5, -60)) == colours.trends[WORSE]
    assert seen.at(*worldmap.position(42, 88)) == colours.trends[BETTER]
    assert seen.at(*worldmap.position(-25, 125)) == colours.quiet
    assert seen.at(*worldmap.position(63, 110)) == colours.land  # Russia, of which nothing is told


def test_the_sea_is_see_through():
    seen = Seen(drawn(("BR", WORSE)).light)

    assert seen.at(*worldmap.position(0, -30)) is None
    assert seen.at(0, 0) is None


def test_trends_differ_by_shape_and_not_by_colour_alone():
    seen = Seen(drawn(*zip(ISLANDS, (WORSE, BETTER, SAME), strict=True)).light)
    down, up, dot = (
        seen.widths(LIGHT.trends[trend], around(code, 8))
        for code, trend in zip(ISLANDS, (WORSE, BETTER, SAME), strict=True)
    )

    assert down == sorted(down, reverse=True)
    assert down[0] > 12 > down[-1]
    assert up == sorted(up)
    assert up[-1] > 12 > up[0]
    assert max(dot) == dot[len(dot) // 2] > max(dot[0], dot[-1])


def test_alerts_differ_by_shape_and_stand_around_the_trends_sign():
    seen = Seen(
        drawn(*zip(ISLANDS, (WORSE, BETTER, SAME), strict=True), alerts=(("PN", (RISK,)), ("MV", (CHANCE,)))).light
    )
    ring, square = LIGHT.alerts[RISK], LIGHT.alerts[CHANCE]

    def at(code: str, radius: float, degrees: float) -> object:
        x, y = (round(each) for each in home(code))
        angle = math.radians(degrees)
        return seen.at(x + radius * math.cos(angle), y + radius * math.sin(angle))

    assert [at("PN", 7, degrees) for degrees in range(0, 360, 45)] == [ring] * 8
    assert [at("MV", 9, degrees) for degrees in range(0, 360, 90)] == [square] * 4
    assert [at("MV", 6.5, degrees) for degrees in range(45, 360, 90)] == [square] * 4
    assert at("PN", 0, 0) == LIGHT.trends[WORSE]
    assert at("MV", 0, 0) == LIGHT.trends[BETTER]
    assert seen.widths(ring, around("BM", 15)) == seen.widths(square, around("BM", 15)) == []


def test_both_alerts_of_a_place_are_seen():
    seen = Seen(drawn(("PN", SAME), alerts=(("PN", (RISK, CHANCE)),)).light)

    for colour in (*LIGHT.alerts.values(), LIGHT.trends[SAME]):
        assert len(seen.widths(colour, around("PN", 18))) > 8


def test_a_place_without_land_on_the_map_is_seen_all_the_same():
    seen = Seen(drawn(("BM", SAME)).light)

    assert seen.at(*home("BM")) == LIGHT.trends[SAME]


def test_large_land_that_is_unchanged_needs_no_dot():
    seen = Seen(drawn(("KZ", SAME)).light)

    assert seen.at(*home("KZ")) == LIGHT.quiet


def test_a_part_with_an_entry_of_its_own_is_not_painted_as_the_whole():
    inland = worldmap.position(9.9, 43.6)  # in Somaliland, beside its sign
    whole = Seen(drawn(("SO", WORSE)).light)
    part = Seen(drawn(("SO", WORSE), ("SOMALILAND", SAME)).light)

    assert whole.at(*inland) == LIGHT.trends[WORSE]
    assert part.at(*inland) == LIGHT.quiet


@pytest.mark.parametrize("code", ["AQ", "TO", "NZ", "SJ", "UM"])
def test_a_sign_at_the_edge_is_whole(code):
    both = (RISK, CHANCE)
    seen = Seen(drawn((code, WORSE), alerts=((code, both),)).light)
    whole = Seen(drawn(("PN", WORSE), alerts=(("PN", both),)).light)

    for colour in (LIGHT.alerts[RISK], LIGHT.alerts[CHANCE]):
        assert seen.amount(colour) == whole.amount(colour) > 0


def test_it_is_sharp_on_dense_screens_and_fits_the_column():
    picture = worldmap.draw(sample())

    assert picture.width == 640
    for image in (picture.light, picture.dark):
        assert Seen(image).pixels.size == (2 * picture.width, 2 * picture.height)


def test_the_files_are_small():
    picture = worldmap.draw(sample())
    assert max(len(picture.light.data), len(picture.dark.data)) < 13_000

    crowded = worldmap.draw(crowded_contents(200))
    assert max(len(crowded.light.data), len(crowded.dark.data)) < 30_000


def test_the_same_month_gives_the_same_bytes_in_another_process():
    code = (
        "from newsletter.mail.pictures import worldmap\n"
        "from tests.mail.crowd import crowded_contents\n"
        "picture = worldmap.draw(crowded_contents(40))\n"
        "print(picture.light.name, picture.dark.name)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    picture = worldmap.draw(crowded_contents(40))
    assert ran.stdout.split() == [picture.light.name, picture.dark.name]
    assert picture.light.name != picture.dark.name


def test_a_month_without_updates_has_a_map_too():
    picture = worldmap.draw(Contents(MONTH, ()))

    assert picture.alt == "World map for November 2022: 0 places."
    assert Seen(picture.light).at(*worldmap.position(63, 110)) == LIGHT.land
