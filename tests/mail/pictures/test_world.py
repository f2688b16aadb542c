"""The land is whole, each piece belongs to a place, and a point of it lies where a map has it."""

from __future__ import annotations

import math
from importlib.resources import files

import pytest

from newsletter.mail.pictures import atlas, world
from newsletter.mail.pictures.projection import HALF_WIDTH, WEST_EDGE, project
from newsletter.storage.places import gazetteer

RINGS = world.rings()


def areas() -> set[str]:
    return {ring.area for ring in RINGS}


def test_every_piece_of_land_belongs_to_a_place():
    assert areas() <= {area for place in gazetteer().places for area in world.areas(place)}
    assert len(areas()) > 170


def test_antarctica_is_left_out():
    assert "010" not in areas()
    assert min(latitude for ring in RINGS for latitude, _ in ring.points) > -60


def test_no_land_is_torn_by_the_maps_edge():
    for ring in RINGS:
        longitudes = [longitude for _, longitude in ring.points]
        assert min(longitudes) >= WEST_EDGE
        assert max(longitudes) <= WEST_EDGE + 360
        assert max(longitudes) - min(longitudes) < 0.8 * 360


def test_every_ring_encloses_something():
    assert all(len(set(ring.points)) >= 3 for ring in RINGS)


def test_crimea_and_somaliland_are_parts_that_can_stand_alone():
    for whole, part in (("UA", "CRIMEA"), ("SO", "SOMALILAND")):
        assert part in areas()
        assert part in world.areas(gazetteer().require(whole))
        assert world.areas(gazetteer().require(part)) == (part,)


def test_borders_lie_between_neighbours_and_are_there_once():
    pairs = [frozenset(border.areas) for border in world.borders()]

    assert all(len(pair) == 2 for pair in pairs)
    assert {frozenset(("398", "643")), frozenset(("710", "426")), frozenset(("504", "732"))} <= set(pairs)
    assert frozenset(("643", "840")) not in pairs  # Russia and the United States have water between them
    segments = [
        frozenset(segment)
        for border in world.borders()
        for segment in zip(border.points, border.points[1:], strict=False)
    ]
    assert len(segments) == len(set(segments))


def test_the_file_is_small_and_names_its_licence():
    folder = files("newsletter.mail.pictures")

    assert len((folder / "world.json").read_bytes()) < 60_000
    licence = (folder / "world.LICENSE.txt").read_text(encoding="utf-8")
    assert "Natural Earth" in licence
    assert "Michael Bostock" in licence


@pytest.mark.parametrize(
    ("latitude", "longitude", "x", "y"),
    [
        pytest.param(0, 11.5, 0, 0, id="the centre"),
        pytest.param(0, 101.5, HALF_WIDTH / 2, 0, id="a quarter round"),
        pytest.param(90, 11.5, 0, 1.3523, id="the north pole"),
        pytest.param(-90, 11.5, 0, -1.3523, id="the south pole"),
        pytest.param(45, 101.5, 0.8962 * HALF_WIDTH / 2, 0.5571 * 1.3523, id="a parallel of the table"),
        pytest.param(-42.5, -78.5, -0.9089 * HALF_WIDTH / 2, -0.52645 * 1.3523, id="between two parallels"),
        pytest.param(0, 181.5, HALF_WIDTH / 2 * 170 / 90, 0, id="beyond the date line"),
        pytest.param(0, -178.5, HALF_WIDTH / 2 * 170 / 90, 0, id="the same, counted westward"),
    ],
)
def test_a_point_lies_where_robinsons_table_has_it(latitude, longitude, x, y):
    assert project(latitude, longitude) == (pytest.approx(x), pytest.approx(y))


SQUARE = [(0, 0), (1000, 0), (0, 1000), (-1000, 0), (0, -1000)]  # closed, in steps


def made(geometry: dict[str, object], *arcs: list[tuple[int, int]]) -> dict[str, list[list[int]]]:
    """What world.json would hold of one country whose arcs are in hundredths of a degree."""
    return atlas.rings_by_area(
        {
            "transform": {"scale": (0.01, 0.01), "translate": (0.0, 0.0)},
            "arcs": list(arcs),
            "objects": {"countries": {"geometries": [{"properties": {"name": "A"}, "id": "001", **geometry}]}},
        }
    )


def corners(steps: list[int]) -> list[tuple[float, float]]:
    return [(longitude, latitude) for latitude, longitude in world._walk(steps)]


def test_the_atlas_keeps_a_ring_as_its_corners():
    [ring] = made({"type": "Polygon", "arcs": [[0]]}, SQUARE)["001"]

    assert sorted(corners(ring)) == [(0, 0), (0, 10), (10, 0), (10, 10)]


def test_the_atlas_turns_an_arc_round_where_a_neighbour_uses_it():
    there, back = [(0, 0), (1000, 0), (0, 1000)], [(0, 0), (0, 1000), (1000, 0)]
    [ring] = made({"type": "MultiPolygon", "arcs": [[[0, -2]]]}, there, back)["001"]

    assert sorted(corners(ring)) == [(0, 0), (0, 10), (10, 0), (10, 10)]


def test_the_atlas_leaves_out_corners_that_nobody_would_see():
    [ring] = made({"type": "Polygon", "arcs": [[0]]}, [(0, 0), (500, 1), (500, -1), *SQUARE[2:]])["001"]

    assert len(corners(ring)) == 4


def test_the_atlas_goes_into_a_hole_and_back():
    hole = [(300, 300), (0, 300), (300, 0), (0, -300), (-300, 0)]
    [ring] = made({"type": "Polygon", "arcs": [[0], [1]]}, SQUARE, hole)["001"]
    line = corners(ring)
    area = sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(line, line[1:] + line[:1], strict=True)) / 2

    assert abs(area) == pytest.approx(10 * 10 - 3 * 3)


def test_the_atlas_gives_western_sahara_what_lies_south_of_its_border():
    square = [(-1000, 2000), (1000, 0), (0, 1500), (-1000, 0), (0, -1500)]
    parts = made({"type": "Polygon", "arcs": [[0]], "id": "504"}, square)

    assert {latitude for _, latitude in corners(parts["504"][0])} == {27.67, 35}
    assert {latitude for _, latitude in corners(parts["732"][0])} == {20, 27.67}


def test_the_atlas_leaves_out_what_is_a_point_or_goes_round_the_pole():
    wide = [(-16000, 6000), (31000, 0), (0, 1000), (-31000, 0), (0, -1000)]

    assert made({"type": "Polygon", "arcs": [[0]]}, [(0, 0), (0, 0)]) == {}
    assert made({"type": "Polygon", "arcs": [[0]]}, wide) == {}
    assert math.isclose(WEST_EDGE, -168.5)
