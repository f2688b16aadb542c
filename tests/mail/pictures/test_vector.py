"""The map as shapes: each place once, with its words, and small enough for a page."""

from __future__ import annotations

import re

import pytest

from newsletter.domain.edition import assemble
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Trend, Update
from newsletter.mail.pictures import vector
from newsletter.storage.places import gazetteer

NOVEMBER = Month(2022, 11)


def the_map(*told):
    updates = [
        Update(place, NOVEMBER, trend, "Headline.", (Development("Lead.", ""),), alerts)
        for place, trend, alerts in told
    ]
    return vector.draw(assemble(NOVEMBER, updates, gazetteer()))


def by_place(drawn):
    return {spot.entry.place.code: spot for spot in drawn.spots}


def test_a_place_has_its_land_its_sign_and_its_words():
    spot = by_place(the_map(("SD", Trend.DETERIORATED, (Alert.CONFLICT_RISK,))))["SD"]

    assert re.fullmatch(r"(M-?\d+ -?\d+l[-\d ]+z)+", spot.land)
    assert spot.has_sign
    assert spot.label == "Sudan: Deteriorated, Conflict Risk Alert"


def test_land_that_is_large_and_unchanged_speaks_for_itself_and_what_is_small_has_a_dot():
    found = by_place(the_map(("KZ", Trend.UNCHANGED, ()), ("MV", Trend.UNCHANGED, ())))

    assert not found["KZ"].has_sign
    assert found["MV"].has_sign
    assert found["MV"].land == ""


def test_a_part_with_an_update_of_its_own_has_its_own_land():
    whole = by_place(the_map(("UA", Trend.DETERIORATED, ())))["UA"]
    parted = by_place(the_map(("UA", Trend.DETERIORATED, ()), ("CRIMEA", Trend.UNCHANGED, ())))

    assert parted["CRIMEA"].land
    assert parted["CRIMEA"].land in whole.land
    assert parted["CRIMEA"].land not in parted["UA"].land


def test_alerts_are_drawn_over_changes_and_these_over_the_rest():
    drawn = the_map(
        ("ET", Trend.IMPROVED, (Alert.RESOLUTION_OPPORTUNITY,)),
        ("KZ", Trend.UNCHANGED, ()),
        ("ML", Trend.DETERIORATED, ()),
    )

    assert [spot.entry.place.code for spot in drawn.spots] == ["KZ", "ML", "ET"]


@pytest.mark.parametrize("trend", Trend)
def test_a_map_of_every_place_is_small_and_has_all_signs_inside(trend):
    both = (Alert.CONFLICT_RISK, Alert.RESOLUTION_OPPORTUNITY)
    drawn = the_map(*((place.code, trend, both) for place in gazetteer().places))

    assert len(drawn.land + "".join(spot.land for spot in drawn.spots)) < 25_000
    assert len(drawn.spots) == len(gazetteer().places)
    assert all(20 <= spot.x <= drawn.width - 20 and 20 <= spot.y <= drawn.height - 20 for spot in drawn.spots)
