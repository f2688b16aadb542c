"""The public pages, as anybody reads them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from newsletter.domain.month import Month
from newsletter.domain.update import Trend
from newsletter.services import editions, editorial
from newsletter.storage.tables import CountryUpdate
from newsletter.web import create_app
from newsletter.web.database import db
from tests.web.conftest import NOVEMBER, START, an_update


def test_home_shows_the_latest_month_by_group_with_words_beside_colours(text):
    page = text("/")

    assert "November 2022 at a glance" in page
    order = [page.index(words) for words in ("Alerts for the month", "Deteriorated situations", "Unchanged situations")]
    assert order == sorted(order)
    assert 'href="/places/SD"' in page
    assert "Conflict Risk Alert" in page
    assert "SD had a deteriorated month." in page


def test_home_without_updates_says_so_and_offers_the_form(settings, sqlite):
    app = create_app(settings)

    page = app.test_client().get("/")

    assert page.status_code == 200
    assert "Nothing is published yet" in page.text
    assert 'action="/subscribe"' in page.text
    with app.app_context():
        db.engine.dispose()


def test_places_are_listed_by_region_with_their_latest_trend(text):
    page = text("/places")

    assert page.index("West Africa") < page.index("Central Asia")
    assert page.index("Kashmir") > 0
    assert "October 2022" in page  # Kashmir's newest is older than the others'


def test_a_place_page_keeps_the_order_of_its_parts(text):
    page = text("/places/KZ").partition("<main")[2]

    parts = [
        "<h1>Kazakhstan",
        "Unchanged</span>",
        "KZ had a unchanged month.",
        "Talks were held.",
        "They went <em>well</em> enough.",
        "The last 12 months",
        "In the news",
        "It matters.",
        "Latest updates",
        "After the vote",
        "Subscribe to Email Updates",
        "Earlier months",
    ]
    found = [page.index(part) for part in parts]
    assert found == sorted(found)
    assert 'value="KZ" checked' in page


def test_the_strip_tells_each_month_in_words(text):
    page = text("/places/KZ")

    assert "September 2022: Unchanged" in page
    assert "October 2022: Deteriorated" in page
    assert "December 2021: no update" in page


def test_an_earlier_month_of_a_place_links_to_the_latest(text):
    page = text("/places/KZ/2022-10")

    assert "KZ had a deteriorated month." in page
    assert "Read the latest update" in page


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("/places/kz", "/places/KZ"),
        ("/places/kazakhstan", "/places/KZ"),
        ("/places/kz/2022-10", "/places/KZ/2022-10"),
        ("/regions/Central-Asia", "/regions/central-asia"),
    ],
)
def test_another_way_to_write_an_address_leads_to_the_canonical_one(client, asked, canonical):
    response = client.get(asked)

    assert (response.status_code, response.location) == (301, canonical)


@pytest.mark.parametrize(
    "path",
    [
        "/places/XX",
        "/places/KZ/2020-01",
        "/places/KZ/2022-13",
        "/places/FR/2022-11",
        "/regions/atlantis",
        "/editions/2022-11",
        "/editions/never",
        "/nothing",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert "Page not found" in response.text


def test_a_place_without_updates_has_a_page_with_the_form(text):
    page = text("/places/FR")

    assert "There is no update on France so far" in page
    assert 'value="FR" checked' in page


def test_a_region_shows_its_places_and_offers_itself_to_follow(text):
    page = text("/regions/central-asia")

    assert "KZ had a unchanged month." in page
    assert 'value="central-asia" checked' in page


def test_a_draft_edition_is_not_in_the_archive(client, database):
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=START)

    assert client.get("/editions/2022-11").status_code == 404
    assert "November" not in client.get("/editions").text


def test_a_released_edition_is_in_the_archive_as_it_was_approved(text, database, approved):
    with database.writing() as session:
        editorial.store(session, an_update("KZ", NOVEMBER, editorial.get(session, "KZ", NOVEMBER).trend), now=START)
        session.query(CountryUpdate).filter_by(place_code="SD").update({"headline": "Changed since."})

    assert 'href="/editions/2022-11"' in text("/editions")
    page = text("/editions/2022-11")
    assert 'href="#SD"' in page
    assert 'id="SD"' in page
    assert "SD had a deteriorated month." in page
    assert "Changed since." not in page


def test_a_draft_update_is_nowhere_public(text, database):
    secret = "Not ready for anybody."
    with database.writing() as session:
        session.query(CountryUpdate).filter_by(place_code="ML").update({"state": "draft", "headline": secret})

    for path in ("/", "/places", "/places/ML", "/regions/west-africa"):
        assert secret not in text(path)


def test_an_edition_shows_only_what_is_asked_for(text, approved):
    page = text("/editions/2022-11?follow=KZ&follow=east-africa&follow=nowhere")

    shown = set(re.findall(r'<article class="entry" id="([A-Z]+)"', page))
    assert "KZ" in shown
    assert "ML" not in shown
    assert 'href="/editions/2022-11">Read the whole edition' in page
    assert '<link rel="canonical" href="https://updates.example.org/editions/2022-11">' in page


@pytest.mark.parametrize("query", ["", "?follow=all", "?follow=nowhere", "?follow="])
def test_an_edition_is_shown_whole_unless_something_is_chosen(text, approved, query):
    page = text(f"/editions/2022-11{query}")

    assert len(re.findall(r'<article class="entry"', page)) == 4
    assert "Read the whole edition" not in page


def test_an_edition_without_the_places_that_are_asked_for_says_so(text, approved):
    assert "0 places of 4" in text("/editions/2022-11?follow=FR")


def test_what_is_chosen_of_an_edition_may_be_kept_as_well(client, approved):
    response = client.get("/editions/2022-11?follow=KZ")

    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in response.headers


def test_the_map_has_each_place_as_a_link_with_its_trend_and_alerts_in_words(text):
    page = text("/").partition("<svg viewBox")[2].partition("</figure>")[0]

    assert '<title id="map-title">World map for November 2022</title>' in page
    assert re.search("Deteriorated: (Mali and Sudan|Sudan and Mali)[.]", page)
    assert 'href="/places/SD" tabindex="-1"><title>Sudan: Deteriorated, Conflict Risk Alert</title>' in page
    assert "<title>Ethiopia: Improved, Resolution Opportunity</title>" in page
    assert "<title>Kazakhstan: Unchanged</title>" in page


def test_home_leads_to_the_latest_edition(text, approved):
    assert '<a href="/editions/2022-11">Read November 2022 in full</a>' in text("/")


def test_a_month_of_the_strip_leads_to_its_page(text):
    page = text("/places/KZ")

    assert '<a class="cell" href="/places/KZ/2022-10"' in page
    assert '<a class="cell" href="/places/KZ/2022-11"' not in page


def test_months_of_long_ago_are_named_in_one_line_a_year(text, database):
    month = NOVEMBER
    with database.writing() as session:
        for _ in range(40):
            editorial.store(session, an_update("ML", month, Trend.UNCHANGED), now=START)
            month = month.previous

    page = text("/places/ML")
    assert 'href="/places/ML/2019-08">August: Unchanged</a>' in page
    assert len(page.encode()) < 100_000


@pytest.mark.parametrize("path", ["/", "/places", "/places/KZ", "/regions/central-asia"])
def test_an_edit_of_another_process_shows_after_fifty_milliseconds(text, database, clock, path):
    text(path)
    clock.pass_by(timedelta(seconds=1))
    before = text(path)
    with database.writing() as session:
        edited = an_update("KZ", NOVEMBER, Trend.DETERIORATED, headline="Edited.")
        editorial.store(session, edited, now=clock())

    clock.pass_by(timedelta(milliseconds=50))
    after = text(path)
    assert after.count("Deteriorated") > before.count("Deteriorated")


def test_a_page_that_was_kept_is_the_same_as_one_that_was_made(client):
    made, kept = client.get("/places/KZ"), client.get("/places/KZ")

    assert kept.data == made.data
    assert [each for each in kept.headers if each[0] != "Date"] == [each for each in made.headers if each[0] != "Date"]


def test_a_kept_page_that_its_reader_has_is_not_sent_again(client):
    client.get("/places/KZ")
    tag = client.get("/places/KZ").headers["ETag"]

    again = client.get("/places/KZ", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client.get("/places/KZ", headers={"If-None-Match": '"other"'}).status_code == 200


def test_words_behind_a_question_mark_neither_use_nor_fill_what_is_kept(text, approved):
    part = text("/editions/2022-11?follow=KZ")
    whole = text("/editions/2022-11")

    assert len(part) < len(whole)
    assert text("/editions/2022-11?follow=KZ") == part


def test_a_change_that_leaves_no_time_shows_within_a_minute(text, database, clock):
    text("/places/KZ")
    with database.writing() as session:
        session.query(CountryUpdate).filter_by(place_code="KZ").update({"headline": "Changed by hand."})

    clock.pass_by(timedelta(minutes=1))
    assert "Changed by hand." in text("/places/KZ")


def test_health_answers_while_the_database_does(client):
    response = client.get("/healthz")

    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_robots_are_kept_from_the_pages_behind_tokens(text):
    lines = text("/robots.txt").splitlines()

    assert {"Disallow: /confirm/", "Disallow: /manage/", "Disallow: /unsubscribe/"} <= set(lines)


def test_a_month_in_an_address_is_read_as_a_month(app):
    urls = app.url_map.bind("x")

    assert urls.match("/editions/2022-11") == ("site.edition", {"month": Month(2022, 11)})
