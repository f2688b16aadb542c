"""Asking and confirming: nobody gets more than the question until they have said yes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.errors import AddressSuppressed, LinkInvalid, SubscriptionEnded
from newsletter.services import disposable, preferences, signup, suppressions
from newsletter.storage.tables import Consent, Notice, Subscriber, Subscription
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, at_once, dump

ADA = Address.parse("Ada@Example.org")
MINUTE = timedelta(minutes=1)


def ask(database, *subjects, at=NOW, address=ADA):
    with database.writing() as session:
        signup.request(session, address, subjects or ("KZ",), origin=ORIGIN, tokens=TOKENS, now=at)


def confirm(database, at=NOW):
    with database.writing() as session:
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=at)


def leave(database, at=NOW):
    with database.writing() as session:
        preferences.end(session, session.get_one(Subscriber, 1), "unsubscribed", origin=ORIGIN, now=at)


def rows(database, table, *columns):
    with database.reading() as session:
        return list(session.execute(select(*columns).order_by(table.id)))


def notices(database):
    return [kind for (kind,) in rows(database, Notice, Notice.kind)]


def subscriptions(database):
    columns = (Subscription.confirmed_at.is_not(None), Subscription.ended_at.is_not(None), Subscription.reason)
    with database.reading() as session:
        found = session.scalars(select(Subscription).order_by(Subscription.id)).all()
        subjects = [each.subject for each in found]
    return [(subject, *row) for subject, row in zip(subjects, rows(database, Subscription, *columns), strict=True)]


def subscriber(database):
    with database.reading() as session:
        return session.scalars(select(Subscriber)).one()


def test_a_new_address_is_pending_and_asked_once_by_mail(database):
    ask(database, "central-asia", "SD")

    found = subscriber(database)
    assert (found.address, found.address_key) == ("Ada@example.org", "ada@example.org")
    assert (found.state, found.follows, found.confirmed_at) == ("pending", "", None)
    assert subscriptions(database) == [("central-asia", False, False, None), ("SD", False, False, None)]
    assert rows(database, Consent, Consent.act, Consent.source, Consent.ip, Consent.text, Consent.at) == [
        ("requested", "/subscribe", "192.0.2.1", "Send me updates.", NOW)
    ]
    assert rows(database, Notice, Notice.kind, Notice.state, Notice.due_at) == [
        ("confirmation", "pending", int(NOW.timestamp()))
    ]


def test_what_a_request_writes_is_undone_together(database):
    before = dump(database)

    def ask_and_fail():
        with database.writing() as session:
            signup.request(session, ADA, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
            session.flush()
            raise RuntimeError("the process has died")

    with pytest.raises(RuntimeError, match="died"):
        ask_and_fail()

    assert dump(database) == before


def test_nobody_is_asked_twice_in_15_minutes_or_four_times_a_day(database):
    asked_at = [0, 1, 14, 15, 29, 30, 45, 60, 24 * 60 - 1]  # minutes; what is asked at 0, 15 and 30 goes out
    for minutes in asked_at:
        ask(database, at=NOW + minutes * MINUTE)
    assert notices(database) == ["confirmation"] * 3


def test_nobody_is_asked_more_than_three_times_in_all(database):
    for days in range(6):
        ask(database, at=NOW + timedelta(days=days))

    assert notices(database) == ["confirmation"] * 3


def test_who_has_left_can_be_asked_three_times_again(database):
    for days in range(3):
        ask(database, at=NOW + timedelta(days=days))
    confirm(database, at=NOW + timedelta(days=3))
    leave(database, at=NOW + timedelta(days=4))

    for days in range(5, 10):
        ask(database, at=NOW + timedelta(days=days))

    assert notices(database) == ["confirmation"] * 3 + ["welcome"] + ["confirmation"] * 3


def test_asking_again_before_the_answer_replaces_what_was_asked(database):
    ask(database, "SD", "KZ")
    ask(database, "central-asia", "SD")
    confirm(database)

    assert subscriptions(database) == [
        ("SD", True, False, None),
        ("KZ", False, True, "asked again"),
        ("central-asia", True, False, None),
    ]
    # In the order of a selection, whatever was asked for first: so that the same selection is the same text.
    assert subscriber(database).follows == "central-asia;SD"


def test_who_is_active_is_told_so_and_nothing_changes(database):
    ask(database)
    confirm(database)
    before = (subscriptions(database), rows(database, Consent, Consent.act), subscriber(database).follows)

    for hours in (1, 2, 3, 4):
        ask(database, "SD", at=NOW + timedelta(hours=hours))

    after = (subscriptions(database), rows(database, Consent, Consent.act), subscriber(database).follows)
    assert after == before
    # With the confirmation, two of them make three mails that a stranger can cause in a day.
    assert notices(database) == ["confirmation", "welcome", "already_subscribed", "already_subscribed"]


def send_link(database, address=ADA, **how):
    with database.writing() as session:
        signup.send_manage_link(session, address, tokens=TOKENS, now=NOW + timedelta(hours=1), **how)


def test_the_link_to_their_page_goes_to_who_is_active_within_the_same_limits(database):
    ask(database)
    confirm(database)

    for _ in range(3):
        send_link(database)

    assert notices(database) == ["confirmation", "welcome", "manage_link"]


@pytest.mark.parametrize("who", ["nobody", "pending", "ended", "suppressed", "trapped"])
def test_nobody_else_gets_that_link_and_nothing_is_kept(database, who):
    if who != "nobody":
        ask(database)
    if who not in ("nobody", "pending"):
        confirm(database)
    if who == "ended":
        leave(database)
    if who == "suppressed":
        with database.writing() as session:
            suppressions.suppress(session, ADA.key, SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)
    before = dump(database)

    send_link(database, keep=who != "trapped")

    assert dump(database) == before


def test_a_request_that_is_not_to_be_kept_leaves_no_trace(database):
    before = dump(database)

    with database.writing() as session:
        signup.request(session, ADA, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW, keep=False)

    assert dump(database) == before


def test_the_ledger_says_that_an_address_is_one_to_be_thrown_away(database):
    with database.writing() as session:
        disposable.add(session, ["example.net"], now=NOW)

    ask(database)
    ask(database, address=Address.parse("ada@mail.example.net"))

    assert rows(database, Consent, Consent.source) == [("/subscribe",), ("/subscribe, disposable address",)]
    assert notices(database) == ["confirmation", "confirmation"]


def test_who_is_suppressed_gets_nothing_and_leaves_no_trace(database):
    with database.writing() as session:
        suppressions.suppress(session, ADA.key, SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)
    before = dump(database)

    ask(database, address=Address.parse("ADA@EXAMPLE.ORG"))

    assert dump(database) == before


def test_who_has_left_is_asked_anew_and_the_history_stays(database):
    ask(database)
    confirm(database)
    leave(database, at=NOW + timedelta(days=1))
    ask(database, "SD", at=NOW + timedelta(days=2))

    assert subscriber(database).state == "pending"
    assert subscriptions(database) == [("KZ", True, True, "unsubscribed"), ("SD", False, False, None)]
    confirm(database, at=NOW + timedelta(days=3))

    found = subscriber(database)
    assert (found.state, found.follows) == ("active", "SD")
    assert (found.confirmed_at, found.ended_at) == (NOW + timedelta(days=3), None)
    acts = ["requested", "confirmed", "ended", "requested", "confirmed"]
    assert [act for (act,) in rows(database, Consent, Consent.act)] == acts


def test_a_new_address_that_is_typed_by_many_at_once_is_one_subscriber(database):
    at_once(8, lambda: ask(database, "KZ", "SD"))

    assert subscriber(database).state == "pending"
    assert subscriptions(database) == [("KZ", False, False, None), ("SD", False, False, None)]
    assert notices(database) == ["confirmation"]


def test_confirming_twice_changes_nothing_and_welcomes_once(database):
    ask(database)
    confirm(database)
    before = dump(database)

    confirm(database, at=NOW + timedelta(days=1))
    at_once(4, lambda: confirm(database, at=NOW + timedelta(days=1)))

    assert dump(database) == before
    assert notices(database) == ["confirmation", NoticeKind.WELCOME]
    assert subscriptions(database) == [("KZ", True, False, None)]


def test_a_button_that_is_pressed_many_times_at_once_welcomes_once(database):
    ask(database)

    at_once(6, lambda: confirm(database))

    assert notices(database) == ["confirmation", "welcome"]
    assert [act for (act,) in rows(database, Consent, Consent.act)] == ["requested", "confirmed"]


def test_a_link_of_nobody_or_of_who_has_left_confirms_nothing(database):
    with pytest.raises(LinkInvalid):
        confirm(database)
    ask(database)
    leave(database)
    before = dump(database)

    with pytest.raises(SubscriptionEnded):
        confirm(database)
    assert dump(database) == before


def test_a_question_without_subscriptions_can_not_be_confirmed(database):
    ask(database)
    with database.writing() as session:
        session.delete(session.scalars(select(Subscription)).one())

    with pytest.raises(LinkInvalid):
        confirm(database)


def test_an_address_that_was_suppressed_after_it_was_asked_is_not_subscribed(database):
    ask(database)
    with database.writing() as session:
        suppressions.suppress(session, ADA.key, SuppressionReason.BY_ADMIN, tokens=TOKENS, now=NOW)

    with pytest.raises(AddressSuppressed):
        confirm(database)

    assert subscriber(database).state == "pending"
    assert notices(database) == ["confirmation"]
