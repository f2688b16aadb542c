"""Pages of the desk, and readers' pages at their fullest: they ask nobody else, complain of nothing, fit a phone."""

from __future__ import annotations

import pytest

from newsletter.cli.demo import DRAFT_MONTH
from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Purpose
from tests.journeys.reader_pages import open_lists
from tests.journeys.stock import ask, confirm, send, serving, settle

WIDTHS = (320, 375, 1280)
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


def look(visit, paths):
    """The watching itself is the visit's; see `Visit.faults`."""
    for path in paths:
        page = visit.open(path)
        open_lists(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert visit.overflow() == 0, f"{path} is wider than {width} px"


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
