"""A pause: for 1 to 6 months, by the calendar of the publication's zone; and digests without HTML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.errors import InvalidInput, SubscriptionEnded
from newsletter.services import leaving, preferences, signup
from newsletter.storage.tables import Consent, Subscriber
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, dump

HOUR = timedelta(hours=1)
KATHMANDU = ZoneInfo("Asia/Kathmandu")


@pytest.fixture
def reader(sqlite):
    with sqlite.writing() as session:
        address = Address.parse("ada@example.org")
        signup.request(session, address, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
    return sqlite


def pause(database, months, *, zone=UTC, at=NOW):
    with database.writing() as session:
        ada = preferences.subscriber_of_link(session, 1)
        preferences.pause(session, ada, months, zone=zone, origin=ORIGIN, now=at)


def resume(database, *, at):
    with database.writing() as session:
        preferences.resume(session, preferences.subscriber_of_link(session, 1), origin=ORIGIN, now=at)


def state(database):
    with database.reading() as session:
        acts = session.scalars(select(Consent.act).order_by(Consent.id)).all()
        return session.get_one(Subscriber, 1).paused_until, acts[2:]


@pytest.mark.parametrize(
    ("at", "months", "zone", "until"),
    [
        pytest.param("2022-12-01T18:30", 1, "UTC", "2023-01-01T00:00", id="the digest of the day it ends on comes"),
        pytest.param("2022-08-31T09:00", 6, "UTC", "2023-02-28T00:00", id="a shorter month's last day"),
        pytest.param("2023-08-31T09:00", 6, "UTC", "2024-02-29T00:00", id="of a leap year"),
        pytest.param("2022-12-31T20:00", 1, "Asia/Kathmandu", "2023-01-31T18:15", id="by the day of the zone"),
        pytest.param("2022-10-05T09:00", 1, "Europe/Berlin", "2022-11-04T23:00", id="the clocks changed in between"),
    ],
)
def test_a_pause_ends_as_the_same_day_of_a_later_month_begins(at, months, zone, until):
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)

    end = preferences.pause_end(months, zone=ZoneInfo(zone), now=now)

    assert end.astimezone(UTC) == datetime.fromisoformat(until).replace(tzinfo=UTC)


def test_a_pause_is_recorded_and_ended_once(reader):
    pause(reader, 3, zone=KATHMANDU)
    assert state(reader) == (datetime(2023, 2, 28, 18, 15, tzinfo=UTC), ["paused"])

    for hours in (1, 2):
        resume(reader, at=NOW + hours * HOUR)
    assert state(reader) == (None, ["paused", "resumed"])


def test_a_pause_that_runs_is_replaced_and_one_that_is_over_needs_no_end(reader):
    pause(reader, 6)
    pause(reader, 1)
    assert state(reader)[0] == datetime(2023, 1, 1, tzinfo=UTC)

    before = dump(reader)
    resume(reader, at=datetime(2023, 1, 1, tzinfo=UTC))
    assert dump(reader) == before


@pytest.mark.parametrize("months", [-1, 0, 7, 1200])
def test_other_spans_are_refused(reader, months):
    with pytest.raises(InvalidInput, match="choose a pause of 1 to 6 months"):
        pause(reader, months)


def test_who_has_left_has_nothing_to_pause_or_to_format(reader):
    with reader.writing() as session:
        leaving.leave(session, session.get_one(Subscriber, 1), origin=ORIGIN, tokens=TOKENS, now=NOW)

    with pytest.raises(SubscriptionEnded):
        pause(reader, 1)
    with pytest.raises(SubscriptionEnded):
        resume(reader, at=NOW)
    with reader.writing() as session, pytest.raises(SubscriptionEnded):
        preferences.set_text_only(session, session.get_one(Subscriber, 1), True, origin=ORIGIN, now=NOW)


def test_the_format_is_recorded_when_it_changes(reader):
    for _ in range(2):
        with reader.writing() as session:
            ada = preferences.subscriber_of_link(session, 1)
            preferences.set_text_only(session, ada, True, origin=ORIGIN, now=NOW)

    assert state(reader)[1] == ["changed"]
    with reader.reading() as session:
        assert session.get_one(Subscriber, 1).text_only
