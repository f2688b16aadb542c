"""What a subscriber gets who asks what is known of them: all of theirs, nothing of others."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import inspect, select

from newsletter.domain.address import Address
from newsletter.domain.states import SuppressionReason
from newsletter.services import address_changes, leaving, personal_data, preferences, suppressions
from newsletter.storage.tables import (
    AddressChange,
    Base,
    Consent,
    Delivery,
    Notice,
    Subscriber,
    Subscription,
    Suppression,
)
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, arm, begin, start_sending

HOUR = timedelta(hours=1)
READER = 2

#: What is nobody's data but the service's own: keys that only point, and how a message is handed over.
INTERNAL = {
    "admin_id",  # of notices to admins
    "about",  # of test copies, which are for colleagues
    "subscriber_id",
    "edition_id",
    "address_key",
    "address_hash",
    "owner",
    "flagged",
    "place_code",
    "region_code",
}


def collect(database):
    with database.reading() as session:
        found = personal_data.collect(session, session.get_one(Subscriber, READER), tokens=TOKENS)
    return json.loads(json.dumps(found))


def live_through_much(database, settings):
    """Three readers of an edition, of whom one changes their mind, asks for another address, and leaves."""
    edition_id = start_sending(database, settings, ["KZ", "KZ;SD", "SD"])
    with database.writing() as session:
        arming, _ = begin(session)
        arm(session, arming, edition_id)
        ada = preferences.subscriber_of_link(session, READER)
        preferences.change(session, ada, ("ET",), alerts_at_once=True, origin=ORIGIN, now=NOW + HOUR)
        new = Address.parse("ada@new.example.org")
        address_changes.request(session, ada, new, origin=ORIGIN, tokens=TOKENS, now=NOW + HOUR)
        leaving.leave(session, ada, reason="other; retired", origin=ORIGIN, tokens=TOKENS, now=NOW + 2 * HOUR)
        suppressions.suppress(session, ada.address_key, SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)


def test_all_that_is_known_is_told(database, settings):
    live_through_much(database, settings)

    told = collect(database)

    assert told["subscriber"]["address"] == "reader2@example.org"
    assert told["subscriber"]["ended_at"] == "2022-12-01T11:00:00+00:00"
    assert [(each["subject"], each["reason"]) for each in told["subscriptions"]] == [
        ("ET", "unsubscribed: other; retired")
    ]
    assert [each["act"] for each in told["consents"]] == ["changed", "address_asked", "ended"]
    assert {each["ip"] for each in told["consents"]} == {ORIGIN.ip}
    assert [each["kind"] for each in told["notices"]] == ["address_change", "goodbye"]
    assert [(each["month"], each["state"]) for each in told["deliveries"]] == [("2022-11", "armed")]
    assert told["address_change"]["address"] == "ada@new.example.org"
    assert told["suppression"] == {"reason": "complaint", "at": "2022-12-01T09:00:00+00:00"}


def test_nothing_of_others_is_told(database, settings):
    live_through_much(database, settings)

    text = json.dumps(collect(database))

    assert "reader1@" not in text
    assert "reader3@" not in text


def test_how_the_question_at_a_new_address_fared_is_not_told(database, settings):
    live_through_much(database, settings)

    (question, goodbye) = collect(database)["notices"]
    assert set(question) == {"kind", "created_at", "address"}
    assert goodbye["state"] == "pending"


def test_every_column_about_a_subscriber_is_told_or_known_to_be_nobodys(database, settings):
    live_through_much(database, settings)
    told = collect(database)
    shown = {
        Subscriber: told["subscriber"],
        Subscription: told["subscriptions"][0] | {"id": 0},
        Consent: told["consents"][0] | {"id": 0},
        Notice: told["notices"][1] | {"id": 0, "attempt": 0, "due_at": 0},
        Delivery: told["deliveries"][0] | {"attempt": told["deliveries"][0]["tries"]},
        AddressChange: told["address_change"] | {"id": 0},
        Suppression: told["suppression"],
    }

    for table, facts in shown.items():
        assert set(inspect(table).columns.keys()) - INTERNAL <= set(facts), table.__name__
    about = {table.name for table in Base.metadata.sorted_tables if "subscriber_id" in table.columns}
    assert about <= {table.__tablename__ for table in shown}


def test_who_has_just_come_is_told_as_much_as_there_is(database, settings):
    start_sending(database, settings, ["KZ", "SD"])
    with database.writing() as session:
        session.delete(session.scalars(select(Delivery).where(Delivery.subscriber_id == READER)).one())

    told = collect(database)

    assert (told["deliveries"], told["notices"], told["address_change"], told["suppression"]) == ([], [], None, None)
    assert told["subscriber"]["follows"] == ["SD"]
