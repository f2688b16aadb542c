"""What a release would do: who gets what, for how long; counted, or told from a sample."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from newsletter.domain.states import DeliveryState
from newsletter.services import by_destination, dry_run, editions
from newsletter.services.dry_run import EVERYTHING
from newsletter.storage.tables import Delivery, Subscriber
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, add_readers, start_sending, store_updates

HOUR = timedelta(hours=1)


@pytest.fixture
def approved(database, publication):
    """November, approved."""
    store_updates(database)
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
        editions.approve(session, NOVEMBER, publication, by="a test", now=NOW)
    return database


def make(database, publication):
    with database.reading() as session:
        return dry_run.make(session, editions.get(session, NOVEMBER), publication, now=NOW)


def test_readers_are_told_by_language_and_by_how_much_they_follow(approved, publication):
    ids = add_readers(approved, ["KZ", "KZ;SD", "all", "all", "NZ", "central-asia"])
    with approved.writing() as session:
        session.execute(update(Subscriber).where(Subscriber.id == ids[0]).values(language="fr", text_only=True))
        session.execute(update(Subscriber).where(Subscriber.id == ids[3]).values(paused_until=NOW + HOUR))

    run = make(approved, publication)

    assert (run.active, run.paused, run.readers, run.skipped, run.text_only) == (6, 1, 4, 1, 1)
    assert run.languages == {"en": 3, "fr": 1}
    assert run.selections == {"1 place": 1, "2 to 5 places": 2, EVERYTHING: 1}
    assert not run.is_estimate
    assert 0 < run.smallest < run.median <= run.largest


def test_nobody_to_send_to_is_no_fault(approved, publication):
    run = make(approved, publication)

    assert (run.readers, run.skipped, run.smallest, run.largest) == (0, 0, 0, 0)


def test_of_many_a_sample_is_told_and_the_totals_are_counted(approved, publication, monkeypatch):
    monkeypatch.setattr(dry_run, "EXACT", 1_000)
    monkeypatch.setattr(dry_run, "SAMPLE", 600)
    add_readers(approved, ["KZ", "NZ", "all"] * 500)
    with approved.writing() as session:
        session.execute(update(Subscriber).where(Subscriber.id % 10 == 0).values(paused_until=NOW + HOUR))

    run = make(approved, publication)

    assert (run.active, run.paused, run.sampled) == (1_500, 150, 600)
    assert run.readers + run.skipped + run.paused == run.active
    assert run.readers == pytest.approx(900, rel=0.1)
    assert sum(run.selections.values()) == pytest.approx(run.readers, abs=2)
    assert make(approved, publication) == run


def test_what_was_kept_is_read_again(approved, publication):
    add_readers(approved, ["KZ", "all"])
    run = make(approved, publication)
    with approved.writing() as session:
        edition = editions.get(session, NOVEMBER)
        assert dry_run.kept(session, edition) is None
        dry_run.keep(session, edition, run)
        dry_run.keep(session, edition, run)
    with approved.reading() as session:
        assert dry_run.kept(session, editions.get(session, NOVEMBER)) == run


def pace(database, readers, rate, canary=0.0):
    with database.reading() as session:
        return dry_run.pace(session, readers, rate=rate, first_at=NOW, canary=canary, canary_wait=HOUR)


def test_the_set_rate_tells_when_the_last_mail_goes(approved):
    assert pace(approved, 7_200, 2.0).last_at == NOW + HOUR
    assert pace(approved, 7_200, 2.0, canary=5.0).last_at == NOW + 2 * HOUR


def test_without_a_rate_the_last_edition_tells_and_before_any_nobody_knows(approved, publication):
    assert pace(approved, 100, 0.0).last_at is None

    add_readers(approved, ["all"] * 50)
    with approved.writing() as session:
        edition = editions.get(session, NOVEMBER)
        dry_run.keep(session, edition, dry_run.make(session, edition, publication, now=NOW))
        edition.state, edition.send_started_at, edition.ended_at = "sent", NOW, NOW + timedelta(seconds=10)

    told = pace(approved, 100, 0.0)
    assert (told.rate, told.source, told.last_at) == (5.0, "as fast as 2022-11 went", NOW + timedelta(seconds=20))


def test_each_destination_tells_its_part_of_a_send(database, sending_to):
    edition_id = sending_to(["gmail.com", "hotmail.com", "example.org"], 9)
    with database.writing() as session:
        rows = session.query(Delivery).order_by(Delivery.subscriber_id).all()
        for row in rows[:3]:
            row.state = "sent"
        rows[3].state = "deferred"

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.id == edition_id
        told = by_destination.shares(session, edition, 9)

    assert not told.is_sample
    assert [(each.name, each.total) for each in told.of] == [("example.org", 3), ("gmail", 3), ("outlook", 3)]
    gmail = told.of[1]
    assert gmail.deliveries == {DeliveryState.SENT: 1, DeliveryState.DEFERRED: 1, DeliveryState.PENDING: 1}
    assert (gmail.percent("sent"), gmail.percent("sent", "deferred")) == (33, 67)


def test_of_a_large_send_a_sample_is_looked_at_and_small_destinations_are_added_up(database, sending_to, monkeypatch):
    monkeypatch.setattr(by_destination, "SAMPLE", 100)
    sending_to([f"d{number}.example" for number in range(20)], 400)

    with database.reading() as session:
        told = by_destination.shares(session, editions.get(session, NOVEMBER), 400)

    assert told.is_sample
    assert told.looked_at == sum(each.total for each in told.of) == 100
    assert len(told.of) == by_destination.MOST + 1
    assert told.of[-1].name == "all others"


@pytest.fixture
def sending_to(database, settings):
    """November, being sent to so many readers at these domains in turn."""

    def start(domains, number):
        return start_sending(database, settings, ["all"] * number, domains=domains)

    return start
