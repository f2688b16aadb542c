"""T11: texts that try to become markup, scripts or templates are shown as texts wherever they come out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from newsletter.cli.demo import DRAFT_MONTH
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update
from newsletter.errors import InvalidUpdate
from newsletter.jobs.sender import utc_now
from newsletter.services import editions, editorial
from tests.journeys.stock import newest_mail, send, serving
from tests.readers import add_readers

READER = "reader1@example.org"
LIVE = (
    "[onmouseover], [onclick], [onerror], [onload], [onfocus], [autofocus], [srcdoc], base[href], "
    "img:not([src^='data:image/png;'], [src*='/pictures/'])"
)
MONTH = DRAFT_MONTH.next
ATTACKS = [
    "<script>window.x=1</script>",
    "</style></title></textarea><script>window.x=1</script>",
    '<img src=x onerror="window.x=1">',
    "<svg/onload=window.x=1>",
    '" onmouseover="window.x=1" autofocus onfocus=\'window.x=1\'',
    "<iframe srcdoc='<script>parent.x=1</script>'></iframe>",
    "{{7*7}} {{ config }} {% raw %} ${window.x=1} #{7*7}",
    "--><!-- ]]> <base href=//evil.example/>",
]
ATTACK = " ".join(ATTACKS)
URL = 'https://example.org/?"onmouseover="window.x=1"\'><script>window.x=1</script>'
MARKDOWN = f"""{ATTACK}

[a link](javascript:window.x=1) ![a picture](https://evil.example/pixel.png) <https://evil.example/?"onclick="window.x=1">

[another](data:text/html,<script>window.x=1</script>)

[a third](https://example.org/ "\\" onmouseover=\\"window.x=1")
"""


def hostile(place, trend, *alerts):
    day = utc_now().date()
    return Update(
        place,
        MONTH,
        trend,
        headline=ATTACK,
        developments=(Development(ATTACK, MARKDOWN), Development("A second.", ATTACK)),
        alerts=alerts,
        quotes=(Quote(day, ATTACK, ATTACK, ATTACK, ATTACK),),
        links=(Link(day, ATTACK, ATTACK, URL),),
    )


@pytest.fixture(scope="module")
def demo():
    """A demo whose newest month is all attacks, sent to a reader of it."""
    with serving() as ready:
        add_readers(ready.database, 1, now=utc_now(), follows=("KZ", "SD"))
        with ready.database.writing() as session:
            editorial.store(session, hostile("KZ", Trend.DETERIORATED, *Alert), now=utc_now())
            editorial.store(session, hostile("SD", Trend.UNCHANGED), now=utc_now())
            editions.set_overview(session, MONTH, MARKDOWN, now=utc_now())
        send(ready, MONTH)
        yield ready


def look(visit):
    """Whatever is shown now, in frames too: nothing has run, and the attacks stand there as text."""
    visit.page.wait_for_load_state()
    for frame in visit.page.frames:
        assert frame.evaluate("typeof window.x") == "undefined", frame.url
        assert frame.locator(LIVE).count() == 0, frame.url
        for script in frame.locator("script").all():
            if script.get_attribute("type") == "application/ld+json":  # data, which no browser runs
                assert json.loads(script.text_content())["@context"] == "https://schema.org"
                continue
            assert script.get_attribute("src") == "/static/picker.js"


def sees_attacks(where):
    for attack in ATTACKS:
        expect(where.locator("body")).to_contain_text(attack)


def test_public_pages_show_attacks_as_text(visit):
    for path in ("/", "/places/KZ", "/places", "/regions/central-asia", f"/editions/{MONTH}"):
        page = visit.open(path)
        if path != "/places":  # which has trends, and no texts
            sees_attacks(page)
        for link in page.locator("a", has_text="script").all():
            link.hover()
            link.focus()
        look(visit)


def test_the_desk_shows_attacks_as_text(visit):
    visit.log_in()
    page = visit.open(f"/admin/editions/{MONTH}")
    sees_attacks(page)
    look(visit)
    for part, shown in (("text", ATTACKS[0]), ("source", "window.x=3D1")):
        visit.open(f"/admin/editions/{MONTH}/preview?part={part}")
        expect(page.locator(".mail-text")).to_contain_text(shown)
        look(visit)
    visit.open(f"/admin/editions/{MONTH}/preview?places=KZ")
    for frame in (".desktop iframe", ".phone iframe"):
        sees_attacks(visit.frame(frame))
    look(visit)


def test_the_digest_shows_attacks_as_text(visit, demo):
    digest = visit.open_mail(newest_mail(demo)["Subject"], READER)
    sees_attacks(digest)
    for link in digest.locator("a", has_text="script").all():
        link.hover()
    look(visit)
    mail = visit.page.url
    for part in ("text", "headers", "source"):
        visit.page.goto(f"{mail}?part={part}")
        look(visit)


@pytest.mark.parametrize(
    "url", ["javascript:window.x=1", " javascript:window.x=1", "data:text/html,x", "//evil.example/", "https:///x"]
)
def test_a_link_that_leads_to_no_web_page_is_refused(sqlite, url):
    update = hostile("KZ", Trend.UNCHANGED)
    update = replace(update, links=(replace(update.links[0], url=url),))

    with sqlite.writing() as session, pytest.raises(InvalidUpdate, match="leads to no http or https address"):
        editorial.store(session, update, now=utc_now())
