"""Every page of the site and the desk: it asks nobody else, complains of nothing, and fits the narrowest phone."""

from __future__ import annotations

import pytest

from newsletter.cli.demo import DRAFT_MONTH
from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Purpose
from tests.journeys.stock import ask, confirm, send, serving, settle

WIDTHS = (320, 375, 1280)
PUBLIC = [
    "/",
    "/places",
    "/places/KZ",
    "/places/KZ/2022-10",
    "/places/FR",
    "/regions/central-america-caribbean",
    "/editions",
    "/editions/2022-10",
    "/editions/2022-10?follow=KZ",
    "/search",
    "/search?q=government",
    "/embed",
    "/subscribe",
    "/subscribe/check-your-mail",
]
DESK = [
    "/admin/",
    "/admin/editions/2022-09",
    "/admin/editions/2022-11",
    "/admin/editions/2022-11/send",
    "/admin/editions/2022-11/preview",
    "/admin/editions/2022-11/preview?part=text",
    "/admin/editions/2022-11/preview?part=source",
]


@pytest.fixture(scope="module")
def demo():
    """One for all of these, as none minds what another has done."""
    with serving() as ready:
        yield ready


def open_everything(page):
    """What is folded away, as it may be wider than what is not."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def look(visit, paths):
    """The watching itself is the visit's; see `Visit.faults`."""
    for path in paths:
        page = visit.open(path)
        open_everything(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert visit.overflow() == 0, f"{path} is wider than {width} px"


def test_public_pages(visit):
    look(visit, PUBLIC)


def test_pages_behind_the_links_in_mails(visit, demo):
    longest = f"{'a' * 60}@{'b' * 60}.example.org"
    pending, active = ask(demo, longest, "KZ"), ask(demo, "active@example.org", "central-america-caribbean", "SD")
    confirm(demo, active)
    tokens = demo.settings.tokens
    paths = [f"/confirm/{tokens.make_dated(Purpose.CONFIRM, each, at=utc_now())}" for each in (pending, active)]
    paths += [f"/manage/{tokens.make(Purpose.MANAGE, each)}" for each in (pending, active)]
    paths += [f"/unsubscribe/{tokens.make(Purpose.UNSUBSCRIBE, each)}" for each in (pending, active)]
    paths.append(f"/undo/{tokens.make_dated(Purpose.UNDO, active, at=utc_now())}")

    look(visit, [*paths, f"{paths[3]}?saved=yes"])


def test_the_desk_and_the_inbox(visit, demo):
    confirm(demo, ask(demo, "reader@example.org", "all"))
    settle(demo)
    visit.log_in()
    look(visit, DESK)
    send(demo, DRAFT_MONTH)
    mails = [f"/inbox/{number}" for number in range(1, len(demo.catcher.messages()) + 1)]
    look(visit, ["/admin/", "/admin/editions/2022-11", "/inbox/", *mails])
    look(visit, [f"{mails[-1]}?part={part}" for part in ("text", "headers", "source")])


def test_error_pages(visit):
    look(visit, ["/nothing", "/confirm/forged"])
    # The browser itself notes that the answer was an error.
    assert [fault for fault in visit.faults if "status of 404" not in fault] == []
    visit.faults.clear()
