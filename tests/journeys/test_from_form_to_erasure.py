"""A reader's whole way, by the links in their mails: from the form on a country's page until nothing is known of them.

In all four kinds of browser that there are for us: wide and narrow, with scripts and without.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.journeys.stock import link_of, mails_to, serving, shown_text
from tests.journeys.visit import Visit
from tests.web.conftest import dump

PHONE, DESKTOP = 375, 1280  #: px
WAYS = [
    pytest.param(DESKTOP, True, id="desktop"),
    pytest.param(PHONE, True, id="phone"),
    pytest.param(DESKTOP, False, id="desktop without scripts"),
    pytest.param(PHONE, False, id="phone without scripts"),
]


@dataclass
class Reader:
    """Somebody with a browser and two mailboxes."""

    visit: Visit
    scripts: bool
    old: str
    new: str

    @property
    def page(self):
        return self.visit.page

    def mail(self, subject, to=None):
        """The newest mail, which has this subject."""
        newest = mails_to(self.visit.demo, to or self.old)[-1]
        assert newest["Subject"] == subject
        return newest

    def follow(self, mail, words):
        self.page.goto(link_of(mail, words))

    def is_told(self, words):
        """On their own page, after they have saved something."""
        self.visit.see("Your subscription")
        expect(self.page.get_by_role("status").filter(has_text=words)).to_be_visible()

    def follows(self, *names):
        expect(self.page.locator(".following li")).to_have_text(list(names))

    def is_named(self, address):
        expect(self.page.locator(".standfirst .address")).to_have_text(address)


@pytest.fixture(scope="module")
def demo():
    """One for all of these, each of whom has mailboxes of their own."""
    with serving() as ready:
        yield ready


@pytest.fixture
def reader(visit_with, width, scripts):
    """Somebody new, at one of the four browsers."""
    name = f"{width}.{'with' if scripts else 'without'}"
    return Reader(visit_with(width, scripts=scripts), scripts, f"{name}@old.example.org", f"{name}@new.example.org")


def subscribe(reader):
    page = reader.visit.open("/places/KZ")
    reader.visit.see("Kazakhstan November 2022")
    form = page.get_by_role("complementary", name="Subscribe to Email Updates")
    expect(form.get_by_label("Kazakhstan", exact=True)).to_be_checked()
    form.get_by_text("Choose other countries and regions").click()
    if reader.scripts:
        form.get_by_label("Find a region or country").fill("suda")
        expect(form.get_by_label("Haiti", exact=True)).to_be_hidden()
    else:
        form.locator("summary").filter(has_text="Horn and East Africa").first.click()
    form.get_by_label("Sudan", exact=True).check()
    form.get_by_label("E-mail address").fill(reader.old)
    reader.visit.press("Subscribe")
    reader.visit.see("Check your mail")
    expect(page.locator(".standfirst")).to_contain_text("Open it, and follow its link to confirm")


def confirm(reader):
    question = reader.mail("Confirm your subscription to Country Updates")
    assert "one mail a month about Sudan, Kazakhstan." in shown_text(question)
    reader.follow(question, "Confirm my subscription")
    reader.visit.see("Confirm your subscription")
    reader.is_named(reader.old)
    reader.follows("Sudan", "Kazakhstan")
    reader.visit.press("Confirm my subscription")
    reader.visit.see("You are subscribed")
    reader.is_named(reader.old)
    reader.follows("Sudan", "Kazakhstan")
    welcome = reader.mail("You are subscribed to Country Updates")
    assert "From now on you get one mail a month about Sudan, Kazakhstan." in shown_text(welcome)


def change_places(reader):
    page = reader.page
    reader.visit.click("Change what you follow")
    reader.visit.see("Your subscription")
    ticked = page.locator("input[name=follow]:checked")
    expect(ticked).to_have_count(2)
    page.get_by_label("Sudan", exact=True).uncheck()
    page.get_by_label("South Caucasus", exact=True).check()
    page.get_by_label("Also write to me at once").check()
    reader.visit.press("Save what I follow")
    reader.is_told("Saved. The next digest brings what you chose, and alerts come at once.")
    assert [box.get_attribute("value") for box in ticked.all()] == ["KZ", "south-caucasus"]
    expect(page.get_by_label("Also write to me at once")).to_be_checked()


def pause(reader):
    reader.page.get_by_label("For how long").select_option("3")
    reader.visit.press("Pause all mail")
    reader.is_told("No digest and no alert comes before")
    expect(reader.page.locator(".standfirst")).to_contain_text("paused until")
    reader.visit.press("End the pause now")
    reader.is_told("The pause is over, and the next digest comes.")
    expect(reader.page.locator(".standfirst")).not_to_contain_text("paused")


def change_address(reader):
    box = reader.page.get_by_label("New e-mail address")
    box.fill("new@")
    reader.visit.press("Ask at the new address")
    expect(box).to_have_value("new@")
    expect(reader.page.locator("#email-error")).to_have_text("Enter an e-mail address in the form name@example.org")
    reader.visit.forgive(400)
    box.fill(reader.new)
    reader.visit.press("Ask at the new address")
    reader.is_told("Now open the mail at the new address, and press its button.")
    reader.is_named(reader.old)

    reader.follow(reader.mail("Confirm your new address for Country Updates", reader.new), "Use this address")
    reader.visit.see("Use this address")
    reader.is_named(reader.new)
    reader.visit.press("Use this address")
    reader.visit.see("Your address is changed")
    reader.is_named(reader.new)
    told = shown_text(reader.mail("Country Updates goes to another address now"))
    assert "This is the last mail to this one." in told
    assert reader.new not in told
    reader.visit.click("Your subscription")
    reader.visit.see("Your subscription")
    reader.is_named(reader.new)


def leave(reader):
    reader.visit.click("Unsubscribe from all mail")
    reader.visit.see("Unsubscribe")
    reader.is_named(f"{reader.new[0]}…@n…")
    reader.page.get_by_label("It is too much mail").check()
    reader.page.get_by_label("In your own words").fill("Too many words.")
    reader.visit.press("Unsubscribe")
    reader.visit.see("You are unsubscribed")


def undo(reader):
    goodbye = reader.mail("You are unsubscribed from Country Updates", reader.new)
    assert "You followed South Caucasus, Kazakhstan." in shown_text(goodbye)
    reader.follow(goodbye, "Undo, and follow them again")
    reader.visit.see("Undo unsubscribing")
    reader.follows("South Caucasus", "Kazakhstan")
    reader.visit.press("Subscribe me again")
    reader.visit.see("You are subscribed")
    reader.is_named(reader.new)
    reader.follows("South Caucasus", "Kazakhstan")


def download(reader):
    reader.visit.click("Change what you follow")
    reader.visit.see("Your subscription")
    with reader.page.expect_download() as file:
        reader.visit.click("Download all that is known of you")
    assert file.value.suggested_filename == "my-subscription.json"
    told = json.loads(file.value.path().read_text())
    assert told["subscriber"]["address"] == reader.new
    assert told["subscriber"]["follows"] == ["south-caucasus", "KZ"]
    reasons = {each["reason"] for each in told["subscriptions"]}
    assert {"changed", "unsubscribed: too_much; Too many words.", None} <= reasons
    assert {each["address"] for each in told["notices"]} >= {reader.old, reader.new}


def be_erased(reader):
    own_page = reader.page.url
    reader.visit.click("Have it erased")
    reader.visit.see("Erase your data")
    reader.is_named(reader.new)
    reader.visit.press("Erase all that is known of me")
    reader.visit.see("Your data is erased")
    reader.page.goto(own_page)
    reader.visit.see("This link doesn’t work")
    reader.visit.forgive(404)


@pytest.mark.parametrize(("width", "scripts"), WAYS)
def test_a_reader_is_in_charge_from_the_form_to_the_end(reader, demo):
    subscribe(reader)
    confirm(reader)
    change_places(reader)
    pause(reader)
    change_address(reader)
    leave(reader)
    undo(reader)
    download(reader)
    be_erased(reader)

    assert len(mails_to(demo, reader.old)) == 3, "a question, a welcome, a word that mail goes elsewhere"
    assert len(mails_to(demo, reader.new)) == 2, "a question, a goodbye"
    kept = repr(dump(demo.database))
    assert reader.old not in kept
    assert reader.new not in kept
