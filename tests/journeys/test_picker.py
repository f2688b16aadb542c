"""The choice of what to follow, as people use it: by typing, by clicking, by keyboard, and without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from newsletter.storage.tables import Subscription
from tests.journeys.stock import serving

FIND = "Find a region or country"
PHONE = 375  #: px


@pytest.fixture(scope="module")
def demo():
    """One for all of these, as none minds what another has done."""
    with serving() as ready:
        yield ready


@pytest.fixture
def form(visit):
    """The page of the form."""
    return visit.open("/subscribe")


def chips(page):
    return page.get_by_role("group", name="Chosen").get_by_role("listitem")


def told(page, words):
    """What a screen reader says when it has a moment."""
    expect(page.get_by_role("status").filter(has_text=words)).to_have_count(1)


@pytest.mark.parametrize(
    ("typed", "found", "hidden"),
    [
        pytest.param("COTE d'iv", "Côte d'Ivoire", "Mali", id="without case, accents and signs"),
        pytest.param("guinea eq", "Equatorial Guinea", "Guinea-Bissau", id="words in any order"),
        pytest.param("caucasus", "South Caucasus", "Balkans", id="a region by its name"),
    ],
)
def test_typing_narrows_the_list(form, typed, found, hidden):
    form.get_by_label(FIND).fill(typed)

    expect(form.get_by_label(found, exact=True)).to_be_visible()
    expect(form.get_by_label(hidden, exact=True)).to_be_hidden()


def test_how_many_match_is_told(form):
    box = form.get_by_label(FIND)
    for typed, words in [("suda", "2 matches"), ("kazakh", "1 match."), ("atlantis", "No region or country")]:
        box.fill(typed)
        told(form, words)
    box.fill("")
    expect(form.locator(".picker > .hint[role=status]")).to_have_text("")
    expect(form.locator(".regions > li:visible")).to_have_count(18)


def test_the_enter_key_chooses_the_only_match_and_sends_nothing(form):
    box = form.get_by_label(FIND)
    box.fill("suda")
    box.press("Enter")
    expect(chips(form)).to_have_count(0)

    box.fill("kazakh")
    box.press("Enter")

    told(form, "Kazakhstan is chosen.")
    expect(chips(form)).to_have_text(["Kazakhstan ×"])
    expect(box).to_have_value("")
    assert form.url.endswith("/subscribe")


def test_a_chip_is_taken_away_by_a_click_and_its_box_is_unticked(visit):
    page = visit.open("/subscribe?follow=KZ&follow=SD")
    expect(chips(page)).to_have_text(["Sudan ×", "Kazakhstan ×"])

    page.get_by_role("button", name="Remove Sudan", exact=True).click()

    expect(chips(page)).to_have_text(["Kazakhstan ×"])
    expect(page.locator("input[value=SD]")).not_to_be_checked()
    told(page, "Sudan is removed. 1 chosen.")


def test_chips_are_taken_away_by_the_keyboard_and_the_focus_stays_near(visit):
    page = visit.open("/subscribe?follow=KZ&follow=SD&follow=west-africa")
    expect(chips(page)).to_have_text(["Sudan ×", "West Africa and the Sahel ×", "Kazakhstan ×"])

    page.get_by_role("button", name="Remove West Africa and the Sahel", exact=True).focus()
    page.keyboard.press("Delete")
    expect(page.get_by_role("button", name="Remove Kazakhstan", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove Sudan", exact=True)).to_be_focused()
    page.keyboard.press("Space")

    expect(page.get_by_label(FIND)).to_be_focused()
    expect(page.locator("input:checked")).to_have_count(0)
    expect(page.get_by_role("group", name="Chosen")).to_be_hidden()


def test_all_are_taken_away_at_once(visit):
    page = visit.open("/subscribe?follow=KZ&follow=SD&follow=west-africa")

    page.get_by_role("button", name="Clear all").click()

    expect(page.locator("input:checked")).to_have_count(0)
    told(page, "All are removed. 0 chosen.")


def test_beside_content_the_chips_stand_below_the_folded_list(visit):
    page = visit.open("/places/KZ")
    page.get_by_text("Choose other countries and regions").click()
    page.get_by_label(FIND).fill("sudan")
    page.get_by_label("South Sudan", exact=True).check()
    page.get_by_text("Choose other countries and regions").click()

    expect(chips(page)).to_have_text(["South Sudan ×"])
    page.get_by_role("button", name="Remove South Sudan").click()

    expect(page.locator("details.picker > summary")).to_be_focused()
    expect(page.get_by_label("Kazakhstan", exact=True)).to_be_checked()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_after_an_error_and_a_question_all_is_as_it_was(visit_with, demo, scripts):
    visit = visit_with(PHONE, scripts=scripts)
    page = visit.open("/subscribe?follow=KZ&follow=SD")
    page.get_by_label("E-mail address").fill("slip@")
    visit.press("Subscribe")
    expect(page.locator("#email-error")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value("slip@")
    assert visit.overflow() == 0

    page.get_by_label("E-mail address").fill("slip@gmial.com")
    visit.press("Subscribe")
    expect(page.get_by_text("Did you mean slip@gmail.com?")).to_be_visible()
    expect(page.locator("input:checked")).to_have_count(2)
    if scripts:
        expect(chips(page)).to_have_text(["Sudan ×", "Kazakhstan ×"])
    assert visit.overflow() == 0

    page.get_by_label("E-mail address").press("Enter")
    visit.see("Check your mail")
    with demo.database.reading() as session:
        newest = select(Subscription).order_by(Subscription.id.desc()).limit(2)
        assert {each.subject for each in session.scalars(newest)} == {"KZ", "SD"}
    visit.forgive(400)
