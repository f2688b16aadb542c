"""What is due is worked out from the clock and the editions that exist: nothing is remembered, nothing done twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from sqlalchemy import select

from newsletter.domain.month import Month
from newsletter.domain.update import UpdateState
from newsletter.errors import EditionStateError, InvalidInput
from newsletter.services import approval, deliveries, editions, editorial, schedule
from newsletter.services.deliveries import Terms
from newsletter.services.schedule import CATCH_UP_MONTHS, Schedule
from newsletter.storage.tables import AuditEvent, Delivery, Edition
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, add_readers, an_update, at_once, dump, store_updates

MONTHLY = Schedule("0 9 1 * *", ZoneInfo("UTC"))
THREE_DAYS = timedelta(hours=72)
SECOND = timedelta(seconds=1)


def utc(year, month, day, hour=0, minute=0):
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "month", "due"),
    [
        pytest.param("0 9 1 * *", "UTC", "2022-11", utc(2022, 12, 1, 9), id="the first of the month after"),
        pytest.param("0 9 1 * *", "UTC", "2022-12", utc(2023, 1, 1, 9), id="over the new year"),
        pytest.param("0 9 1 * *", "Asia/Kolkata", "2022-11", utc(2022, 12, 1, 3, 30), id="half an hour's zone"),
        pytest.param("0 9 1 * *", "Pacific/Kiritimati", "2022-11", utc(2022, 11, 30, 19), id="a day ahead of UTC"),
        pytest.param("0 9 1 * *", "Europe/Brussels", "2022-11", utc(2022, 12, 1, 8), id="winter"),
        pytest.param("0 9 1 * *", "Europe/Brussels", "2023-05", utc(2023, 6, 1, 7), id="summer"),
        pytest.param("30 2 26 * *", "Europe/Brussels", "2023-02", utc(2023, 3, 26, 1, 30), id="an hour left out"),
        pytest.param("30 2 29 * *", "Europe/Brussels", "2023-09", utc(2023, 10, 29, 0, 30), id="an hour that is twice"),
        pytest.param("0 0 1 * *", "America/Asuncion", "2023-09", utc(2023, 10, 1, 4), id="a midnight left out"),
        pytest.param("0 9 * * 1", "UTC", "2022-11", utc(2022, 12, 5, 9), id="1 is Monday, as cron has it"),
        pytest.param("0 9 * * 0", "UTC", "2022-11", utc(2022, 12, 4, 9), id="0 is Sunday"),
        pytest.param("0 9 * * 7", "UTC", "2022-11", utc(2022, 12, 4, 9), id="and so is 7"),
        pytest.param("0 9 * * 0-2", "UTC", "2022-11", utc(2022, 12, 4, 9), id="from Sunday on"),
        pytest.param("0 9 * * 5-7", "UTC", "2022-11", utc(2022, 12, 2, 9), id="until Sunday"),
        pytest.param("0 9 * * 3,tue", "UTC", "2022-11", utc(2022, 12, 6, 9), id="numbers and names"),
        pytest.param("0 9 * * 1-5/2", "UTC", "2022-11", utc(2022, 12, 2, 9), id="every second weekday"),
        pytest.param("0 9 * * */3", "UTC", "2022-11", utc(2022, 12, 3, 9), id="every third day from Sunday"),
        pytest.param("0 9 1-7 * mon", "UTC", "2022-11", utc(2022, 12, 5, 9), id="the first Monday"),
        pytest.param("0 9 31 * *", "UTC", "2022-11", utc(2022, 12, 31, 9), id="the 31st, where there is one"),
        pytest.param("0 9 31 * *", "UTC", "2022-10", None, id="the 31st, where there is none"),
        pytest.param("0 9 1 1 *", "UTC", "2022-11", None, id="once a year, in another month"),
        pytest.param("0 9 30 2 *", "UTC", "2023-01", None, id="a day that no year has"),
    ],
)
def test_when_the_edition_of_a_month_is_due(cron, zone, month, due):
    assert Schedule(cron, ZoneInfo(zone)).due_at(Month.parse(month)) == due


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        pytest.param(utc(2022, 12, 1, 8, 59), "2022-10", id="a minute before"),
        pytest.param(utc(2022, 12, 1, 9), "2022-11", id="on the minute"),
        pytest.param(utc(2022, 12, 31, 23, 59), "2022-11", id="at the month's end"),
        pytest.param(utc(2023, 1, 1, 8, 59), "2022-11", id="in the new year"),
    ],
)
def test_the_months_that_are_due(now, newest):
    due = MONTHLY.due_months(now)

    assert due == sorted(due)
    assert str(due[-1]) == newest
    assert CATCH_UP_MONTHS - 1 <= len(due) <= CATCH_UP_MONTHS


ZONES = sorted(available_timezones())
SOME_MONTHS = [Month(year, number) for year in (1996, 2011, 2023) for number in range(1, 13)]


def test_in_every_zone_the_months_windows_tile_time():
    second = timedelta(seconds=1)
    for name in ZONES:
        zone = ZoneInfo(name)
        for month in SOME_MONTHS:
            start, end = (each.start(zone).astimezone(UTC) for each in (month, month.next))
            assert timedelta(days=27) < end - start < timedelta(days=33), (name, month)
            assert Month.of(start.astimezone(zone)) == month, (name, month)
            assert Month.of((end - second).astimezone(zone)) in (month, month.next), (name, month)


def test_in_every_zone_each_month_is_due_once_and_within_its_window():
    second = timedelta(seconds=1)
    for name in ZONES:
        zone = ZoneInfo(name)
        for cron in ("0 9 1 * *", "0 0 1 * *", "59 23 28 * *"):
            plan = Schedule(cron, zone)
            for month in (Month(2009, 10), Month(2011, 11), Month(2023, 2)):
                due = plan.due_at(month)
                assert due is not None, (name, cron, month)
                assert month.next.start(zone).astimezone(UTC) <= due < month.next.next.start(zone).astimezone(UTC)
        plan, month = Schedule("0 0 1 * *", zone), Month(2023, 9)
        due = plan.due_at(month)
        assert plan.due_months(due)[-1] == month, name
        assert month not in plan.due_months(due - second), name


def store(database, *months):
    with database.writing() as session:
        for month in months:
            editorial.store(session, an_update("KZ", month), now=NOW)


def ensure_due(database, now=NOW, plan=MONTHLY):
    with database.writing() as session:
        return [edition.month for edition in schedule.ensure_due(session, plan, now=now)]


def months(first, count):
    found = [first]
    while len(found) < count:
        found.append(found[-1].previous)
    return found


def test_what_is_due_is_made_once(database):
    store(database, NOVEMBER)

    assert ensure_due(database, NOW - timedelta(seconds=1)) == []
    assert ensure_due(database, NOW) == ["2022-11"]
    before = dump(database)
    for jump in (0, 1, 40, -40, -1):  # days: forth and back
        assert ensure_due(database, NOW + timedelta(days=jump)) == []
    assert dump(database) == before


def test_made_by_many_at_once_there_is_one(database):
    store(database, NOVEMBER)

    at_once(6, lambda: ensure_due(database))

    with database.reading() as session:
        assert session.scalars(select(Edition.month)).all() == ["2022-11"]


def test_months_that_were_slept_through_are_caught_up_once_and_not_for_ever(database):
    store(database, *months(NOVEMBER, CATCH_UP_MONTHS + 3))

    made = ensure_due(database)

    assert made == [str(month) for month in reversed(months(NOVEMBER, CATCH_UP_MONTHS))]
    assert ensure_due(database) == []


def test_a_month_without_an_update_that_is_ready_is_not_made(database):
    with database.writing() as session:
        editorial.store(session, an_update("KZ", state=UpdateState.DRAFT), now=NOW)
    assert ensure_due(database) == []

    store(database, NOVEMBER)
    assert ensure_due(database, NOW + timedelta(days=3)) == ["2022-11"]


def test_a_schedule_that_names_no_time_in_the_month_makes_nothing(sqlite):
    store(sqlite, Month(2022, 10))

    assert ensure_due(sqlite, utc(2022, 11, 30, 23), Schedule("0 9 31 * *", ZoneInfo("UTC"))) == []


def releasable(database, now, within=THREE_DAYS):
    with database.reading() as session:
        edition = schedule.releasable(session, MONTHLY, within=within, now=now)
        return edition and edition.month


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(NOW - timedelta(seconds=1), None, id="before it is due"),
        pytest.param(NOW, "2022-11", id="when it is due"),
        pytest.param(NOW + THREE_DAYS, "2022-11", id="as late as may be"),
        pytest.param(NOW + THREE_DAYS + timedelta(seconds=1), None, id="later than that, a person decides"),
        pytest.param(NOW + timedelta(days=31), None, id="when the next month is due"),
    ],
)
def test_a_draft_is_released_within_the_time_for_it(sqlite, now, expected):
    with sqlite.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)

    assert releasable(sqlite, now) == expected


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("changed_at", "state", "now", "expected"),
    [
        pytest.param(NOW - HOUR / 2, UpdateState.READY, NOW, "2022-11", id="changed before it was due"),
        pytest.param(NOW + HOUR, UpdateState.READY, NOW + HOUR, None, id="changed just now"),
        pytest.param(NOW + HOUR, UpdateState.READY, NOW + 2 * HOUR - SECOND, None, id="not yet an hour ago"),
        pytest.param(NOW + HOUR, UpdateState.READY, NOW + 2 * HOUR, "2022-11", id="an hour ago"),
        pytest.param(NOW - HOUR, UpdateState.DRAFT, NOW + 5 * HOUR, None, id="a draft, however old"),
    ],
)
def test_a_draft_waits_until_its_updates_are_left_alone(database, changed_at, state, now, expected):
    with database.writing() as session:
        editorial.store(session, an_update("SD"), now=NOW - timedelta(days=1))
        editorial.store(session, an_update("KZ", state=state), now=changed_at)
        editorial.store(session, an_update("KZ", Month(2022, 12), state=UpdateState.DRAFT), now=now)
        editions.ensure(session, NOVEMBER, now=NOW)

    assert releasable(database, now) == expected


@pytest.mark.parametrize("state", ["approved", "sending", "paused", "sent", "cancelled"])
def test_only_a_draft_is_released(sqlite, state):
    with sqlite.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW).state = state

    assert releasable(sqlite, NOW) is None


def test_without_an_edition_or_a_schedule_nothing_is_released(sqlite):
    assert releasable(sqlite, NOW) is None
    with sqlite.reading() as session:
        never = Schedule("0 9 30 2 *", ZoneInfo("UTC"))
        assert schedule.releasable(session, never, within=THREE_DAYS, now=NOW) is None


def release(database, publication):
    with database.writing() as session:
        edition = schedule.releasable(session, MONTHLY, within=THREE_DAYS, now=NOW)
        return edition is not None and schedule.release(session, edition, publication, now=NOW)


def test_a_release_approves_and_sends_in_the_schedules_name(database, publication):
    store_updates(database)
    add_readers(database, ["KZ", "all"])
    ensure_due(database)

    assert release(database, publication)

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.approved_by, edition.send_started_by) == (
            "sending",
            "the schedule",
            "the schedule",
        )
        assert len(session.scalars(select(Delivery)).all()) == 2
    assert not release(database, publication)


def test_what_a_person_took_back_the_schedule_does_not_release(database, publication):
    store_updates(database)
    ensure_due(database)
    assert releasable(database, NOW) is not None
    with database.writing() as session:
        editions.approve(session, NOVEMBER, publication, by="ada@example.org", now=NOW)
        approval.take_back(session, NOVEMBER, now=NOW)

    assert releasable(database, NOW) is None


def test_a_release_is_sent_on_the_terms_that_are_given(database, publication):
    store_updates(database)
    add_readers(database, ["KZ"] * 4)
    ensure_due(database)
    with database.writing() as session:
        edition = schedule.releasable(session, MONTHLY, within=THREE_DAYS, now=NOW)
        terms = Terms(deadline=timedelta(hours=5), canary=50.0)
        assert schedule.release(session, edition, publication, now=NOW, terms=terms)

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.deadline_at, edition.first_wave) == (NOW + timedelta(hours=5), 2)


def test_released_by_many_at_once_it_goes_out_once(database, publication):
    store_updates(database)
    add_readers(database, ["KZ"] * 3)
    ensure_due(database)

    assert sorted(at_once(6, lambda: release(database, publication))) == [False] * 5 + [True]
    with database.reading() as session:
        assert editions.get(session, NOVEMBER).note is None
        assert len(session.scalars(select(Delivery)).all()) == 3


def test_what_is_in_the_way_of_a_release_is_kept_until_it_is_gone(database, publication):
    store_updates(database)
    ensure_due(database)

    assert not release(database, replace(publication, postal_address=None))
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.state == "draft"
        assert edition.note is not None
        assert edition.note.startswith("set POSTAL_ADDRESS first")

    assert release(database, publication)
    with database.reading() as session:
        assert editions.get(session, NOVEMBER).note is None


def test_what_a_person_did_meanwhile_is_not_released(database, publication):
    store_updates(database)
    ensure_due(database)
    with database.writing() as session:
        edition = schedule.releasable(session, MONTHLY, within=THREE_DAYS, now=NOW)
        deliveries.cancel(session, NOVEMBER, now=NOW)
        assert edition is not None
        assert not schedule.release(session, edition, publication, now=NOW)
        assert (edition.state, edition.note) == ("cancelled", None)


BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        pytest.param("2023-01-15 09:00", utc(2023, 1, 15, 8), id="winter"),
        pytest.param("2023-06-15 09:00", utc(2023, 6, 15, 7), id="summer"),
        pytest.param(" 2023-06-15T09:00 ", utc(2023, 6, 15, 7), id="as a browser writes it"),
        pytest.param("2023-06-15T09:00:30", utc(2023, 6, 15, 7), id="with seconds, which don't count"),
        pytest.param("2023-03-26 03:00", utc(2023, 3, 26, 1), id="just after the clocks were put forward"),
        pytest.param("2023-10-29 03:00", utc(2023, 10, 29, 2), id="just after they were put back"),
    ],
)
def test_a_time_is_read_by_the_organisations_clocks(typed, at):
    assert schedule.read_time(typed, BRUSSELS, now=utc(2022, 12, 1)) == at


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "write day and time as YYYY-MM-DD HH:MM"),
        ("tomorrow", "write day and time as YYYY-MM-DD HH:MM"),
        ("2023-02-30 09:00", "write day and time as YYYY-MM-DD HH:MM"),
        ("2022-12-01 01:00", "this time is over; in Europe/Brussels it is 2022-12-01 01:00 now"),
        ("2023-03-26 02:30", "there is no 02:30 on that day: the clocks are put forward then"),
        ("2023-10-29 02:30", "it is 02:30 twice on that day, as the clocks are put back"),
        ("2024-01-15 09:00", "more than a year ahead"),
    ],
)
def test_a_time_that_can_not_be_taken_is_told_why(typed, words):
    with pytest.raises(InvalidInput, match=words):
        schedule.read_time(typed, BRUSSELS, now=utc(2022, 12, 1))


@pytest.fixture
def put_off(database, publication):
    """November, approved, to be sent an hour from now."""
    store_updates(database)
    add_readers(database, ["KZ"] * 3)
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
        editions.approve(session, NOVEMBER, publication, by="ann@example.org", now=NOW)
        schedule.put_off(session, NOVEMBER, NOW + timedelta(hours=1), by="ben@example.org")
    return database


def start_due(database, now):
    with database.writing() as session:
        return len(schedule.start_due(session, within=THREE_DAYS, now=now))


def test_an_edition_that_was_put_off_is_sent_at_its_time_and_once(put_off):
    assert start_due(put_off, NOW + timedelta(hours=1) - SECOND) == 0
    assert sorted(at_once(6, lambda: start_due(put_off, NOW + timedelta(hours=1)))) == [0] * 5 + [1]

    with put_off.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.send_started_by) == ("sending", "ben@example.org")
        assert len(session.scalars(select(Delivery)).all()) == 3
        events = session.execute(select(AuditEvent.actor, AuditEvent.act)).all()
        assert [tuple(each) for each in events] == [("schedule", "edition.sent")]


def test_an_edition_that_was_called_off_or_taken_back_is_not_sent(put_off):
    with put_off.writing() as session:
        schedule.call_off(session, NOVEMBER)
    assert start_due(put_off, NOW + timedelta(hours=2)) == 0

    with put_off.writing() as session:
        schedule.put_off(session, NOVEMBER, NOW + timedelta(hours=1), by="ben@example.org")
        approval.take_back(session, NOVEMBER, now=NOW)
    assert start_due(put_off, NOW + timedelta(hours=2)) == 0


def test_a_time_that_was_slept_through_for_days_waits_for_a_person(put_off):
    assert start_due(put_off, NOW + timedelta(hours=1) + THREE_DAYS + SECOND) == 0

    with put_off.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.send_at) == ("approved", None)
        assert edition.note is not None
        assert edition.note.endswith("but nothing ran then. Send it by hand.")


@pytest.mark.parametrize("state", ["draft", "sending", "paused", "sent", "cancelled"])
def test_only_an_approved_edition_is_put_off(put_off, state):
    with put_off.writing() as session:
        editions.get(session, NOVEMBER).state = state
        with pytest.raises(EditionStateError, match=f"is {state}; only an approved one"):
            schedule.put_off(session, NOVEMBER, NOW + timedelta(hours=3), by="ben@example.org")
