"""What became of an edition: counted when it has ended, kept, and counted anew while readers may still leave."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from newsletter.domain.states import SuppressionReason
from newsletter.jobs import reporting
from newsletter.services import editions, failures, leaving, old_deliveries, rates, reports, suppressions
from newsletter.services.rates import Minute
from newsletter.storage.tables import Delivery, Edition, EditionReport, Subscriber, Subscription
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, ORIGIN, TOKENS, start_sending

ENDED = NOW + timedelta(minutes=20)
FIRST = int(NOW.timestamp()) // 60 * 60


@pytest.fixture
def over(database, settings):
    """November went to ten: five were sent within minutes, three failed, one was skipped, one is held and flagged."""
    edition_id = start_sending(database, settings, ["KZ"] * 9 + ["all"])
    said = {6: "550 5.1.1 no such user", 7: "550 5.1.1 <address> unknown", 8: "452 4.2.2 over quota"}
    with database.writing() as session:
        for number, minute in ((1, 0), (2, 0), (3, 0), (4, 1), (5, 4)):
            set_row(session, number, state="sent", changed_at=FIRST + 60 * minute + 5)
        for number, words in said.items():
            set_row(session, number, state="failed", detail=words)
        set_row(session, 9, state="skipped", detail="paused")
        set_row(session, 10, state="held", flagged=True)
        session.execute(update(Edition).values(state="sent", ended_at=ENDED))
    return edition_id


def set_row(session, number, **values):
    session.execute(update(Delivery).where(Delivery.subscriber_id == number).values(**values))


def made(database, settings, *, now=ENDED):
    with database.reading() as session:
        return reports.make(session, editions.get(session, NOVEMBER), settings.publication, now=now)


def kept(database):
    with database.reading() as session:
        return reports.kept(session, editions.get(session, NOVEMBER))


def test_it_counts_each_state_and_says_why(database, settings, over):
    report = made(database, settings)

    assert (report.sent, report.failed, report.held, report.flagged) == (5, 3, 1, 1)
    assert report.readers == 9
    assert report.skipped == {"paused": 1}
    assert [(each.words, each.count) for each in report.failures] == [
        ("there is no such mailbox", 2),
        ("put off until its time was over: the mailbox is full", 1),
    ]
    assert report.minutes == (Minute(FIRST, 3), Minute(FIRST + 60, 1), Minute(FIRST + 240, 1))
    assert report.seconds == 240
    assert 3_000 < report.sizes.smallest < report.sizes.largest


def test_who_left_after_it_is_told_by_day_and_by_what_they_followed(database, settings, over):
    with database.writing() as session:
        for number, days in ((1, 0), (2, 0), (10, 2), (3, 40)):
            at = ENDED + timedelta(days=days)
            reader = session.get_one(Subscriber, number)
            place = None if reader.follows == "all" else reader.follows
            session.add(Subscription(subscriber_id=number, place_code=place, requested_at=NOW, confirmed_at=NOW))
            session.flush()
            leaving.leave(session, reader, reason="too long", origin=ORIGIN, tokens=TOKENS, now=at)
        suppressions.suppress(session, "x@example.org", SuppressionReason.HARD_BOUNCE, tokens=TOKENS, now=ENDED)
        suppressions.suppress(session, "y@example.org", SuppressionReason.COMPLAINT, tokens=TOKENS, now=ENDED)
        suppressions.suppress(
            session, "z@example.org", SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW - timedelta(days=9)
        )

    report = made(database, settings, now=ENDED + timedelta(days=9))

    assert report.left == 3
    assert report.left_by_day == {"2022-12-01": 2, "2022-12-03": 1}
    assert report.left_by_subject == {"KZ": 2, "all": 1}
    assert (report.bounced, report.complained) == (1, 1)


def test_the_service_makes_it_once_the_edition_has_ended_and_again_each_day_for_a_while(database, settings, over):
    publication = settings.publication
    assert kept(database) is None
    assert reporting.make_report(database, publication, now=ENDED) is True
    assert kept(database) == made(database, settings)
    assert reporting.make_report(database, publication, now=ENDED + timedelta(hours=23)) is False
    assert reporting.make_report(database, publication, now=ENDED + timedelta(hours=25)) is True
    assert reporting.make_report(database, publication, now=ENDED + timedelta(days=31)) is False


def test_after_an_edition_was_sent_on_the_report_before_it_is_not_shown(database, settings, over):
    reporting.make_report(database, settings.publication, now=ENDED)
    with database.writing() as session:
        session.execute(update(Edition).values(state="sending", ended_at=None))
    assert kept(database) is None

    later = ENDED + timedelta(hours=2)
    with database.writing() as session:
        session.execute(update(Edition).values(state="sent", ended_at=later))
    assert kept(database) is None
    assert reporting.make_report(database, settings.publication, now=later) is True
    assert kept(database).made_at == later


def test_a_report_that_was_counted_before_the_end_is_not_kept(database, settings, over):
    report = made(database, settings, now=ENDED - timedelta(minutes=1))
    with database.writing() as session:
        reports.keep(session, editions.get(session, NOVEMBER), report)
        assert session.scalars(select(EditionReport)).all() == []


def test_of_forgotten_deliveries_there_are_the_totals(database, settings, over):
    late = ENDED + old_deliveries.KEPT + timedelta(days=1)
    with database.writing() as session:
        assert old_deliveries.forget(session, now=late, most=100) == 10

    report = made(database, settings, now=late)

    assert (report.sent, report.failed, report.minutes, report.failures) == (5, 4, (), ())
    assert reports.unknown_skips(report) == 1


def test_editions_are_compared_by_what_was_counted(database, settings, over):
    reporting.make_report(database, settings.publication, now=ENDED)
    with database.reading() as session:
        (november,) = reports.compare(session)

    assert (november.month, november.readers, november.left) == ("2022-11", 9, 0)
    assert november.failed_percent == pytest.approx(33.33, abs=0.01)


def test_a_draft_has_none(database, settings):
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)

    assert reporting.make_report(database, settings.publication, now=ENDED) is False
    assert kept(database) is None


def test_the_lines_for_a_terminal_tell_it_all(database, settings, over):
    told = "\n".join(reports.lines(made(database, settings)))

    assert "5 delivered to the relay, 3 failed (33.33 %), 1 held" in told
    assert "failed: 2 there is no such mailbox" in told
    assert "opens and clicks are not tracked" in told


def test_a_report_counts_even_when_nothing_is_frozen_any_more(database, settings, over):
    with database.writing() as session:
        editions.get(session, NOVEMBER).compiled = None
        session.execute(delete(EditionReport))

    assert made(database, settings).sizes is None


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("550 5.7.26 unauthenticated", "the receiver’s rules, such as spam filters, refused it"),
        ("550 5.7.1 no", "the receiver does not want this mail"),
        ("552 mailbox full", "the mailbox is full, or the mail too large for it"),
        ("599 what", "the receiver refused it"),
        ("421 4.4.2 timeout", "put off until its time was over: the receiving system could not be reached in time"),
        ("450 later", "put off until its time was over"),
        ("no reply came to the end of the message", "no reason was kept"),
        (None, "no reason was kept"),
    ],
)
def test_what_the_relay_said_in_plain_words(detail, words):
    assert failures.in_words(detail) == words


def test_many_minutes_are_told_as_few():
    minutes = [Minute(FIRST, 3), Minute(FIRST + 60 * 600, 5)]

    found = rates.merged(minutes, 120)

    assert sum(each.sent for each in found) == 8
    assert len(found) <= 121
    assert {each.minutes for each in found} == {10}
    assert rates.merged([], 5) == []
    assert rates.merged(minutes[:1], 5) == [Minute(FIRST, 3)]
