"""Every page of the desk and of its entrance: no barrier on light and dark paper, wide or narrow, and all by keyboard.

A page that is new at the desk fails here until it is among tests/journeys/desk_pages.py.
"""

from __future__ import annotations

import pytest

from newsletter.mail import templates
from tests.journeys import access, desk_site, desk_tabs
from tests.journeys.desk_pages import PAGES
from tests.journeys.stock import serving
from tests.mail_checks import window

PHONE, DESKTOP = 375, 1280  #: px
#: What answers a GET without a page of its own: files, what scripts ask for, a way to the provider, and the frame of a
#: preview, whose mail tests/journeys/test_mail_access.py looks at.
NO_PAGES = {
    *("desk.audit_export", "desk.import_rejects_file", "desk.progress_json", "desk.shown_json", "desk.events"),
    *("access.ask_provider", "preview.body"),
}
#: Pages that are come to by a button.
BY_BUTTON = {"access.code_form"}
#: Where axe is not sure: what lies outside of the part of a list that is scrolled to, and words in a drawing.
UNSURE = (
    "partially obscured by another element",
    "because element contains an image node",
    "if it is actual text content",
)
FRAMED = "frame-tested: "  #: a mail, where no script may run, not even axe


@pytest.fixture(scope="module")
def tour(browser, tmp_path_factory):
    """One for all of these: nothing that matters is changed by looking."""
    with serving() as demo, desk_site.opened(browser, demo, tmp_path_factory.mktemp("desk")) as made:
        yield made


def barriers(page, *rules):
    """What axe is sure of."""
    found = access.barriers(page, *rules)
    return [line for line in found if not line.endswith(UNSURE) and not line.startswith(FRAMED)]


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_of_the_desk_keeps_nobody_out(tour, shown):
    window.set_to(tour.visit.page, "light", DESKTOP)
    tour.show(shown)
    found = {"by keyboard": desk_tabs.faults(tour.visit.page)}
    for width in (DESKTOP, PHONE):
        window.set_to(tour.visit.page, "light", width)
        found[f"on light paper, {width} px"] = barriers(tour.visit.page)
        found[f"sideways, {width} px"] = [f"it scrolls {tour.visit.overflow()} px"] * bool(tour.visit.overflow())
        window.set_to(tour.visit.page, "dark", width)
        # Nothing else differs.
        found[f"on dark paper, {width} px"] = barriers(tour.visit.page, "color-contrast")

    found["what no page may do"] = tour.faults()
    assert {where: what for where, what in found.items() if what} == {}


def test_every_page_and_template_of_the_desk_is_looked_at_here(tour):
    urls = tour.app.url_map.bind("")
    rules = [rule for rule in tour.app.url_map.iter_rules() if rule.rule.startswith("/admin") and "GET" in rule.methods]
    paths = [page.path.format_map(tour.parts).partition("?")[0] for page in PAGES]
    assert {rule.endpoint for rule in rules} - NO_PAGES - BY_BUTTON == {urls.match(path)[0] for path in paths}

    pages = {f"desk/{path.name}" for path in (templates.folder() / "web" / "desk").glob("*.html")}
    whole = {name for name in pages if "{% extends" in (templates.folder() / "web" / name).read_text(encoding="utf-8")}
    assert whole - {"desk/base.html"} <= {page.template for page in PAGES}


def test_what_keeps_a_keyboard_out_is_noticed(page):
    window.show(
        page,
        "<style>:focus { outline: 2px solid } .unseen:focus { outline: none }</style><button class='unseen'>A</button>"
        "<button tabindex='1'>B</button><label><input type='radio' name='r'>1</label>"
        "<label><input type='radio' name='r' checked>2</label><button tabindex='-1'>C</button>",
    )
    assert desk_tabs.faults(page) == [
        'focus not seen: <button class="unseen">: A',
        'out of order: <input class="">: r',
    ]
    window.show(page, "<button id='a' onkeydown='event.preventDefault()'>A</button><button>B</button>")
    assert desk_tabs.faults(page) == [f"no way out by {desk_tabs.MOST} times Tab"]
