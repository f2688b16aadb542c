"""What a page weighs when all the world has updates, what it fetches, and that it is whole without a script."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from newsletter import config
from newsletter.domain.update import Alert, Development, Link, Quote, Trend
from newsletter.mail.links import Purpose
from newsletter.services import editions, editorial
from newsletter.storage.database import Database
from newsletter.storage.places import gazetteer
from tests.conftest import close_as_one_file
from tests.web.conftest import BASE_URL, NOVEMBER, START, an_update

#: Bytes, as they are before they are compressed.
MOST_HTML, MOST_CSS, MOST_SCRIPT = 100_000, 40_000, 12_000

#: Public pages by endpoint: the heaviest addresses of each.
PAGES = {
    "site.home": ["/"],
    "site.places": ["/places"],
    "site.place": ["/places/KZ", "/places/KZ/2020-11", "/places/SD"],
    "site.region": ["/regions/west-africa", "/regions/pacific", "/regions/central-america-caribbean"],
    "site.editions": ["/editions"],
    "site.edition": ["/editions/2022-11", "/editions/2022-11?follow=west-africa&follow=KZ"],
    "site.search_page": ["/search", "/search?q=ceasefire", "/search?q=ceasefire&page=11", "/search?q=unheardof"],
    "readers.subscribe_form": ["/subscribe", "/subscribe?follow=KZ&follow=west-africa"],
    "readers.subscribe_asked": ["/subscribe/check-your-mail"],
    "readers.manage_link_form": ["/manage"],
    "readers.manage_link_asked": ["/manage/check-your-mail"],
    "embed.form": ["/embed", "/embed?follow=KZ"],
    "embed.asked": ["/embed/check-your-mail"],
    "embed.code": ["/embed/code"],
}
#: What answers a GET without a page: files, feeds, and an address that leads on.
NO_PAGES = {
    *("site.feed", "site.region_feed", "site.place_feed", "site.picture", "site.logo", "site.brand_style"),
    *("site.health", "site.robots", "site.sitemap", "embed.start_anew"),
}
ADDRESSES = [address for addresses in PAGES.values() for address in addresses]

HEADLINE = (
    "Talks on a lasting ceasefire went on while fighting held off in most of the country, and the opposition called "
    "for a boycott of the vote that is set for the spring."
)
TEXT = "Both sides met on neutral ground, and agreed to meet again before the end of the month. " * 6


def told(code, month, number):
    """An update as long as they come; all trends and alerts are among them."""
    alerts = (Alert.CONFLICT_RISK,) * (number % 4 == 0) + (Alert.RESOLUTION_OPPORTUNITY,) * (number % 8 == 0)
    return an_update(
        code,
        month,
        list(Trend)[number % 3],
        headline=HEADLINE,
        alerts=alerts,
        developments=(Development("Talks were held.", TEXT), Development("The vote was called off.", TEXT)),
        quotes=(Quote(date(2022, 11, 7), TEXT[:200], "The Example Courier", "Ada Sample", "Analyst"),),
        links=(Link(date(2022, 11, 9), "Report", "After the vote", "https://example.org/reports/after-the-vote"),),
    )


@pytest.fixture(scope="module")
def world(filled_template, tmp_path_factory):
    """A SQLite file: each place has an update, one has five years of them, and the month's edition is out."""
    path = tmp_path_factory.mktemp("world") / "newsletter.db"
    shutil.copy(filled_template, path)
    database = Database(f"sqlite:///{path}")
    with database.writing() as session:
        for number, place in enumerate(gazetteer().places):
            editorial.store(session, told(place.code, NOVEMBER, number), now=START)
        month = NOVEMBER
        for number in range(60):
            month = month.previous
            editorial.store(session, told("KZ", month, number), now=START)
    publisher = {"base_url": BASE_URL, "sender": "Updates <updates@example.org>", "postal_address": "1 Sample Street"}
    settings = config.load({}, instance=str(path.parent), secret_key="a secret key for tests", **publisher)
    with database.writing() as session:
        editions.set_overview(session, NOVEMBER, TEXT * 3, now=START)
        editions.approve(session, NOVEMBER, settings.publication, by="owner@example.org", now=START)
    close_as_one_file(database)
    return path


