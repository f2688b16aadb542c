"""Who has lost the link to their own page asks for it, and finds it in their mail; nobody else learns anything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Purpose
from tests.journeys.stock import ask, confirm, link_of, mails_to, serving

WAYS = [
    pytest.param(375, True, id="phone"),
    pytest.param(1280, False, id="desktop without scripts"),
]


@pytest.fixture(scope="module")
def demo():
    """One for all of these, each of whom has a mailbox of their own."""
    with serving() as ready:
        yield ready


@pytest.fixture
def visit(visit_with, width, scripts):
    """One of the browsers."""
    return visit_with(width, scripts=scripts)


@pytest.fixture
def subscriber(demo, width):
    """Makes one who has had their welcome an hour ago, whom one may write to again; their id and address."""

    def make(name):
        address, at = f"{name}.{width}@example.org", utc_now() - timedelta(hours=1)
        found = ask(demo, address, "KZ", at=at)
        confirm(demo, found, at=at)
        assert mails_to(demo, address)[-1]["Subject"] == "You are subscribed to Country Updates"
        return found, address

    return make


def ask_for_the_link(visit, address):
    visit.page.get_by_label("E-mail address").fill(address)
    visit.press("Send me the link")


def open_newest(visit, address):
    """The link in the newest mail; what it opens lets its reader do all."""
    newest = mails_to(visit.demo, address)[-1]
    assert newest["Subject"] == "Your page at Country Updates"
    visit.page.goto(link_of(newest, "Open my page"))
    visit.see("Your subscription")
    expect(visit.page.locator(".standfirst .address")).to_have_text(address)
    expect(visit.page.get_by_label("New e-mail address")).to_be_visible()
    expect(visit.page.get_by_role("link", name="Have it erased")).to_be_visible()


@pytest.mark.parametrize(("width", "scripts"), WAYS)
def test_the_link_to_a_lost_page_comes_by_mail(visit, subscriber):
    _, reader = subscriber("lost")
    visit.open("/places/KZ")
    visit.click("Change or end a subscription")
    visit.see("Change or end your subscription")

    ask_for_the_link(visit, "reader@")
    expect(visit.page.locator("#email-error")).to_have_text("Enter an e-mail address in the form name@example.org")
    expect(visit.page.get_by_label("E-mail address")).to_have_value("reader@")
    visit.forgive(400)
    ask_for_the_link(visit, reader)

    visit.see("Check your mail")
    open_newest(visit, reader)


@pytest.mark.parametrize(("width", "scripts"), WAYS)
def test_who_is_not_subscribed_reads_the_same_and_gets_no_mail(visit, subscriber):
    _, reader = subscriber("asked")
    before, told = len(mails_to(visit.demo, reader)), []
    for address in (reader, "nobody@example.org"):
        visit.open("/manage")
        ask_for_the_link(visit, address)
        visit.see("Check your mail")
        told.append(visit.page.locator("main").inner_text())

    assert told[0] == told[1]
    assert "If this address is subscribed" in told[0]
    assert len(mails_to(visit.demo, reader)) == before + 1
    assert mails_to(visit.demo, "nobody@example.org") == []


@pytest.mark.parametrize(("width", "scripts"), WAYS)
def test_an_old_mails_link_shows_and_changes_the_choice_and_sends_a_new_link_for_the_rest(visit, subscriber):
    found, reader = subscriber("old")
    lasting = visit.demo.settings.tokens.make(Purpose.MANAGE, found)
    page = visit.open(f"/manage/{lasting}")
    visit.see("Your subscription")
    expect(page.get_by_role("link", name="Have it erased")).to_have_count(0)
    page.get_by_label("Send me digests as plain text, without pictures and colours").check()
    visit.press("Save the format")
    expect(page.get_by_role("status").filter(has_text="Digests come as plain text")).to_be_visible()

    visit.open(f"/manage/{lasting}/erase")
    visit.see("A new link is needed")
    visit.forgive(403)
    visit.press("Send me a new link")

    visit.see("Check your mail")
    open_newest(visit, reader)
