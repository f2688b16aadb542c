"""The list of places is whole, and each name in it means one place."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from newsletter.domain.place import Region, fold
from newsletter.mail.pictures import world
from newsletter.storage import places, tables

ALL = places.gazetteer().places
ISO = [place for place in ALL if place.iso_numeric]

#: South, north, west and east of each region, in degrees, far-off islands included.
BOUNDS = {
    "central-africa": (-14, 24, 5, 32),
    "east-africa": (-12, 20, 21, 52),
    "southern-africa": (-50, -3, 10, 73),
    "west-africa": (-17, 25, -26, 16),
    "north-east-asia": (21, 54, 73, 146),
    "south-asia": (-1, 39, 60, 98),
    "south-east-asia": (-12, 29, 92, 142),
    "pacific": (-90, 21, -180, 180),
    "central-asia": (35, 56, 46, 88),
    "south-caucasus": (38, 44, 39, 51),
    "eastern-europe": (43, 75, 14, 180),
    "balkans": (39, 47, 13, 29),
    "western-europe": (34, 81, -25, 45),
    "north-america": (14, 84, -170, -20),
    "central-america-caribbean": (7, 27, -93, -59),
    "south-america": (-57, 13, -82, 4),
    "middle-east": (12, 38, 34, 64),
    "north-africa": (20, 38, -18, 37),
}


def test_every_iso_3166_country_is_there():
    assert len(ISO) == 249
    assert len({place.iso_numeric for place in ISO}) == 249
    assert all(re.fullmatch("[A-Z]{2}", place.code) for place in ISO)
    assert all(re.fullmatch("[0-9]{3}", place.iso_numeric) for place in ISO)


def test_a_trackers_other_places_are_there():
    others = {place.code for place in ALL if not place.iso_numeric}

    assert {"KASHMIR", "SOUTH-CHINA-SEA", "XK", "NAGORNO-KARABAKH", "SOMALILAND"} <= others


def test_codes_fit_urls_columns_and_lists():
    codes = [place.code for place in ALL]

    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[A-Z]+(-[A-Z]+)*", code) and len(code) <= 40 for code in codes)
    assert all(len(place.name) <= 100 for place in ALL)


def test_regions_are_in_order_and_none_is_empty():
    regions = places.gazetteer().regions
    [*positions] = [region.position for region in regions]

    assert positions == list(range(1, len(regions) + 1))
    assert len({region.code for region in regions}) == len({region.name for region in regions}) == len(regions)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", region.code) for region in regions)
    assert all(places.gazetteer().within(region) for region in regions)
    assert sum(len(places.gazetteer().within(region)) for region in regions) == len(ALL)


def test_every_name_and_alias_means_one_place():
    names = Counter(name for place in ALL for name in {fold(each) for each in (place.name, *place.aliases)})

    assert [name for name, count in names.items() if count > 1 or not name] == []


def test_no_name_is_anothers_code():
    codes = {fold(place.code): place.code for place in ALL}
    for place in ALL:
        for name in (place.name, *place.aliases):
            assert codes.get(fold(name), place.code) == place.code, name


def test_every_place_is_found_by_code_name_and_alias():
    for place in ALL:
        for name in (place.code, place.code.lower(), place.name, place.name.upper(), *place.aliases):
            assert places.gazetteer().require(name) is place, name


def test_names_are_tidy():
    for place in ALL:
        for name in (place.name, *place.aliases):
            assert name == " ".join(name.split())
            assert name.isprintable()
            assert not set(';|"<>') & set(name), name


def test_the_tables_hold_the_list(database):
    with database.reading() as session:
        stored = session.execute(select(tables.Place.code, tables.Place.name, tables.Place.region_code)).all()
        regions = session.execute(select(tables.Region.code, tables.Region.name, tables.Region.position)).all()

    assert set(map(tuple, stored)) == {(place.code, place.name, place.region.code) for place in ALL}
    assert set(map(tuple, regions)) == {(each.code, each.name, each.position) for each in places.gazetteer().regions}


@pytest.mark.parametrize("region", places.gazetteer().regions, ids=lambda region: region.code)
def test_every_place_has_a_point_in_its_region(region: Region):
    south, north, west, east = BOUNDS[region.code]

    for place in places.gazetteer().within(region):
        assert south <= place.latitude <= north, place
        assert west <= place.longitude <= east, place


def test_no_point_was_left_out_or_given_twice():
    points = Counter((place.latitude, place.longitude) for place in ALL)

    assert points[0.0, 0.0] == 0
    assert [point for point, count in points.items() if count > 1] == []


def test_a_place_with_land_on_the_map_has_its_point_on_it_or_close_by():
    land = {place: [ring for ring in world.rings() if ring.area in world.areas(place)] for place in ALL}
    far = [
        place.name
        for place, rings in land.items()
        if rings and not any(near(ring.points, place.latitude, place.longitude) for ring in rings)
    ]

    assert sum(1 for rings in land.values() if rings) > 170
    assert far == []


def near(outline: Sequence[tuple[float, float]], latitude: float, longitude: float) -> bool:
    """Whether a point is within the outline, or less than one and a half degrees from one of its corners."""
    inside = False
    for (south, west), (north, east) in zip(outline, [*outline[1:], outline[0]], strict=True):
        if (south > latitude) is not (north > latitude):
            inside ^= longitude < west + (east - west) * (latitude - south) / (north - south)
    return inside or any(math.dist(corner, (latitude, longitude)) < 1.5 for corner in outline)
