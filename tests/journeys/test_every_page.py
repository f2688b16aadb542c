"""Every page of the readers: no barrier on light and dark paper, on a phone and a desktop, by finger and by keyboard.

A page that is new on the site fails here until it is among tests/journeys/reader_pages.py.
"""

from __future__ import annotations

import pytest
from flask import template_rendered

from newsletter.mail import templates
from newsletter.web import create_app
from newsletter.web.database import db
from tests.journeys import access
from tests.journeys.reader_pages import PAGES, open_lists, people
from tests.journeys.stock import serving
from tests.journeys.visit import Visit
from tests.mail_checks import window

NARROWEST, PHONE, DESKTOP = 320, 375, 1280  #: px
#: What answers a GET without a page: files, feeds, what programs ask for, and an address that leads on.
NO_PAGES = {
    *("site.feed", "site.region_feed", "site.place_feed", "site.picture", "site.logo", "site.brand_style"),
    *("site.health", "site.robots", "site.sitemap", "embed.start_anew", "readers.download"),
}
#: What others hold together: no page by itself.
PARTS = {"base.html"}


@pytest.fixture(scope="module")
def demo():
    """One for all of these: nothing is changed by looking."""
    with serving() as ready:
        yield ready


@pytest.fixture(scope="module")
def tokens(demo):
    """Of the people whose pages these are."""
    return people(demo)


@pytest.fixture(scope="module")
def app(demo):
    """The same site, to be asked what it is made of."""
    made = create_app(demo.settings)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def window_for_all(browser, demo):
    """One window for all pages: it takes longer to open one than to look."""
    with browser.new_context() as context:
        yield Visit(context, demo)


@pytest.fixture
def visit(window_for_all):
    """That window; nothing may go wrong in it."""
    window.set_to(window_for_all.page, "light", DESKTOP)
    yield window_for_all
    faults, window_for_all.faults[:] = list(window_for_all.faults), []
    assert faults == []


@pytest.fixture
def show(visit, demo, tokens):
    """Open one of the pages."""

    def act(shown):
        shown.show(visit.page, demo.settings.base_url, tokens)
        if shown.status != 200:
            visit.forgive(shown.status)

    return act


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_keeps_nobody_out(visit, show, shown):
    show(shown)
    found = {}
    for width, smallest in ((DESKTOP, access.MOUSE), (PHONE, access.FINGER)):
        window.set_to(visit.page, "light", width)
        found[f"on light paper, {width} px"] = access.barriers(visit.page)
        found[f"to be pressed, {width} px"] = access.small_targets(visit.page, smallest)
        found[f"sideways, {width} px"] = [f"it scrolls {visit.overflow()} px"] * bool(visit.overflow())
        window.set_to(visit.page, "dark", width)
        # Nothing else differs.
        found[f"on dark paper, {width} px"] = access.barriers(visit.page, "color-contrast")
    open_lists(visit.page)
    window.set_to(visit.page, "light", NARROWEST)
    found["sideways, with all lists open"] = [f"it scrolls {visit.overflow()} px"] * bool(visit.overflow())

    assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_is_used_by_keyboard_alone(visit, show, shown):
    show(shown)

    assert access.missed_by_keyboard(visit.page) == []


def test_every_page_of_the_site_is_looked_at_here(app, tokens):
    client, seen, shown = app.test_client(), set(), set()
    with template_rendered.connected_to(lambda _, template, **__: shown.add(template.name), app):
        for page in PAGES:
            path = page.path.format_map(tokens)
            seen.add(app.url_map.bind("").match(path.partition("?")[0])[0] if page.name != "not-found" else None)
            client.get(path)
            assert page.then or page.template in shown, page.name

    rules = [rule for rule in app.url_map.iter_rules() if "GET" in rule.methods]
    public = {rule.endpoint for rule in rules if rule.endpoint.partition(".")[0] in {"site", "readers", "embed"}}
    assert public - NO_PAGES == seen - {None}


def test_every_template_of_the_readers_is_looked_at_here():
    folder = templates.folder() / "web"
    pages = {path.name for path in folder.glob("*.html")} | {
        f"embed/{path.name}" for path in (folder / "embed").glob("*.html") if "extends" in path.read_text()
    }

    assert pages - PARTS == {page.template for page in PAGES}


def test_what_keeps_somebody_out_is_noticed(page):
    window.show(
        page,
        "<style>button { height: 44px } .low { height: 43px }"
        ":focus { outline: 2px solid } .unseen:focus { outline: none }</style>"
        "<p>It has <a href='/'>a word</a> that leads on.</p><p><a href='/'>A link alone</a></p>"
        "<button class='low'>A</button><button class='unseen'>B</button><button tabindex='2'>C</button>"
        "<button hidden>D</button><span role='img'></span>",
    )

    assert len(access.small_targets(page, access.FINGER)) == 2
    assert len(access.small_targets(page, access.MOUSE)) == 1
    assert {line.partition(":")[0] for line in access.barriers(page)} >= {"role-img-alt", "tabindex"}
    assert access.missed_by_keyboard(page) == ['focus not seen: <button class="unseen">: B']
