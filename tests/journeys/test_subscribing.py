"""From the form on a country's page to the farewell: a reader's whole way, and the editor's in between."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from newsletter.storage.tables import Subscriber
from tests.journeys.stock import settle

READER = "reader@example.org"
DIGEST = "Country Updates, November 2022"
NOT_FOLLOWED = ("Haiti", "Ukraine", "Kyrgyzstan")


def subscribe(visit, *, scripts):
    page = visit.open("/places/KZ")
    visit.see("Kazakhstan November 2022")
    form = page.get_by_role("complementary", name="Subscribe to Email Updates")
    expect(form.get_by_label("Kazakhstan", exact=True)).to_be_checked()
    form.get_by_text("Choose other countries and regions").click()
    if scripts:
        form.get_by_label("Find a region or country").fill("suda")
        expect(form.get_by_label("Haiti", exact=True)).to_be_hidden()
    else:
        form.locator("summary").filter(has_text="Horn and East Africa").first.click()
    form.get_by_label("Sudan", exact=True).check()
    if scripts:
        expect(form.locator("details.picker > summary")).to_contain_text("1 chosen")
    form.get_by_label("E-mail address").fill(READER)
    visit.press("Subscribe")
    visit.see("Check your mail")


def confirm(visit):
    mail = visit.open_mail("Confirm your subscription to Country Updates", READER)
    visit.follow(mail.get_by_role("link", name="Confirm my subscription"))
    visit.see("Confirm your subscription")
    expect(visit.page.locator(".following li")).to_have_text(["Sudan", "Kazakhstan"])
    visit.press("Confirm my subscription")
    visit.see("You are subscribed")
    welcome = visit.open_mail("You are subscribed to Country Updates", READER)
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
    visit.reload_until_visible(visit.page.get_by_text("The edition is sent. There is nothing left to do."))
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
def test_a_reader_subscribes_reads_changes_and_leaves(visit_with, demo, width, scripts):
    visit = visit_with(width, scripts=scripts)

    subscribe(visit, scripts=scripts)
    confirm(visit)
    send(visit)
    read(visit)
    change(visit)
    with demo.database.reading() as session:
        assert session.scalars(select(Subscriber.follows)).one() == "south-caucasus;KZ"
    leave(visit)

    with demo.database.reading() as session:
        reader = session.scalars(select(Subscriber)).one()
        assert (reader.state, reader.follows) == ("ended", "")
    settle(demo)
    assert len(demo.catcher.messages()) == 4, "a confirmation, a welcome, a digest, a goodbye"
