"""What a subscriber can follow, brought into one order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.domain import subject
from newsletter.errors import InvalidInput
from newsletter.storage.places import gazetteer

CODES = [place.code for place in gazetteer().places] + [region.code for region in gazetteer().regions]


@pytest.mark.parametrize(
    ("codes", "subjects"),
    [
        pytest.param(["KZ"], ("KZ",), id="a place"),
        pytest.param([" KZ ", ""], ("KZ",), id="white space and an empty field"),
        pytest.param(["SD", "KZ"], ("SD", "KZ"), id="places come by region"),
        pytest.param(["KZ", "SD"], ("SD", "KZ"), id="in whatever order they were given"),
        pytest.param(["KZ", "KZ"], ("KZ",), id="none comes twice"),
        pytest.param(["KZ", "west-africa"], ("west-africa", "KZ"), id="regions come first"),
        pytest.param(["KZ", "central-asia"], ("central-asia",), id="a region makes its places needless"),
        pytest.param(["central-asia", "SD", "UZ"], ("central-asia", "SD"), id="and leaves other places"),
        pytest.param(["KZ", "west-africa", "all"], ("all",), id="all makes everything else needless"),
        pytest.param(["KASHMIR"], ("KASHMIR",), id="a place that is no country"),
    ],
)
def test_a_selection_is_brought_into_order(codes, subjects):
    assert subject.parse(codes, gazetteer()) == subjects


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        pytest.param([], "choose all updates, or at least one region or country", id="nothing"),
        pytest.param(["", " "], "choose all updates", id="only empty fields"),
        pytest.param(["ALL"], "'ALL' is neither 'all', nor a region, nor a place", id="all in capitals"),
        pytest.param(["kz"], "'kz' is neither", id="a code in small letters"),
        pytest.param(["Kazakhstan"], "'Kazakhstan' is neither", id="a name"),
        pytest.param(["KZ;SD"], "'KZ;SD' is neither", id="two codes in one"),
        pytest.param(["KZ", "XX"], "'XX' is neither", id="one good and one bad"),
        pytest.param(["all", "XX"], "'XX' is neither", id="a bad one beside all"),
        pytest.param(["x\r\ny"], r"'x\\r\\ny' is neither", id="line breaks stay out of the message"),
    ],
)
def test_a_wrong_code_is_refused(codes, message):
    with pytest.raises(InvalidInput, match=message):
        subject.parse(codes, gazetteer())


def test_a_long_code_is_cut_in_the_message():
    with pytest.raises(InvalidInput) as refused:
        subject.parse(["x" * 100_000], gazetteer())

    assert len(str(refused.value)) < 100


@pytest.mark.parametrize(
    ("subjects", "covered"),
    [
        (("all",), True),
        (("central-asia",), True),
        (("KZ",), True),
        (("west-africa", "KZ"), True),
        (("UZ",), False),
        (("west-africa",), False),
        ((), False),
    ],
)
def test_who_follows_kazakhstan(subjects, covered):
    assert subject.covers(subjects, "KZ", "central-asia") is covered


@pytest.mark.parametrize(
    ("code", "name"),
    [("all", "all countries"), ("central-asia", "Central Asia"), ("KZ", "Kazakhstan"), ("GONE", "GONE")],
)
def test_what_a_reader_calls_a_subject(code, name):
    assert subject.name(code, gazetteer()) == name


@settings(deadline=None)
@given(st.lists(st.sampled_from([*CODES, "all"]), min_size=1, max_size=8))
def test_a_selection_is_kept_and_covers_what_was_asked_for(codes):
    subjects = subject.parse(codes, gazetteer())

    assert subject.parse(subjects, gazetteer()) == subjects
    assert subject.split(subject.join(subjects)) == subjects
    for place in gazetteer().places:
        assert subject.covers(codes, place.code, place.region.code) == subject.covers(
            subjects, place.code, place.region.code
        )


def test_nothing_stored_is_nothing_followed():
    assert subject.split("") == ()
