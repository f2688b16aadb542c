"""Places are found the way that people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.domain.place import Gazetteer, Place, Region, fold
from newsletter.errors import UnknownPlace
from newsletter.storage import places

WEST, EAST = Region("west", "West", 2), Region("east", "East", 1)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("KZ", "KZ", id="a code"),
        pytest.param("kz", "KZ", id="a code in small letters"),
        pytest.param("  KZ\n", "KZ", id="a code with white space"),
        pytest.param("south-china-sea", "SOUTH-CHINA-SEA", id="the code of what is no country"),
        pytest.param("Kazakhstan", "KZ", id="a name"),
        pytest.param("KAZAKHSTAN", "KZ", id="a name in capitals"),
        pytest.param("south sudan", "SS", id="a name of two words"),
        pytest.param("South   Sudan", "SS", id="more space than needed"),
        pytest.param("Turkey", "TR", id="a former name"),
        pytest.param("Turkiye", "TR", id="a name without its accent"),
        pytest.param("Cote d'Ivoire", "CI", id="a straight apostrophe and no accent"),
        pytest.param("CÔTE D’IVOIRE", "CI", id="a curly apostrophe and capitals"),
        pytest.param("Ivory Coast", "CI", id="another name"),
        pytest.param("Aland Islands", "AX", id="a ring left out"),
        pytest.param("A\u030aland Islands", "AX", id="a ring of its own"),
        pytest.param("Bosnia–Herzegovina", "BA", id="a dash"),
        pytest.param("Bosnia & Herzegovina", "BA", id="a sign for a word"),
        pytest.param("DRC", "CD", id="an abbreviation"),
    ],
)
def test_a_place_is_found_by_what_people_call_it(name, code):
    assert places.gazetteer().require(name).code == code


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="nothing"),
        pytest.param("  ", id="blanks"),
        pytest.param("!?", id="signs alone"),
        pytest.param("ß", id="a letter whose capital is two, SS"),
        pytest.param("ﬁ", id="a ligature whose capital is FI"),
        pytest.param("КZ", id="a Cyrillic letter that looks like one of the code"),
        pytest.param("KZ\0", id="a NUL"),
        pytest.param("Sudan South", id="words in another order"),
    ],
)
def test_what_is_no_place_is_not_found(name):
    assert places.gazetteer().find(name) is None


@pytest.mark.parametrize(
    ("name", "suggestions"),
    [
        pytest.param("Kazakstan", ("Kazakhstan",), id="a letter left out"),
        pytest.param("Sudann", ("Sudan",), id="a letter too many"),
        pytest.param("Kyrgystan", ("Kyrgyzstan",), id="a letter left out in the middle"),
        pytest.param("Atlantis", (), id="nothing comes close"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_names_that_come_close(name, suggestions):
    with pytest.raises(UnknownPlace) as unknown:
        places.gazetteer().require(name)

    assert unknown.value.suggestions[:1] == suggestions[:1]
    assert unknown.value.name == name
    told = str(unknown.value)
    assert told.startswith(f"no place is called {name!r}")
    assert ("did you mean" in told) if suggestions else ("newsletter places list" in told)


def test_a_place_is_suggested_once_however_many_of_its_names_come_close():
    found = Gazetteer([Place("CI", "Ivory Coast", WEST, aliases=("The Ivory Coast", "Ivory Coasts"))])

    with pytest.raises(UnknownPlace) as unknown:
        found.require("Ivory Coats")
    assert unknown.value.suggestions == ("Ivory Coast",)


def test_a_name_wins_over_an_alias():
    found = Gazetteer([Place("A", "Sudan", WEST), Place("B", "Elsewhere", WEST, aliases=("Sudan",))])

    assert found.require("Sudan").code == "A"


def test_places_come_by_region_and_then_by_name():
    found = Gazetteer(
        [
            Place("A", "Zealand", EAST),
            Place("B", "Åland", WEST),
            Place("C", "Austria", WEST),
            Place("D", "Egypt", EAST),
        ]
    )

    assert [place.code for place in found.places] == ["D", "A", "B", "C"]
    assert found.regions == (EAST, WEST)
    assert [place.code for place in found.within(WEST)] == ["B", "C"]


def test_a_code_is_got_only_as_it_is_written():
    assert places.gazetteer().get("kz") is None
    assert places.gazetteer().get("KZ").name == "Kazakhstan"


@pytest.mark.parametrize(
    ("code", "latitude", "longitude"),
    [
        pytest.param("KZ", 48, 67, id="north and east"),
        pytest.param("BR", -11, -53, id="south and west"),
        pytest.param("KASHMIR", 34, 76, id="no country"),
        pytest.param("SOUTH-CHINA-SEA", 12, 114, id="no land"),
        pytest.param("VA", 42, 12, id="hardly any land"),
    ],
)
def test_a_place_knows_where_it_is(code, latitude, longitude):
    place = places.gazetteer().require(code)

    assert (place.latitude, place.longitude) == (pytest.approx(latitude, abs=1), pytest.approx(longitude, abs=1))


@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_place_or_none(text):
    found = places.gazetteer().find(text)

    assert found is None or found in places.gazetteer().places
