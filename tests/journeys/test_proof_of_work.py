"""Proof of work, as people meet it: a browser with scripts solves it, one without is taken under a stricter limit."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from playwright.sync_api import expect

from newsletter.config.settings import Switch
from newsletter.jobs.sender import utc_now
from newsletter.services.limits import Caps
from tests.journeys.stock import link_of, mails_to, serving, serving_also

WITHOUT = "Without scripts this form works too, but takes fewer requests in an hour."
#: In an hour, from all together: ten with a proof of work, so one without.
CAPS = Caps(all=10)


@pytest.fixture(scope="module")
def demo():
    """One for all of these, each of whom has a mailbox of their own."""
    with serving() as ready:
        yield ready


@pytest.fixture
def site(demo, hours):
    """The demo's site, which asks for a proof of work, in an hour of its own that does not end."""
    at = utc_now() - timedelta(hours=next(hours))
    with serving_also(demo, clock=lambda: at, proof_of_work=Switch.ON, signups_per_hour=CAPS) as address:
        yield address


@pytest.fixture(scope="module")
def hours():
    """Since each of the tests, that nobody has asked in."""
    return count(1)


def ask(visit, address):
    visit.page.get_by_label("E-mail address").fill(address)
    visit.press("Subscribe")


def is_asked_to_confirm(demo, address):
    [mail] = mails_to(demo, address)
    assert link_of(mail, "Confirm my subscription")


def use_up_what_is_taken_without_proof(visit_with, site):
    visit = visit_with(scripts=False, url=site)
    visit.open("/places/KZ")
    ask(visit, f"first.{visit.url[-5:]}@example.org")
    visit.see("Check your mail")


@pytest.mark.parametrize("path", ["/places/KZ", "/subscribe?follow=KZ"])
def test_a_browser_solves_it_while_its_reader_sees_nothing_of_it(visit_with, demo, site, path):
    use_up_what_is_taken_without_proof(visit_with, site)
    visit = visit_with(375, url=site)
    page = visit.open(path)
    expect(page.locator("noscript")).to_be_hidden()
    asker = f"solver{len(path)}@example.org"

    ask(visit, asker)

    visit.see("Check your mail")
    is_asked_to_confirm(demo, asker)


def test_who_comes_back_to_the_form_gets_another_one_solved(visit_with, demo, site):
    use_up_what_is_taken_without_proof(visit_with, site)
    visit = visit_with(url=site)
    visit.open("/places/KZ")
    ask(visit, "one@example.org")
    visit.see("Check your mail")

    visit.page.go_back()
    ask(visit, "two@example.org")

    visit.see("Check your mail")
    is_asked_to_confirm(demo, "two@example.org")


def test_a_form_with_an_error_gets_another_one_solved(visit_with, demo, site):
    use_up_what_is_taken_without_proof(visit_with, site)
    visit = visit_with(url=site)
    visit.open("/subscribe?follow=KZ")
    ask(visit, "slip@")
    expect(visit.page.locator("#email-error")).to_be_visible()
    visit.forgive(400)

    ask(visit, "mended@example.org")

    visit.see("Check your mail")
    is_asked_to_confirm(demo, "mended@example.org")


@pytest.mark.parametrize("width", [375, 1280])
def test_without_scripts_the_form_works_until_it_says_clearly_that_it_does_not(visit_with, demo, site, width):
    visit = visit_with(width, scripts=False, url=site)
    page = visit.open("/places/KZ")
    expect(page.locator("noscript")).to_be_visible()
    assert page.locator("noscript").inner_text() == WITHOUT
    asker = f"plain{width}@example.org"
    ask(visit, asker)
    visit.see("Check your mail")
    is_asked_to_confirm(demo, asker)

    visit.open("/places/KZ")
    ask(visit, "next@example.org")

    expect(page.locator("#email-error")).to_contain_text(
        "Turn on scripts for this page and send it again, or try again"
    )
    expect(page.get_by_label("E-mail address")).to_have_value("next@example.org")
    expect(page.get_by_label("Kazakhstan", exact=True)).to_be_checked()
    assert mails_to(demo, "next@example.org") == []
    visit.forgive(503)


def test_where_no_challenge_can_be_had_the_form_is_sent_all_the_same(visit_with, demo, site):
    visit = visit_with(url=site)
    page = visit.open("/places/KZ")
    page.route("**/challenge", lambda route: route.fulfill(status=502))

    ask(visit, "unlucky@example.org")

    visit.see("Check your mail")
    is_asked_to_confirm(demo, "unlucky@example.org")
    visit.forgive(502)


def test_the_link_to_a_lost_page_is_asked_for_the_same_way(visit_with, site):
    use_up_what_is_taken_without_proof(visit_with, site)
    visit = visit_with(url=site)
    visit.open("/manage")
    visit.page.get_by_label("E-mail address").fill("lost@example.org")
    visit.press("Send me the link")
    visit.see("Check your mail")
