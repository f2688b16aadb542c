"""The list of places is whole, and each name in it means one place."""

from __future__ import annotations

import re
from collections import Counter

from sqlalchemy import select

from newsletter.domain.place import fold
from newsletter.storage import places, tables

ALL = places.gazetteer().places
ISO = [place for place in ALL if place.iso_numeric]


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