@pytest.fixture
def database(world, tmp_path):
    """The site's database: a copy of that."""
    path = tmp_path / "newsletter.db"
    shutil.copy(world, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


class Page(HTMLParser):
    """What a page holds that matters here."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag == "form":
            self.forms.append({"action": found.get("action"), "method": found.get("method"), "sends": False})
        if tag == "button" and self.forms and found.get("type", "submit") == "submit":
            self.forms[-1]["sends"] = True

    handle_startendtag = handle_starttag

    def fetched(self):
        """Each thing that a browser fetches to show the page: what it is, and its address."""
        for tag, found in self.elements:
            if tag == "link" and {"stylesheet", "icon", "preload", "modulepreload"} & set(found.get("rel", "").split()):
                yield found["rel"], found["href"]
            if tag != "link":
                yield from ((tag, found[name]) for name in ("src", "poster", "data", "background") if name in found)
            yield from ((tag, each.split()[0]) for each in filter(None, found.get("srcset", "").split(",")))


def from_css(css):
    """The addresses that a style sheet has fetched."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return re.findall(r"""url\(\s*["']?([^"')]+)""", css) + re.findall(r"""@import\s+["']([^"']+)""", css)


def is_ours(address):
    """Whether it is fetched from the site itself, or stands where it is."""
    found = urlsplit(urljoin(f"{BASE_URL}/", address))
    return found.scheme == "data" or f"{found.scheme}://{found.netloc}" == BASE_URL


def fetch(client, address):
    with client.get(address) as response:
        assert response.status_code == 200, address
        return response.data


def test_every_public_page_is_weighed_here(app):
    public = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in {"site", "readers", "embed"}
        and "GET" in rule.methods
        and "token" not in rule.arguments
    }

    assert public == set(PAGES) | NO_PAGES


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_of_all_the_world_is_light(client, text, address):
    page = Page(text(address))
    weights = Counter()
    for kind, source in page.fetched():
        weights[kind] += len(fetch(client, source))

    assert len(text(address).encode()) < MOST_HTML
    assert 0 < weights["stylesheet"] < MOST_CSS
    assert weights["script"] < MOST_SCRIPT


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_asks_no_other_site(client, text, address):
    shown = text(address)
    page = Page(shown)
    fetched = list(page.fetched())

    assert [source for _, source in fetched if not is_ours(source)] == []
    assert not any("style" in found for tag, found in page.elements)
    assert "<style" not in shown
    for kind, source in fetched:
        code = fetch(client, source).decode() if kind in {"stylesheet", "script"} else ""
        assert [each for each in from_css(code) if not is_ours(each)] == []
        assert "@font-face" not in code
        assert "://" not in code, source


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_whole_without_a_script(text, address):
    page = Page(text(address))

    for tag, found in page.elements:
        assert not [name for name in found if name.startswith("on")]
        if tag == "a":
            assert found["href"] not in {"", "#"}
            assert not found["href"].startswith("javascript:")
        if tag == "script" and found.get("type") != "application/ld+json":
            assert (found["type"], "src" in found) == ("module", True)  # it holds nothing up
    for form in page.forms:
        assert form["action"]
        assert form["method"] in {"get", "post"}
        assert form["sends"]


def test_the_readers_own_page_is_light_too(client, sign_up, settings, clock):
    reader = sign_up(follow=("KZ", "west-africa"))
    fresh = settings.tokens.make_dated(Purpose.MANAGE, reader.id, at=clock())

    for address in (f"/manage/{fresh}", f"/unsubscribe/{reader.unsubscribe}", f"/manage/{fresh}/erase"):
        assert len(fetch(client, address)) < MOST_HTML


def test_of_an_edition_of_all_the_world_each_place_is_there_once_and_the_weightiest_in_full(text):
    page = text("/editions/2022-11")

    told_in_full = re.findall(r'<article class="entry" id="([^"]+)"', page)
    in_brief = re.findall(r'<li id="([^"]+)"', page)
    assert set(told_in_full + in_brief) == {place.code for place in gazetteer().places}
    assert len(told_in_full + in_brief) == len(gazetteer().places)
    for code in {place.code for place in gazetteer().places}:
        assert f'href="#{code}"' in page
        assert f'href="/places/{code}/2022-11"' in page
    alerts = page.partition('<h2 id="alerts"')[2].partition('<h2 id="deteriorated"')[0]
    assert told_in_full
    assert all(f'id="{code}"' in alerts for code in told_in_full)
