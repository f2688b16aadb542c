"""Subscribers found on both databases; and how many there were, month by month."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.domain.address import Address
from newsletter.domain.states import SubscriberState
from newsletter.jobs.growth import count_growth
from newsletter.services import growth, preferences, subscriber_search, subscribers
from newsletter.services.subscriber_search import Day, Wanted
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS

PEOPLE = ["ada@example.org", "Ada-b@example.net", "a_x@example.org", "bert@example.org", "zoë@bücher.example"]


@pytest.fixture
def people(database):
    """Five subscribers, one a day; the last but one has left a month later."""
    for number, address in enumerate(PEOPLE):
        at = NOW + timedelta(days=number)
        row = subscribers.Row(Address.parse(address), ("KZ",) if number % 2 else ("SD", "KZ"), "en", at, "x")
        with database.writing() as session:
            subscribers.take_in(session, row, tokens=TOKENS, source="test", now=at)
    with database.writing() as session:
        bert = subscribers.by_address(session, "bert@example.org")
        preferences.end(session, bert, "asked", origin=ORIGIN, now=NOW + timedelta(days=35))
    return database


def found(database, **wanted):
    with database.reading() as session:
        page = subscriber_search.find(session, Wanted(**wanted))
        return sorted(each.address for each in page.subscribers)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"written": "ada"}, ["Ada-b@example.net", "ada@example.org"]),
        ({"written": "ada-"}, ["Ada-b@example.net"]),
        ({"written": "a_"}, ["a_x@example.org"]),
        ({"written": "zoë"}, ["zoë@bücher.example"]),
        ({"written": "@xn--bcher-kva.example"}, ["zoë@bücher.example"]),
        ({"written": "@example"}, []),
        ({"follows": "SD"}, ["a_x@example.org", "ada@example.org", "zoë@bücher.example"]),
        ({"state": SubscriberState.ENDED}, ["bert@example.org"]),
        ({"written": "@example.org", "state": SubscriberState.ENDED}, ["bert@example.org"]),
        ({"since": NOW + timedelta(days=1), "before": NOW + timedelta(days=2)}, ["Ada-b@example.net"]),
        ({"day": Day.ENDED, "since": NOW}, ["bert@example.org"]),
    ],
)
def test_who_fits_is_found(people, wanted, expected):
    assert found(people, **wanted) == expected


@pytest.mark.parametrize(
    "wanted", [{}, {"written": "@example.org"}, {"follows": "KZ"}, {"since": NOW}, {"written": "a"}]
)
def test_page_by_page_everybody_is_found_once(people, monkeypatch, wanted):
    everybody = found(people, **wanted)
    monkeypatch.setattr(subscriber_search, "PAGE", 1)
    monkeypatch.setattr(subscriber_search, "_LOOKS", (1, 1))
    seen, after = [], None
    with people.reading() as session:
        while True:
            page = subscriber_search.find(session, Wanted(**wanted), after=after)
            seen += [each.address for each in page.subscribers]
            if page.next_after is None:
                break
            after = page.next_after

    assert sorted(seen) == everybody


def test_growth_is_counted_by_month_and_again_after_an_hour(people):
    later = NOW + timedelta(days=62)

    assert count_growth(people, now=later)
    assert not count_growth(people, now=later + timedelta(minutes=59))
    with people.reading() as session:
        shown = [(str(each.month), each.joined, each.ended, each.total) for each in growth.shown(session)]
    assert shown == [("2022-12", 5, 0, 5), ("2023-01", 0, 1, 4), ("2023-02", 0, 0, 4)]
    assert count_growth(people, now=later + timedelta(hours=1))
