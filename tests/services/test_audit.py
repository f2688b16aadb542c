"""The audit log can be added to, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from newsletter.services import audit
from newsletter.services.audit import Wanted
from newsletter.storage.tables import AuditEvent
from tests.services.stock import counted

NOW = datetime(2022, 12, 1, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANY = Wanted()


def test_an_event_tells_who_did_what_to_what_when_and_from_where(database):
    with database.writing() as session:
        audit.record(session, audit.Actor("ed@example.org", "192.0.2.7"), "edition.sent", "edition 2022-11", now=NOW)

    with database.reading() as session:
        found = session.scalars(select(AuditEvent)).one()
        assert (found.actor, found.ip) == ("ed@example.org", "192.0.2.7")
        assert (found.act, found.subject, found.at) == ("edition.sent", "edition 2022-11", NOW)


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor = 'nobody'", "DELETE FROM audit_event"])
def test_the_database_refuses_to_change_or_remove_an_event(database, statement):
    with database.writing() as session:
        audit.record(session, audit.COMMAND_LINE, "admin.added", "admin 1", now=NOW)

    with pytest.raises(DBAPIError, match="an audit event is never"), database.writing() as session:
        session.execute(text(statement))

    with database.reading() as session:
        assert session.scalars(select(AuditEvent.actor)).all() == ["command line"]


@pytest.fixture
def events(database):
    """Ten events, an hour apart: a sender's and the schedule's in turn."""
    with database.writing() as session:
        for number in range(10):
            actor = audit.Actor("ed@example.org") if number % 2 else audit.SCHEDULE
            act = "edition.sent" if number < 6 else "update.saved"
            subject = f"edition 2022-{number // 2 + 1:02}"
            audit.record(session, actor, act, subject, str(number), now=NOW + number * HOUR)
            session.flush()


def found(database, wanted=ANY, before=None, most=99):
    with database.reading() as session:
        return [int(each.detail) for each in audit.page(session, wanted, before=before, most=most)]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (Wanted(actor="schedule"), [8, 6, 4, 2, 0]),
        (Wanted(act="update.saved"), [9, 8, 7, 6]),
        (Wanted(subject="edition 2022-02"), [3, 2]),
        (Wanted(actor="ed@example.org", act="update.saved"), [9, 7]),
        (Wanted(since=NOW + 8 * HOUR), [9, 8]),
        (Wanted(until=NOW + 2 * HOUR), [1, 0]),
        (Wanted(since=NOW + 3 * HOUR, until=NOW + 5 * HOUR), [4, 3]),
        (Wanted(since=NOW + 99 * HOUR), []),
        (Wanted(until=NOW + 99 * HOUR, act="edition.sent"), [5, 4, 3, 2, 1, 0]),
        (Wanted(until=NOW), []),
        (Wanted(actor="nobody"), []),
    ],
)
def test_events_are_found_the_newest_first(database, events, wanted, numbers):
    assert found(database, wanted) == numbers


def test_pages_follow_each_other_without_a_gap_though_events_are_added(database, events):
    with database.reading() as session:
        first = audit.page(session, Wanted(), before=None, most=4)
    with database.writing() as session:
        audit.record(session, audit.SCHEDULE, "edition.sent", "edition 2023-01", "10", now=NOW)

    assert [int(each.detail) for each in first] == [9, 8, 7, 6]
    assert found(database, before=first[-1].id, most=4) == [5, 4, 3, 2]


def test_all_events_come_in_pages(database, events):
    with database.reading() as session:
        pages = [[int(each.detail) for each in page] for page in audit.pages(session, Wanted(), most=4)]

    assert pages == [[9, 8, 7, 6], [5, 4, 3, 2], [1, 0]]


def test_what_a_filter_offers_is_what_there_is(database, events):
    with database.reading() as session:
        assert audit.actors(session) == ["ed@example.org", "schedule"]
        assert audit.acts(session) == ["edition.sent", "update.saved"]


def test_a_filter_without_any_event_offers_nothing(database):
    with database.reading() as session:
        assert audit.actors(session) == audit.acts(session) == []


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(actor="schedule"),
        Wanted(act="edition.sent"),
        Wanted(subject="edition 2022-02"),
        Wanted(since=NOW),
    ],
    ids=["all", "actor", "act", "subject", "since"],
)
def test_a_page_is_read_by_an_index_and_sorts_nothing(sqlite, wanted):
    with counted(sqlite) as statements, sqlite.reading() as session:
        audit.page(session, wanted, before=5, most=50)
    query = statements[-1].replace("?", "1")

    with sqlite.engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert plan[0].startswith("SEARCH audit_event USING")
    assert not [step for step in plan if "SCAN" in step or "TEMP B-TREE" in step]
