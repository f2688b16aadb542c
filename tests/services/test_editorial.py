"""Updates: stored, compared, found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, UpdateState
from newsletter.errors import InvalidUpdate, NotFound, UnknownPlace
from newsletter.services import editorial
from newsletter.services.editorial import Change
from newsletter.storage.tables import CountryUpdate
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, an_update, counted, dump

OCTOBER = NOVEMBER.previous
FULL = an_update(
    "KZ",
    trend=Trend.DETERIORATED,
    alerts=(Alert.RESOLUTION_OPPORTUNITY, Alert.CONFLICT_RISK),
    headline="“Ünïcode” — 中文, emoji 🗞, a\ttab, '; DROP TABLE edition; --",
    developments=tuple(Development(f"Lead {number}.", "One.\n\nTwo *three*.") for number in range(6)),
    quotes=(
        Quote(date(2022, 11, 7), "It matters.", "The Example Courier", "Ada Sample", "Analyst"),
        Quote(date(2022, 11, 8), "It does.", "The Example Courier"),
    ),
    links=(Link(date(2022, 11, 9), "Report", "After the vote", "https://example.org/vote?a=1&b=ü"),),
    state=UpdateState.DRAFT,
)


def store(database, *updates, at=NOW):
    with database.writing() as session:
        return [editorial.store(session, update, now=at) for update in updates]


@pytest.mark.parametrize("update", [FULL, an_update("KASHMIR")], ids=["everything filled in", "the least there is"])
def test_an_update_comes_back_as_it_was_stored(database, update):
    assert store(database, update) == [Change.ADDED]

    with database.reading() as session:
        assert editorial.get(session, update.place, update.month) == update


def test_storing_tells_what_it_did_and_comparing_tells_it_before(database):
    changed = replace(FULL, headline="Other words.")
    steps = [(FULL, Change.ADDED), (FULL, Change.SAME), (changed, Change.CHANGED), (changed, Change.SAME)]
    for step, (update, expected) in enumerate(steps):
        with database.reading() as session:
            assert editorial.compare(session, update) is expected
        assert store(database, update, at=NOW + timedelta(hours=step)) == [expected]

    with database.reading() as session:
        row = session.scalars(select(CountryUpdate)).one()
        assert (row.created_at, row.changed_at) == (NOW, NOW + timedelta(hours=2))


@pytest.mark.parametrize("name", ["kz", "Kazakhstan"])
def test_a_place_by_another_name_is_stored_under_its_code(database, name):
    assert store(database, an_update("KZ"), replace(an_update("KZ"), place=name)) == [Change.ADDED, Change.SAME]


def test_an_unknown_place_is_refused_with_what_comes_close(database):
    before = dump(database)

    with pytest.raises(UnknownPlace, match="Kazakhstan"):
        store(database, an_update("Kazakstan"))
    assert dump(database) == before


def test_an_update_that_breaks_a_rule_is_refused_with_all_that_is_wrong(sqlite):
    bad = an_update("KZ", headline=" ", developments=())
    before = dump(sqlite)

    with pytest.raises(InvalidUpdate, match="KZ 2022-11: the headline is missing; it has 0 developments"):
        store(sqlite, bad)
    assert dump(sqlite) == before


def test_updates_are_found_by_month_and_by_place(database):
    draft = an_update("SD", state=UpdateState.DRAFT)
    kz, older, oldest = (an_update("KZ", month) for month in (NOVEMBER, OCTOBER, Month(2020, 1)))
    early_draft = an_update("KZ", Month(2022, 12), state=UpdateState.DRAFT)
    store(database, draft, oldest, kz, older, early_draft)

    with database.reading() as session:
        assert editorial.of_month(session, NOVEMBER) == [kz, draft]
        assert editorial.of_place(session, "KZ") == [kz, older, oldest]
        assert editorial.of_place(session, "SD") == []
        assert editorial.latest_month(session) == NOVEMBER
        assert editorial.months(session) == [Month(2020, 1), OCTOBER, NOVEMBER, Month(2022, 12)]
        with pytest.raises(NotFound, match="SD has no update for 2022-10"):
            editorial.get(session, "SD", OCTOBER)


def test_without_updates_nothing_is_found(sqlite):
    with sqlite.reading() as session:
        assert editorial.latest_month(session) is None
        assert editorial.months(session) == []
        assert editorial.contents(session, NOVEMBER).entries == ()


def test_contents_leave_drafts_out_and_look_a_year_back(database):
    months = [NOVEMBER]
    while len(months) < 14:
        months.append(months[-1].previous)
    store(database, *(an_update("KZ", month, trend=Trend.IMPROVED) for month in months))
    store(database, an_update("SD", state=UpdateState.DRAFT), an_update("ET", OCTOBER), an_update("ML"))
    store(database, an_update("ML", NOVEMBER.next, trend=Trend.DETERIORATED))

    with counted(database) as statements, database.reading() as session:
        contents = editorial.contents(session, NOVEMBER)

    assert len(statements) == 1
    assert [entry.place.code for entry in contents.entries] == ["ML", "KZ"]
    assert contents.entries[1].strip == (Trend.IMPROVED,) * 12
    assert contents.entries[0].strip == (None,) * 11 + (Trend.UNCHANGED,)
