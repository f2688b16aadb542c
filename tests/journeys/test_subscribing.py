"""An edition on its way from the desk to a reader, who changes what they follow by its links, and leaves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from newsletter.storage.tables import Subscriber
from tests.journeys.stock import ask, confirm, mails_to

READER = "reader@example.org"
WELCOME = "You are subscribed to Country Updates"
DIGEST = "Country Updates, November 2022"
GOODBYE = "You are unsubscribed from Country Updates"
NOT_FOLLOWED = ("Haiti", "Ukraine", "Kyrgyzstan")


def begin(visit):
    """Kazakhstan and Sudan are followed; how one comes to that, by the form, is in test_from_form_to_erasure."""
    confirm(visit.demo, ask(visit.demo, READER, "KZ", "SD"))
    welcome = visit.open_mail(WELCOME, READER)
    expect(welcome.locator("body")).to_contain_text("one mail a month about Sudan, Kazakhstan.")


def send(visit):
    visit.log_in()
    visit.click("November 2022")
    visit.see("November 2022")
    visit.click("Preview the digest")
    visit.see("Preview")
    visit.page.get_by_label("As the subscriber").fill(READER)
    visit.press("Show")
    for frame in (".desktop iframe", ".phone iframe"):
        expect(visit.frame(frame).get_by_role("link", name="Kazakhstan on the web")).to_be_visible()
    visit.click("November 2022")
    visit.click("Check and approve")
    visit.see("Checks before release")
    for seen in visit.page.get_by_role("checkbox").all():
        seen.check()
    visit.press("Approve November 2022")
    expect(visit.page.get_by_role("status")).to_have_text("The edition for November 2022 is approved and frozen.")
    visit.click("Release November 2022")
    visit.see("Release")
    visit.press("Go on to the last page")
    visit.see("Send November 2022")
    expect(visit.page.locator(".figure")).to_have_text("1 reader gets this edition.")
    visit.page.get_by_label("Type 2022-11 to confirm").fill("2022-11")
    visit.press("Send to 1 reader")
    visit.reload_until_visible(visit.page.get_by_text("The edition is sent."))
    expect(visit.page.locator(".counts div").filter(has_text="Sent")).to_have_text(re.compile(r"Sent\s*1"))


def read(visit):
    digest = visit.open_mail(DIGEST, READER)
    for place in ("Kazakhstan", "Sudan"):
        expect(digest.get_by_role("heading", name=place, exact=True)).to_be_visible()
    for place in NOT_FOLLOWED:
        expect(digest.get_by_role("heading", name=place, exact=True)).to_have_count(0)
    visit.click("Text")
    expect(visit.page.locator(".mail-text")).to_contain_text("KAZAKHSTAN")
    expect(visit.page.locator(".mail-text")).not_to_contain_text("HAITI")


def change(visit):
    digest = visit.open_mail(DIGEST, READER)
    visit.follow(digest.get_by_role("link", name="Change what you follow"))
    visit.see("Your subscription")
    visit.page.get_by_label("Sudan", exact=True).uncheck()
    visit.page.get_by_label("South Caucasus", exact=True).check()
    visit.press("Save what I follow")
    expect(visit.page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    visit.see("Your subscription")
    ticked = visit.page.locator("input:checked")
    expect(ticked).to_have_count(2)
    assert [box.get_attribute("value") for box in ticked.all()] == ["KZ", "south-caucasus"]


def leave(visit):
    digest = visit.open_mail(DIGEST, READER)
    visit.follow(digest.get_by_role("link", name="Unsubscribe with one click"))
    visit.see("Unsubscribe")
    visit.press("Unsubscribe")
    visit.see("You are unsubscribed")


@pytest.mark.parametrize(
    ("width", "scripts"),
    [pytest.param(1280, True, id="desktop"), pytest.param(375, False, id="phone without scripts")],
)
def test_an_edition_is_sent_and_read_and_its_links_change_and_end_the_subscription(visit_with, demo, width, scripts):
    visit = visit_with(width, scripts=scripts)

    begin(visit)
    send(visit)
    read(visit)
    change(visit)
    with demo.database.reading() as session:
        assert session.scalars(select(Subscriber.follows)).one() == "south-caucasus;KZ"
    leave(visit)

    with demo.database.reading() as session:
        reader = session.scalars(select(Subscriber)).one()
        assert (reader.state, reader.follows) == ("ended", "")
    subjects = [mail["Subject"].partition(":")[0] for mail in mails_to(demo, READER)]
    assert subjects[-3:] == [WELCOME, DIGEST, GOODBYE]
    assert subjects.count(DIGEST) == 1
