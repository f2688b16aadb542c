"""A program that fills in every field, or is faster than a person: it sees what all see, and nothing is sent."""

from __future__ import annotations

import pytest

from tests.journeys.stock import ask, confirm, mails_to, serving, serving_also

VICTIM = "victim@example.org"
#: Each field that holds text, whether a person sees it or not.
FILL = """(fields, address) => fields.forEach((field) => {
  if (["text", "email"].includes(field.type)) field.value = address;
})"""


@pytest.fixture(scope="module")
def demo():
    """One for all of these."""
    with serving() as ready:
        yield ready


@pytest.fixture(scope="module")
def slow_site(demo):
    """The demo's site, which takes whoever is done within a minute for a program."""
    with serving_also(demo, time_trap=60.0) as address:
        yield address


def is_still_sent(demo, person):
    """To a person who comes after the program: so the sender was not just late."""
    ask(demo, person, "KZ")
    return len(mails_to(demo, person)) == 1


@pytest.mark.parametrize(
    ("path", "scripts"), [("/places/KZ", True), ("/subscribe?follow=KZ", False), ("/embed?follow=KZ", True)]
)
def test_who_fills_the_hidden_field_sees_success_and_nothing_is_sent(visit_with, demo, path, scripts):
    visit = visit_with(scripts=scripts)
    page = visit.open(path)
    assert not page.get_by_label("Leave this field empty").is_visible()
    page.eval_on_selector_all("input", FILL, VICTIM)
    visit.press("Subscribe")

    visit.see("Check your mail")
    assert is_still_sent(demo, f"after.{len(path)}@example.org")
    assert mails_to(demo, VICTIM) == []


def test_who_fills_the_hidden_field_gets_no_link_to_the_page_of_a_subscriber(visit_with, demo):
    subscriber = "subscriber@example.org"
    confirm(demo, ask(demo, subscriber, "KZ"))
    before = len(mails_to(demo, subscriber))
    visit = visit_with()
    visit.open("/manage").eval_on_selector_all("input", FILL, subscriber)
    visit.press("Send me the link")

    visit.see("Check your mail")
    assert is_still_sent(demo, "after.manage@example.org")
    assert len(mails_to(demo, subscriber)) == before


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_who_is_faster_than_a_person_sees_success_and_nothing_is_sent(visit_with, demo, slow_site, scripts):
    visit = visit_with(scripts=scripts, url=slow_site)
    visit.open("/places/KZ").get_by_label("E-mail address").fill(VICTIM)
    visit.press("Subscribe")

    visit.see("Check your mail")
    assert is_still_sent(demo, f"after.speed.{int(scripts)}@example.org")
    assert mails_to(demo, VICTIM) == []
