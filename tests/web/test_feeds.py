"""Feeds and what programs read of the site: valid by their formats, stable, absolute, and safe."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from sqlalchemy import delete, update

from newsletter.domain.update import Development, UpdateState
from newsletter.services import editorial
from newsletter.storage.tables import CountryUpdate, UpdateVersion
from tests.web.conftest import BASE_URL, NOVEMBER, START, UPDATES, Trend, an_update
from tests.web.test_security import INJECTION

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = ["/feed", "/regions/central-asia/feed", "/places/KZ/feed"]


def atom(text, path):
    """The feed, parsed."""
    return ElementTree.fromstring(text(f"{path}.atom").encode())


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/feed", {f"{each.place}/{each.month}" for each in UPDATES}),
        ("/regions/central-asia/feed", {"KZ/2022-11", "KZ/2022-10", "KZ/2022-09"}),
        ("/places/SD/feed", {"SD/2022-11", "SD/2022-10"}),
    ],
)
def test_both_formats_have_the_same_entries(text, path, ids):
    wanted = {f"{BASE_URL}/places/{each}" for each in ids}

    assert {entry.findtext(f"{ATOM}id") for entry in atom(text, path).iter(f"{ATOM}entry")} == wanted
    assert {item["id"] for item in json.loads(text(f"{path}.json"))["items"]} == wanted


@pytest.mark.parametrize("path", FEEDS)
def test_an_atom_feed_has_what_the_rfc_wants(text, client, path):
    feed = atom(text, path)

    assert client.get(f"{path}.atom").mimetype == "application/atom+xml"
    assert feed.findtext(f"{ATOM}id") == f"{BASE_URL}{path}.atom"
    assert feed.find(f"{ATOM}link[@rel='self']").get("href") == f"{BASE_URL}{path}.atom"
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Country Updates"
    for element in [feed, *feed.iter(f"{ATOM}entry")]:
        assert element.findtext(f"{ATOM}title")
        assert re.fullmatch(r"2022-12-01T09:00:00Z", element.findtext(f"{ATOM}updated"))
    assert feed.find(f"{ATOM}entry/{ATOM}content").get("type") == "html"
    assert "<em>well</em>" in feed.findtext(f"{ATOM}entry/{ATOM}content")


@pytest.mark.parametrize("path", FEEDS)
def test_a_json_feed_has_what_version_1_1_wants(text, client, path):
    feed = json.loads(text(f"{path}.json"))

    assert client.get(f"{path}.json").mimetype == "application/feed+json"
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{BASE_URL}{path}.json"
    assert all(item["url"].startswith(BASE_URL) and item["content_html"] for item in feed["items"])


def test_an_edit_moves_the_time_and_keeps_the_id(text, database):
    before = json.loads(text("/places/ML/feed.json"))["items"]
    with database.writing() as session:
        edited = an_update("ML", NOVEMBER, Trend.IMPROVED)
        editorial.store(session, edited, now=START + timedelta(hours=1))
    [after] = json.loads(text("/places/ML/feed.json"))["items"]

    assert [item["id"] for item in before] == [after["id"]]
    assert after["date_published"] == "2022-12-01T09:00:00Z"
    assert after["date_modified"] == "2022-12-01T10:00:00Z"
    assert after["tags"] == ["Improved"]
    assert atom(text, "/feed").findtext(f"{ATOM}updated") == "2022-12-01T10:00:00Z"


def test_how_long_a_draft_lay_is_told_to_nobody(text, database):
    """An update is published when it first is ready; to edit it, or to make it a draft again, changes nothing."""
    states = [UpdateState.DRAFT, UpdateState.DRAFT, UpdateState.READY, UpdateState.DRAFT, UpdateState.READY]
    for days, state in enumerate(states, 1):
        written = an_update("TJ", NOVEMBER, Trend.UNCHANGED, state=state, headline=f'"state": "ready" {days}')
        with database.writing() as session:
            editorial.store(session, written, now=START + timedelta(days=days))

    [item] = json.loads(text("/places/TJ/feed.json"))["items"]
    [entry] = atom(text, "/places/TJ/feed").iter(f"{ATOM}entry")
    article = linked_data(text("/places/TJ"))

    assert (item["date_published"], item["date_modified"]) == ("2022-12-04T09:00:00Z", "2022-12-06T09:00:00Z")
    assert entry.findtext(f"{ATOM}published") == "2022-12-04T09:00:00Z"
    assert article["datePublished"] == "2022-12-04T09:00:00+00:00"
    assert article["dateModified"] == "2022-12-06T09:00:00+00:00"


def test_what_is_from_before_there_were_versions_was_published_when_it_last_changed(text, database):
    with database.writing() as session:
        session.execute(delete(UpdateVersion))
        session.execute(update(CountryUpdate).values(created_at=START - timedelta(days=30)))

    items = json.loads(text("/feed.json"))["items"]

    assert {item["date_published"] for item in items} == {"2022-12-01T09:00:00Z"}


@pytest.mark.parametrize("path", [f"{feed}.{kind}" for feed in FEEDS for kind in ("atom", "json")])
def test_a_feed_that_did_not_change_is_not_sent_again(client, path):
    first = client.get(path)

    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_a_place_without_updates_has_an_empty_feed(text):
    assert list(atom(text, "/places/FR/feed").iter(f"{ATOM}entry")) == []
    assert json.loads(text("/places/FR/feed.json"))["items"] == []


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("/places/kz/feed.atom", (301, "/places/KZ/feed.atom")),
        ("/regions/Central-Asia/feed.json", (301, "/regions/central-asia/feed.json")),
        ("/places/XX/feed.atom", (404, None)),
        ("/regions/atlantis/feed.atom", (404, None)),
        ("/feed.rss", (404, None)),
    ],
)
def test_a_feed_by_another_name_is_found_or_said_not_to_be(client, asked, answer):
    response = client.get(asked)

    assert (response.status_code, response.location) == answer


def test_hostile_texts_stay_text_in_feeds(text, database):
    hostile = an_update(
        "KZ",
        NOVEMBER,
        Trend.UNCHANGED,
        headline=f"{INJECTION}\ufffe]]>",
        developments=(Development(INJECTION, INJECTION),),
    )
    with database.writing() as session:
        editorial.store(session, hostile, now=START)

    entry = atom(text, "/places/KZ/feed").find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}summary") == f"{INJECTION}]]>"
    for html in (
        entry.findtext(f"{ATOM}content"),
        json.loads(text("/places/KZ/feed.json"))["items"][0]["content_html"],
    ):
        assert "<script" not in html
        assert "<img" not in html


@pytest.mark.parametrize(
    ("page", "feed"),
    [("/", "/feed"), ("/places/KZ", "/places/KZ/feed"), ("/regions/central-asia", "/regions/central-asia/feed")],
)
def test_pages_name_their_feeds(text, page, feed):
    head = text(page).partition("</head>")[0]

    for kind, media in (("atom", "application/atom+xml"), ("json", "application/feed+json")):
        assert re.search(f'<link rel="alternate" type="{re.escape(media)}"[^>]* href="{BASE_URL}{feed}.{kind}">', head)


def linked_data(page):
    return json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)[0])


def test_pages_tell_programs_what_they_are(text, approved):
    assert linked_data(text("/"))["@type"] == "WebSite"
    article = linked_data(text("/places/KZ"))
    assert (article["@type"], article["headline"]) == ("NewsArticle", "KZ had a unchanged month.")
    assert article["mainEntityOfPage"] == f"{BASE_URL}/places/KZ/2022-11"
    issue = linked_data(text("/editions/2022-11"))
    assert (issue["@type"], issue["datePublished"]) == ("PublicationIssue", "2022-12-01T09:00:00+00:00")


def test_no_text_ends_the_data_it_stands_in(text, database):
    words = "</script><script>alert(1)</script>"
    with database.writing() as session:
        editorial.store(session, an_update("KZ", NOVEMBER, Trend.UNCHANGED, headline=words), now=START)

    page = text("/places/KZ")
    assert "<script>alert" not in page
    assert linked_data(page)["headline"] == words


def test_a_shared_address_has_a_title_words_and_a_picture(text, client, approved):
    head = text("/editions/2022-11").partition("</head>")[0]
    said = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', head))

    assert said["title"] == "November 2022"
    assert said["url"] == f"{BASE_URL}/editions/2022-11"
    assert "4 places" in said["description"]
    assert client.get(said["image"].removeprefix(BASE_URL)).mimetype == "image/png"
    assert '<meta name="description" content="KZ had a unchanged month.">' in text("/places/KZ")


def test_the_site_map_names_every_page_and_robots_find_it(text, approved):
    assert f"Sitemap: {BASE_URL}/sitemap.xml" in text("/robots.txt")
    tree = ElementTree.fromstring(text("/sitemap.xml").encode())
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    pages = {url.findtext(f"{space}loc"): url.findtext(f"{space}lastmod") for url in tree}

    wanted = ("/", "/places", "/places/KZ", "/places/KZ/2022-09", "/regions/central-asia", "/editions/2022-11")
    assert {f"{BASE_URL}{path}" for path in wanted} <= pages.keys()
    assert pages[f"{BASE_URL}/places/KZ/2022-09"] == "2022-12-01T09:00:00Z"
    assert not any("/FR" in page for page in pages)
    for page in pages:
        text(page.removeprefix(BASE_URL))
