"""The page of search: a form that works by GET, what it found, and no text that breaks it."""

from __future__ import annotations

import re

import pytest

from newsletter.services import editorial
from tests.web.conftest import NOVEMBER, START, Trend, an_update
from tests.web.test_security import INJECTION


def fill(database, count):
    with database.writing() as session:
        month = NOVEMBER
        for _ in range(count):
            month = month.previous
            editorial.store(session, an_update("FR", month, Trend.UNCHANGED, headline="Harvest came in."), now=START)


def test_the_form_stands_there_before_anything_was_searched(text):
    page = text("/search")

    assert re.search(r'<form [^>]*action="/search" method="get"', page)
    assert "found" not in page.partition("<main")[2]


def test_what_is_found_leads_to_its_month_with_the_words_set_apart(text):
    page = text("/search?q=deteriorated+sudan")

    assert 'value="deteriorated sudan"' in page
    assert "1 update" in page
    assert '<a href="/places/SD/2022-11">Sudan, November 2022</a>' in page
    assert "SD had a <mark>deteriorated</mark> month." in page
    assert "Conflict Risk Alert" in page


def test_a_place_is_offered_by_the_beginning_of_its_name(text):
    page = text("/search?q=niger")

    assert '<a href="/places/NE">Niger</a>' in page
    assert '<a href="/places/NG">Nigeria</a>' in page


def test_nothing_found_says_what_to_do(text):
    page = text("/search?q=unheardof")

    assert "No update found" in page
    assert "Try fewer of them" in page
    assert 'value="unheardof"' in page


def test_many_are_shown_in_pages_of_twenty(text, database):
    fill(database, 45)

    first, last = text("/search?q=harvest"), text("/search?q=harvest&page=3")
    assert "45 updates" in first
    assert "1 to 20" in first
    assert first.count("<mark>Harvest</mark>") == 20
    assert 'href="/search?q=harvest&amp;page=2"' in first
    assert "41 to 45" in last
    assert "Next page" not in last
    assert "There is no page 4" in text("/search?q=harvest&page=4")


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "1e9", "9" * 30, "1 OR 1", "%00"])
def test_a_page_that_is_no_number_is_the_first_or_the_last(client, database, page):
    fill(database, 3)

    assert client.get(f"/search?q=harvest&page={page}").status_code == 200


@pytest.mark.parametrize(
    "query", ["%00", "%ff%fe", "%ed%a0%80", "%22", "'", "a*", "NEAR(", "-", "AND+OR", "%5c", "q" * 5000, "%F0%9F%97%9E"]
)
def test_no_text_breaks_the_page(client, query):
    assert client.get(f"/search?q={query}").status_code == 200


def test_what_is_searched_and_found_is_shown_as_text(client, database):
    with database.writing() as session:
        editorial.store(session, an_update("FR", NOVEMBER, Trend.UNCHANGED, headline=INJECTION), now=START)

    for query in (INJECTION, "script", "alert"):
        page = client.get("/search", query_string={"q": query}).text
        assert "<script>" not in page
        assert "<img" not in page


def test_search_works_on_postgresql(postgresql, make_settings, clock):
    from newsletter.web import create_app
    from newsletter.web.database import db
    from tests.web import conftest

    conftest.fill(postgresql)
    app = create_app(make_settings(database_url=postgresql.url), clock=clock)

    assert "SD had a <mark>deteriorated</mark> month." in app.test_client().get("/search?q=deteriorated").text
    with app.app_context():
        db.engine.dispose()
