"""The month's board: who is on it, how far each is, what to look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Quote, Trend, UpdateState
from newsletter.services import board, editing, editorial
from newsletter.services.board import BoardState, Order, Wanted
from newsletter.services.warnings import warnings_of
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, an_update, counted

OCTOBER = NOVEMBER.previous
ADA, BEN = "ada@example.org", "ben@example.org"


@pytest.fixture
def month(database):
    """Kazakhstan reviewed, Sudan ready, Ethiopia a draft, Mali missing; Chad a year ago, Cuba before that."""
    with database.writing() as session:
        for code in ("KZ", "SD", "ML"):
            editorial.store(session, an_update(code, OCTOBER, trend=Trend.DETERIORATED), now=NOW)
        editorial.store(session, an_update("TD", Month(2021, 11)), now=NOW)
        editorial.store(session, an_update("CU", Month(2021, 10)), now=NOW)
        editing.save(session, an_update("KZ", developments=(Development("New.", ""),)), seen=0, by=ADA, now=NOW)
        editing.review(session, "KZ", NOVEMBER, seen=1, by=BEN, now=NOW)
        editorial.store(session, an_update("SD", trend=Trend.IMPROVED), now=NOW + timedelta(hours=1))
        draft = an_update("ET", state=UpdateState.DRAFT, headline="Talks in Mekelle.")
        editing.save(session, draft, seen=0, by=BEN, now=NOW + timedelta(hours=2))
    return database


def load(database):
    with database.reading() as session:
        return board.load(session, NOVEMBER, me=0, now=NOW)


def test_every_place_with_an_update_in_the_last_twelve_months_is_on_it(month):
    rows = {row.place.code: row for row in load(month).rows}

    assert {code: row.state for code, row in rows.items()} == {
        "KZ": BoardState.REVIEWED,
        "SD": BoardState.READY,
        "ET": BoardState.DRAFT,
        "ML": BoardState.MISSING,
        "TD": BoardState.MISSING,
    }
    assert rows["ML"].before.trend is Trend.DETERIORATED
    assert rows["TD"].before is None
    assert [code for code, row in rows.items() if row.can_be_carried_over] == ["ML"]
    assert (rows["KZ"].author, rows["KZ"].reviewed_by, rows["KZ"].version) == (ADA, BEN, 1)
    assert (rows["SD"].author, rows["SD"].changed_at) == (None, NOW + timedelta(hours=1))
    assert load(month).counts == {"missing": 2, "draft": 1, "ready": 1, "reviewed": 1}


def test_a_review_is_for_others_than_the_author(month):
    rows = {row.place.code: row for row in load(month).rows}

    assert rows["SD"].may_be_reviewed_by(ADA)
    assert not rows["KZ"].may_be_reviewed_by(BEN)  # it is reviewed
    assert not rows["ET"].may_be_reviewed_by(ADA)  # it is a draft


@pytest.mark.parametrize(
    ("wanted", "codes"),
    [
        (Wanted(), {"KZ", "SD", "ET", "ML", "TD"}),
        (Wanted(state=BoardState.MISSING), {"ML", "TD"}),
        (Wanted(region="central-asia"), {"KZ"}),
        (Wanted(author=BEN), {"ET"}),
        (Wanted(text="ethiop"), {"ET"}),
        (Wanted(text="MEKELLE talks"), {"ET"}),
        (Wanted(text="zz"), set()),
        (Wanted(state=BoardState.READY, region="central-asia"), set()),
    ],
)
def test_the_rows_are_narrowed(month, wanted, codes):
    assert {row.place.code for row in load(month).selected(wanted)} == codes


@pytest.mark.parametrize(
    ("order", "codes"),
    [
        (Order.NAME, ["TD", "ET", "KZ", "ML", "SD"]),
        (Order.CHANGED, ["ET", "SD", "KZ"]),
    ],
)
def test_the_rows_are_sorted(month, order, codes):
    found = [row.place.code for row in load(month).selected(Wanted(order=order))]

    assert found[: len(codes)] == codes


def test_what_is_missing_comes_first_by_state_and_most_warnings_first_by_warnings(month):
    states = [row.state for row in load(month).selected(Wanted(order=Order.STATE))]
    warnings = [len(row.warnings) for row in load(month).selected(Wanted(order=Order.WARNINGS))]

    assert states == sorted(states, key=list(BoardState).index)
    assert warnings == sorted(warnings, reverse=True)
    assert warnings[0] > 0


def test_it_takes_as_many_queries_for_many_places_as_for_few(month):
    with counted(month) as few:
        load(month)
    with month.writing() as session:
        for code in ("FR", "DE", "IT", "ES", "PT", "PL"):
            for each in (OCTOBER, NOVEMBER):
                editorial.store(session, an_update(code, each), now=NOW)
    with counted(month) as many:
        assert len(load(month).rows) == 11

    assert len(few) == len(many) <= 3


def test_an_empty_database_has_an_empty_board(sqlite):
    found = load(sqlite)

    assert found.rows == ()
    with sqlite.reading() as session:
        assert board.newest(session) is None
    assert len(board.uncovered(found)) > 200


BEFORE = an_update("KZ", OCTOBER, alerts=(Alert.CONFLICT_RISK,), headline="Old.")
FINE = an_update(
    "KZ",
    alerts=(Alert.CONFLICT_RISK,),
    headline="New.",
    developments=(Development("Other.", "With [words](https://example.org)."),),
)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"headline": "OLD. "}, "The headline is that of October 2022."),
        ({"developments": BEFORE.developments}, "The developments are those of October 2022, word for word."),
        ({"alerts": ()}, "October 2022 had a Conflict Risk Alert; now there is none."),
        ({"quotes": (Quote(date(2022, 11, 1), "x", " "),)}, "Quote 1 names no outlet."),
        ({"quotes": (Quote(date(2022, 11, 1), "", "y"),)}, "Quote 1 has no words."),
        (
            {"developments": (Development("x", "![A bridge](https://example.org/a.png)"),)},
            "Development 1 has an image, which mails and pages don’t show; link to it.",
        ),
    ],
)
def test_each_thing_to_look_at_is_told_once(changes, warning):
    assert warnings_of(FINE, BEFORE) == ()
    assert warnings_of(replace(FINE, **changes), BEFORE) == (warning,)


def test_an_image_without_alt_text_is_asked_for_it():
    told = warnings_of(replace(FINE, developments=(Development("x", "![](https://example.org/a.png)"),)), None)

    assert "An image in development 1 has no alt text: write it in the brackets, ![like this](…)." in told


def test_a_trend_that_changes_without_a_new_word_is_told():
    told = warnings_of(replace(FINE, trend=Trend.IMPROVED, developments=BEFORE.developments), BEFORE)

    assert "The trend is another one than in October 2022, and nothing says why." in told
