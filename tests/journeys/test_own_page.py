"""A reader in charge: they pause, choose the format, move to another address, leave, come back, and are erased."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Purpose
from newsletter.storage.tables import Subscriber
from tests.journeys.stock import ask, confirm
from tests.mail_checks import window

READER = "reader@example.org"
NEW = "reader@new.example.org"
PHONE, DESKTOP = 375, 1280


@pytest.fixture
def reader(demo):
    """A subscriber of Kazakhstan; their id."""
    found = ask(demo, READER, "KZ")
    confirm(demo, found)
    return found


def forget_refusals(visit):
    """The browser itself notes that an answer was an error."""
    visit.faults[:] = [fault for fault in visit.faults if "status of 400" not in fault]


def saved(visit, words):
    visit.see("Your subscription")
    expect(visit.page.get_by_role("status").filter(has_text=words)).to_be_visible()


def open_by_the_welcome(visit):
    welcome = visit.open_mail("You are subscribed to Country Updates", READER)
    visit.follow(welcome.get_by_role("link", name="Change what I follow"))
    visit.see("Your subscription")


def pause_and_choose_the_format(visit):
    visit.page.get_by_label("For how long").select_option("3")
    visit.press("Pause all mail")
    saved(visit, "No digest and no alert comes before")
    visit.press("End the pause now")
    saved(visit, "The pause is over")
    visit.page.get_by_label("Send me digests as plain text, without pictures and colours").check()
    visit.press("Save the format")
    saved(visit, "Digests come as plain text")


def ask_for_a_new_link(visit):
    visit.press("Send me a new link")
    visit.see("Check your mail")
    mail = visit.open_mail("Your page at Country Updates", READER)
    visit.follow(mail.get_by_role("link", name="Open my page"))
    visit.see("Your subscription")


def move(visit):
    visit.page.get_by_label("New e-mail address").fill("reader@")
    visit.press("Ask at the new address")
    expect(visit.page.get_by_label("New e-mail address")).to_have_value("reader@")
    expect(visit.page.locator("#email-error")).to_have_text("Enter an e-mail address in the form name@example.org")
    visit.page.get_by_label("New e-mail address").fill(NEW)
    visit.press("Ask at the new address")
    saved(visit, "Now open the mail at the new address")
    mail = visit.open_mail("Confirm your new address", NEW)
    visit.follow(mail.get_by_role("link", name="Use this address"))
    visit.see("Use this address")
    visit.press("Use this address")
    visit.see("Your address is changed")
    told = visit.open_mail("goes to another address now", READER)
    expect(told.locator("body")).to_contain_text("If it was not you")


def leave_and_come_back(visit, demo, reader):
    visit.open(f"/unsubscribe/{demo.settings.tokens.make(Purpose.UNSUBSCRIBE, reader)}")
    visit.page.get_by_label("It is too much mail").check()
    visit.page.get_by_label("In your own words").fill("Too many words.")
    visit.press("Unsubscribe")
    visit.see("You are unsubscribed")
    goodbye = visit.open_mail("You are unsubscribed", NEW)
    visit.follow(goodbye.get_by_role("link", name="Undo, and follow them again"))
    visit.press("Subscribe me again")
    visit.see("You are subscribed")
    visit.click("Change what you follow")
    visit.see("Your subscription")


def download_and_erase(visit):
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download all that is known of you").click()
    told = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert told["subscriber"]["address"] == NEW
    assert told["subscriptions"][0]["reason"] == "unsubscribed: too_much; Too many words."
    visit.click("Have it erased")
    visit.see("Erase your data")
    visit.press("Erase all that is known of me")
    visit.see("Your data is erased")


@pytest.mark.parametrize(
    ("width", "scripts"),
    [pytest.param(DESKTOP, True, id="desktop"), pytest.param(PHONE, False, id="phone without scripts")],
)
def test_a_reader_is_in_charge_to_the_end(visit_with, demo, reader, width, scripts):
    visit = visit_with(width, scripts=scripts)

    open_by_the_welcome(visit)
    pause_and_choose_the_format(visit)
    ask_for_a_new_link(visit)
    move(visit)
    leave_and_come_back(visit, demo, reader)
    download_and_erase(visit)

    with demo.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
    forget_refusals(visit)


def test_axe_finds_no_barrier_on_the_own_page_and_behind_it(visit, demo, reader):
    tokens = demo.settings.tokens
    fresh, lasting = tokens.make_dated(Purpose.MANAGE, reader, at=utc_now()), tokens.make(Purpose.MANAGE, reader)
    paths = [f"/manage/{fresh}", f"/manage/{lasting}", f"/manage/{fresh}/erase"]
    paths.append(f"/unsubscribe/{tokens.make(Purpose.UNSUBSCRIBE, reader)}")

    for path in paths:
        page = visit.open(path)
        if path == f"/manage/{fresh}":
            page.get_by_label("New e-mail address").fill("reader@")
            visit.press("Ask at the new address")
        for width in (PHONE, DESKTOP):
            for scheme in window.SCHEMES:
                window.set_to(page, scheme, width)
                assert window.barriers(page) == "", f"{path}, {scheme}, {width} px"
                assert visit.overflow() == 0
    forget_refusals(visit)
