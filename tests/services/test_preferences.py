"""Changing and leaving; and whatever happens, `follows` says the same as the subscriptions."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.errors import LinkInvalid, NewsletterError, SubscriptionEnded
from newsletter.services import preferences, signup
from newsletter.services.consents import LONGEST_SOURCE, Origin
from newsletter.services.preferences import LONGEST_REASON
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Consent, Subscriber, Subscription
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, at_once, dump

HOUR = timedelta(hours=1)


@pytest.fixture
def reader(database):
    """An active subscriber of Kazakhstan and Sudan; their id."""
    with database.writing() as session:
        address = Address.parse("ada@example.org")
        signup.request(session, address, ("SD", "KZ"), origin=ORIGIN, tokens=TOKENS, now=NOW)
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
    return 1


def change(database, *subjects, alerts_at_once=False, at=NOW + HOUR):
    with database.writing() as session:
        subscriber = preferences.subscriber_of_link(session, 1)
        preferences.change(session, subscriber, subjects, alerts_at_once=alerts_at_once, origin=ORIGIN, now=at)


def end(database, reason="unsubscribed", origin=ORIGIN, at=NOW + HOUR):
    with database.writing() as session:
        preferences.end(session, preferences.subscriber_of_link(session, 1), reason, origin=origin, now=at)


def history(database):
    with database.reading() as session:
        found = session.scalars(select(Subscription).order_by(Subscription.id)).all()
        return [(each.subject, each.requested_at, each.confirmed_at, each.ended_at, each.reason) for each in found]


def acts(database):
    with database.reading() as session:
        return list(session.scalars(select(Consent.act).order_by(Consent.id)))


def test_a_change_keeps_what_stays_ends_what_goes_and_begins_what_is_new(database, reader):
    change(database, "central-asia", "SD")

    later = NOW + HOUR
    assert history(database) == [
        ("SD", NOW, NOW, None, None),
        ("KZ", NOW, NOW, later, "changed"),
        ("central-asia", later, later, None, None),
    ]
    assert acts(database) == ["requested", "confirmed", "changed"]


def test_changing_to_the_same_changes_nothing(database, reader):
    before = dump(database)

    change(database, "SD", "KZ")

    assert dump(database) == before


def test_asking_for_alerts_is_a_change_of_its_own_and_once(database, reader):
    for hours in (1, 2):
        change(database, "SD", "KZ", alerts_at_once=True, at=NOW + hours * HOUR)

    assert acts(database) == ["requested", "confirmed", "changed"]
    assert [ended for *_, ended, _ in history(database)] == [None, None]
    with database.reading() as session:
        assert session.get_one(Subscriber, reader).alerts_at_once
    change(database, "SD", "KZ", at=NOW + 3 * HOUR)
    with database.reading() as session:
        assert not session.get_one(Subscriber, reader).alerts_at_once


def test_what_was_given_up_can_be_followed_again(database, reader):
    change(database, "all")
    change(database, "KZ", at=NOW + 2 * HOUR)

    assert [(subject, ended is None) for subject, _, _, ended, _ in history(database)] == [
        ("SD", False),
        ("KZ", False),
        ("all", False),
        ("KZ", True),
    ]


def test_leaving_ends_everything_once(database, reader):
    end(database)
    before = dump(database)
    at_once(4, lambda: end(database, at=NOW + 2 * HOUR))

    assert dump(database) == before
    assert [(ended, reason) for *_, ended, reason in history(database)] == [(NOW + HOUR, "unsubscribed")] * 2
    assert acts(database) == ["requested", "confirmed", "ended"]
    with database.reading() as session:
        found = session.get_one(Subscriber, reader)
        assert (found.state, found.follows, found.ended_at) == ("ended", "", NOW + HOUR)


def test_many_who_press_leave_at_once_leave_one_entry(database, reader):
    at_once(6, lambda: end(database))

    assert acts(database) == ["requested", "confirmed", "ended"]


def test_who_has_left_can_change_nothing(database, reader):
    end(database)
    before = dump(database)

    with pytest.raises(SubscriptionEnded):
        change(database, "SD")
    assert dump(database) == before


def test_a_link_of_nobody_leads_nowhere(database):
    with pytest.raises(LinkInvalid), database.reading() as session:
        preferences.subscriber_of_link(session, 1)


def test_a_long_reason_and_a_long_source_are_cut_to_what_their_columns_hold(database, reader):
    end(database, "because " * 100, Origin("file " * 100, "told"))

    assert {len(reason) for *_, reason in history(database)} == {LONGEST_REASON}
    with database.reading() as session:
        assert max(len(source) for source in session.scalars(select(Consent.source))) == LONGEST_SOURCE


def random_selection(dice):
    codes = ["all", *(region.code for region in gazetteer().regions), "KZ", "SD", "ET", "ML", "KASHMIR"]
    return subjects_.parse(dice.sample(codes, dice.randint(1, 4)), gazetteer())


@pytest.mark.parametrize("seed", range(2))
def test_follows_equals_the_live_confirmed_subscriptions_after_any_acts(database, seed):
    dice = random.Random(seed)
    address = Address.parse("ada@example.org")
    now = NOW

    def act(session):
        chosen = dice.choice(["request", "request", "confirm", "confirm", "change", "change", "change", "end"])
        if chosen == "request":
            signup.request(session, address, random_selection(dice), origin=ORIGIN, tokens=TOKENS, now=now)
            return
        if chosen == "confirm":
            signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=now)
            return
        subscriber = preferences.subscriber_of_link(session, 1)
        if chosen == "change":
            wanted = random_selection(dice)
            preferences.change(session, subscriber, wanted, alerts_at_once=False, origin=ORIGIN, now=now)
        else:
            preferences.end(session, subscriber, "unsubscribed", origin=ORIGIN, now=now)

    states = set()
    rows = 0
    for _ in range(60):
        now += HOUR
        try:
            with database.writing() as session:
                act(session)
        except NewsletterError:
            continue
        with database.reading() as session:
            subscriber = session.get_one(Subscriber, 1)
            live = preferences.live_subscriptions(session, 1)
            confirmed = [each.subject for each in live if each.confirmed_at is not None]
            assert subscriber.follows == subjects_.join(confirmed)
            assert all(each.confirmed_at for each in live) or subscriber.state == "pending"
            kept = len(session.scalars(select(Subscription.id)).all())
            assert kept >= rows
            rows = kept
            states.add(subscriber.state)
    assert states == {"pending", "active", "ended"}
