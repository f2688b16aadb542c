"""The form beside content: all, regions or countries can be chosen right there; and what the whole form asks back."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from newsletter.domain.update import Alert
from newsletter.services import editorial
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Consent, Subscription
from newsletter.web.forms import EVERYTHING_WORDS
from tests.web.conftest import NOVEMBER, START, Trend, an_update

PAGES = [
    *("/", "/editions", "/places", "/places/KZ", "/places/KZ/2022-10", "/places/FR", "/regions/central-asia"),
    *("/search", "/search?q=deteriorated"),
]
MOST_BYTES = 100_000
MOST_BYTES_OF_THE_LIST = 25_600
EVERYTHING = {"all"} | {region.code for region in gazetteer().regions} | {place.code for place in gazetteer().places}


def boxes(page):
    """Each box of the page with whether it is ticked, in order."""
    return re.findall(r'<input type="checkbox" name="follow" value="([^"]+)"( checked)?>', page)


def otherwise(page):
    return re.findall(r'<input type="hidden" name="otherwise" value="([^"]+)">', page)


def followed(database):
    with database.reading() as session:
        return [each.subject for each in session.scalars(select(Subscription).order_by(Subscription.id))]


@pytest.mark.parametrize("path", PAGES)
def test_each_page_offers_all_regions_and_countries_once(text, path):
    page = text(path)

    offered = [code for code, _ in boxes(page)] + otherwise(page)
    assert len(offered) == len(set(offered))
    assert set(offered) == EVERYTHING
    assert re.search(r'<details class="picker">\s*<summary><span>Choose (other )?countries and regions', page)


@pytest.mark.parametrize(
    ("path", "at_hand"),
    [
        ("/places/KZ", ["KZ", "central-asia", "all"]),
        ("/places/FR", ["FR", "western-europe", "all"]),
        ("/regions/central-asia", ["central-asia", "all"]),
    ],
)
def test_what_the_page_is_about_is_at_hand_and_ticked(text, path, at_hand):
    page = text(path)

    assert [code for code, _ in boxes(page.partition("<details")[0])] == at_hand
    assert [code for code, ticked in boxes(page) if ticked] == at_hand[:1]
    assert otherwise(page) == []


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/", "/subscribe"),
        ("/search?q=KZ", "/subscribe"),
        ("/places/KZ", "/subscribe?follow=KZ"),
        ("/places/FR", "/subscribe?follow=FR"),
        ("/regions/central-asia", "/subscribe?follow=central-asia"),
        ("/editions/2022-11", "/subscribe"),
        ("/editions/2022-11?follow=KZ", "/subscribe?follow=KZ"),
        ("/editions/2022-11?follow=KZ&follow=west-africa", "/subscribe?follow=west-africa&amp;follow=KZ"),
    ],
)
def test_the_link_to_the_whole_form_keeps_what_the_page_is_about(text, approved, path, link):
    page = text(path)

    assert re.findall(r'<a href="([^"]+)"[^>]*>Subscribe</a>', page) == [link, link]
    assert text(link.replace("&amp;", "&")).count(" checked") == link.count("=")


def test_an_edition_offers_regions_and_leads_to_all_countries(text, approved):
    page = text("/editions/2022-11")

    assert [code for code, _ in boxes(page)] == [region.code for region in gazetteer().regions]
    assert otherwise(page) == ["all"]
    assert '<a href="/subscribe">Choose among all countries</a>' in page


def test_an_edition_of_one_country_offers_that_and_keeps_it_for_the_whole_choice(text, approved):
    page = text("/editions/2022-11?follow=KZ")

    assert boxes(page)[:3] == [("KZ", " checked"), ("central-asia", ""), ("all", "")]
    assert len(boxes(page)) == len(gazetteer().regions) + 2
    assert '<a href="/subscribe?follow=KZ">Choose among all countries</a>' in page


def test_an_edition_of_a_digests_many_countries_ticks_none(text, approved):
    many = "&".join(f"follow={place.code}" for place in gazetteer().places[:7])

    assert otherwise(text(f"/editions/2022-11?{many}")) == ["all"]


@pytest.mark.parametrize("path", ["/", "/editions", "/places", "/search"])
def test_on_a_page_about_no_place_nothing_is_ticked_and_it_says_what_that_means(text, path):
    page = text(path)

    assert not any(ticked for _, ticked in boxes(page))
    assert otherwise(page) == ["all"]
    assert EVERYTHING_WORDS in page


def test_who_ticks_nothing_where_that_is_said_to_mean_everything_follows_everything(client, database, text):
    answer = client.post("/subscribe", data={"email": "reader@example.org", "otherwise": "all"})

    assert answer.status_code == 303
    assert followed(database) == ["all"]
    with database.reading() as session:
        words = session.scalars(select(Consent.text)).one()
    assert words.startswith(EVERYTHING_WORDS)
    assert words.removeprefix(EVERYTHING_WORDS).strip() in text("/")


def test_what_is_ticked_wins(client, database):
    client.post("/subscribe", data={"email": "reader@example.org", "otherwise": "all", "follow": ["KZ", "west-africa"]})

    assert followed(database) == ["west-africa", "KZ"]
    with database.reading() as session:
        assert EVERYTHING_WORDS not in session.scalars(select(Consent.text)).one()


@pytest.mark.parametrize(
    ("form", "ticked"),
    [
        ({"otherwise": "all"}, ["all"]),
        ({"otherwise": "all", "follow": ["SD", "KZ"]}, ["SD", "KZ"]),
        ({"follow": ["FR"]}, ["FR"]),
    ],
)
def test_after_an_error_the_choice_stands_ticked_and_can_be_seen(client, form, ticked):
    answer = client.post("/subscribe", data={"email": "reader@", **form})

    assert answer.status_code == 400
    assert 'value="reader@"' in answer.text
    assert {code for code, is_ticked in boxes(answer.text) if is_ticked} == set(ticked)
    if "SD" in ticked:
        assert "<details open>" in answer.text


@pytest.mark.parametrize("otherwise", ["atlantis", "<b>"])
def test_a_forged_default_is_refused_like_any_choice(client, database, otherwise):
    answer = client.post("/subscribe", data={"email": "reader@example.org", "otherwise": otherwise})

    assert answer.status_code == 400
    assert "one of the places isn’t in it" in answer.text
    assert followed(database) == []


@pytest.mark.parametrize("path", PAGES)
def test_the_list_of_places_is_light(text, path):
    places = re.search(r'<details class="picker">.*<ul class="regions">.*?</ul>', text(path), re.DOTALL)

    assert len(places[0].encode()) < MOST_BYTES_OF_THE_LIST


def test_places_without_updates_come_last_in_their_region_and_it_says_so(text):
    region = re.search(r"Places of Central Asia:.*?</details>", text("/"), re.DOTALL)[0]

    covered, _, others = region.partition("No updates so far")
    assert [code for code, _ in boxes(covered)] == ["KZ"]
    assert "UZ" in [code for code, _ in boxes(others)]


def test_what_looks_mistyped_is_asked_back_beside_the_field_and_the_choice_stays(client, database):
    asked = client.post("/subscribe", data={"email": "ada@gmial.com", "follow": ["KZ", "SD"]}).text

    field = re.search(r'<label class="field" for="email">.*?<input id="email"[^>]*>', asked, re.DOTALL)[0]
    assert "Did you mean <strong" in field
    assert 'name="take" value="ada@gmail.com">Yes, use ada@gmail.com</button>' in field
    assert "sending it again keeps it as it is" in field
    assert 'value="ada@gmial.com"' in field
    assert 'aria-describedby="email-suggestion"' in field
    assert [code for code, ticked in boxes(asked) if ticked] == ["SD", "KZ"]
    assert followed(database) == []


def test_the_enter_key_sends_what_is_typed_and_not_what_is_suggested(client):
    asked = client.post("/subscribe", data={"email": "ada@gmial.com", "follow": "KZ"}).text

    first = re.search(r"<button[^>]*>", asked)[0]
    assert 'type="submit"' in first
    assert "name=" not in first


def test_pages_stay_light_when_120_places_have_updates_and_the_list_still_stands_there(database, text):
    headline = "Talks went on while the ceasefire held in most of the country, and the opposition called for a boycott."
    with database.writing() as session:
        for number, place in enumerate(gazetteer().places[-115:]):
            alerts = (Alert.CONFLICT_RISK,) * (number % 6 == 0)
            told = an_update(place.code, NOVEMBER, list(Trend)[number % 3], headline=headline, alerts=alerts)
            editorial.store(session, told, now=START)

    assert text("/places").count('class="marks"') in range(116, 121)
    for path in PAGES:
        assert len(boxes(text(path))) > len(gazetteer().places), path
        assert len(text(path).encode()) < MOST_BYTES, path
