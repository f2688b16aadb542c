"""Search over updates: what is found, in which order, and that no text can break it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update

from newsletter.domain.update import Alert, Development, Link, Quote, Trend, UpdateState
from newsletter.services import editorial
from newsletter.services.search import Piece, search
from newsletter.storage.tables import CountryUpdate, Place
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, an_update

RIVER = an_update(
    "SD",
    trend=Trend.DETERIORATED,
    alerts=(Alert.CONFLICT_RISK,),
    headline="Fighting spread along the river.",
    developments=(Development("A ceasefire broke.", "The *armies* left [the talks](https://example.org) in Jeddah."),),
    quotes=(Quote(NOW.date(), "Nobody was warned.", "The Example Courier", "Ada Sample"),),
    links=(Link(NOW.date(), "Report", "Erdoğan’s visit", "https://example.org/report"),),
)
PEACE = an_update("ET", headline="Talks on peace went on.", developments=(Development("The river rose.", ""),))


def store(database, *updates):
    with database.writing() as session:
        for each in updates:
            editorial.store(session, each, now=NOW)


def found(database, words, **part):
    with database.reading() as session:
        return search(session, words, **({"limit": 20, "offset": 0} | part))


def codes(database, words, **part):
    return [hit.place.code for hit in found(database, words, **part).hits]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("river", id="the headline"),
        pytest.param("RIVERS", id="another case and number"),
        pytest.param("armies Jeddah", id="several words of a text"),
        pytest.param("ceasefire", id="a lead sentence"),
        pytest.param("warned Courier", id="a quote and its outlet"),
        pytest.param('"Ada Sample"', id="who said it"),
        pytest.param("Erdoğan", id="a link's title"),
        pytest.param("erdogan", id="without its accents"),
        pytest.param("Sudan", id="the place"),
    ],
)
def test_an_update_is_found_by_each_of_its_texts(database, words):
    store(database, RIVER)

    assert codes(database, words) == ["SD"]


def test_all_words_are_wanted_and_quoted_ones_together(database):
    store(database, RIVER, PEACE)

    assert codes(database, "river peace") == ["ET"]
    assert codes(database, '"on peace"') == ["ET"]
    assert codes(database, '"peace talks"') == []


def test_the_headline_weighs_more_than_the_rest(database):
    store(database, RIVER, PEACE)

    assert codes(database, "river") == ["SD", "ET"]
    assert codes(database, "talks") == ["ET", "SD"]


def test_what_was_found_is_set_apart_and_markdown_is_taken_out(database):
    store(database, RIVER)

    [hit] = found(database, "river armies").hits
    assert (hit.month, hit.trend, hit.alerts) == (NOVEMBER, Trend.DETERIORATED, (Alert.CONFLICT_RISK,))
    assert hit.headline == (Piece("Fighting spread along the ", False), Piece("river", True), Piece(".", False))
    assert Piece("armies", True) in hit.passage
    whole = "".join(piece.text for piece in hit.passage)
    assert "The armies left the talks in Jeddah." in whole


def test_pages_part_what_was_found(database):
    months = [NOVEMBER]
    while len(months) < 5:
        months.append(months[-1].previous)
    store(database, *(replace(RIVER, month=month) for month in months))

    first, second = (found(database, "river", limit=3, offset=offset) for offset in (0, 3))
    assert (first.total, second.total) == (5, 5)
    assert [hit.month for hit in first.hits + second.hits] == months
    assert found(database, "river", limit=3, offset=6).hits == ()


def test_a_draft_is_not_found_until_it_is_ready(database):
    store(database, replace(RIVER, state=UpdateState.DRAFT))
    assert found(database, "river").total == 0

    store(database, RIVER)
    assert codes(database, "river") == ["SD"]


def test_the_index_follows_every_change_whoever_makes_it(database):
    store(database, RIVER)

    with database.writing() as session:
        session.execute(update(CountryUpdate).values(headline="Nothing of the kind."))
        session.get_one(Place, "SD").name = "Both Sudans"
    assert codes(database, "fighting") == []
    assert codes(database, "kind both") == ["SD"]

    with database.writing() as session:
        session.get_one(Place, "SD").name = "Sudan"
        session.execute(delete(CountryUpdate))
    assert found(database, "kind").total == 0
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM update_search")) == 0


def test_a_text_of_any_length_can_be_stored(database):
    long = " ".join(f"word{number}" for number in range(150_000))
    store(database, replace(RIVER, developments=(Development("Much.", long),)))

    assert codes(database, "word77") == ["SD"]


@pytest.mark.parametrize(
    "words",
    ["", " ", '"', '""', "'", "*", "a*", "-river", "NEAR(", "AND", "river AND", "a:b", "^", "{", "\\", "%", "_", "\x00",
     "\x01\x02", "\ud800", "the", "🗞", "river\x00", "'; DROP TABLE edition; --", '"unclosed', "(" * 300, "x" * 5000,
     "ﬁ", "ا", "中文", "e\u0301", "river!", "a b c d e f g h i j k l m n o p"],
)  # fmt: skip
def test_no_text_breaks_it(database, words):
    store(database, RIVER)

    assert found(database, words).total in (0, 1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=40))
def test_no_text_at_all_breaks_it(database, words):
    assert found(database, words).total == 0
