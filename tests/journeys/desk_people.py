"""The people of a desk, each in a browser of their own, and what all of them do there."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from newsletter.cli.demo import Demo
from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.jobs.sender import utc_now
from newsletter.services import admins
from tests.journeys.visit import Visit

AUTHOR, REVIEWER, SENDER = "amina@example.org", "bruno@example.org", "chidi@example.org"
ROLES = {AUTHOR: Role.AUTHOR, REVIEWER: Role.REVIEWER, SENDER: Role.SENDER}
PASSWORD = "a lamp, a ladder, a lake"


def hire(demo: Demo) -> None:
    """An author, a reviewer and a sender, each with a password."""
    with demo.database.writing() as session:
        for address, role in ROLES.items():
            admins.add(session, Address.parse(address), role, PASSWORD, now=utc_now())


def log_in(visit: Visit, address: str) -> Visit:
    """The visit, at the desk as one of them."""
    visit.open("/admin/")
    visit.page.get_by_label("E-mail address").fill(address)
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.press("Log in")
    expect(visit.page.locator(".who-am-i")).to_contain_text(address)
    return visit


def told(visit: Visit, words: str) -> None:
    """The page says this of what was done last."""
    expect(visit.page.get_by_role("status").filter(has_text=words)).to_be_visible()


def only_filled(visit: Visit) -> Locator:
    """The one filled button of the page, which leads to what is to be done next."""
    found = visit.page.locator("main :is(button, .button):not(.outlined, .quiet):visible:not(:disabled)")
    expect(found).to_have_count(1)
    return found
