"""Alerts as soon as they are published: to whoever asked and follows the place, once a place a month, and only news."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from newsletter.domain.month import Month
from newsletter.domain.states import SuppressionReason
from newsletter.domain.update import Alert, UpdateState
from newsletter.services import alerts, claims, editorial, suppressions
from newsletter.storage.tables import Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, TOKENS, add_readers, an_update, at_once, begin, counted

HOUR = timedelta(hours=1)
CALM = an_update("SD")
RISK = an_update("SD", alerts=(Alert.RESOLUTION_OPPORTUNITY, Alert.CONFLICT_RISK))
FOLLOWS = ["all", "east-africa", "SD", "KZ;SD", "KZ", "central-asia", "SS", ""]
WANTED = [1, 2, 3, 4]  #: who of them follows Sudan


@pytest.fixture
def readers(database):
    """One for each of FOLLOWS, all of whom asked for alerts, and one of all places who did not."""
    ids = add_readers(database, [*FOLLOWS, "all"])
    with database.writing() as session:
        session.execute(update(Subscriber).where(Subscriber.id <= len(FOLLOWS)).values(alerts_at_once=True))
    return ids


def publish(database, *updates, at=NOW):
    with database.writing() as session:
        for each in updates:
            editorial.store(session, each, now=at)


def told(database):
    """To whom a notice was made, whatever became of it."""
    with database.reading() as session:
        query = select(Notice.subscriber_id, Notice.kind, Notice.place_code, Notice.month).order_by(Notice.id)
        rows = session.execute(query).all()
    assert {tuple(row[1:]) for row in rows} <= {("alert", "SD", "2022-11")}
    return [row.subscriber_id for row in rows]


def arm(database, *, at=NOW, limit=99):
    with database.writing() as session:
        arming, _ = begin(session)
        return claims.arm_notices(session, replace(arming, now=at), limit=limit)


def states(database):
    with database.reading() as session:
        return {row.subscriber_id: row.state for row in session.execute(select(Notice.subscriber_id, Notice.state))}


def test_everybody_who_asked_and_follows_the_place_is_told_with_its_words(database, readers):
    publish(database, RISK)

    assert told(database) == WANTED
    armed = arm(database)
    assert [each.recipient.subscriber_id for each in armed] == WANTED
    assert {each.update for each in armed} == {RISK}
    assert [each.recipient.follows for each in armed] == [("all",), ("east-africa",), ("SD",), ("SD",)]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([CALM, RISK], id="the alert is added"),
        pytest.param([replace(RISK, state=UpdateState.DRAFT), RISK], id="a draft becomes ready"),
        pytest.param([RISK, replace(RISK, headline="Mended.")], id="it is edited"),
        pytest.param([RISK, RISK], id="it is stored again"),
        pytest.param([RISK, CALM, RISK], id="it is taken back and published again"),
    ],
)
def test_they_are_told_once_whatever_way_it_is_published(database, readers, steps):
    publish(database, *steps)

    assert told(database) == WANTED


@pytest.mark.parametrize(
    "quiet",
    [
        pytest.param(CALM, id="no alert"),
        pytest.param(replace(RISK, alerts=(Alert.RESOLUTION_OPPORTUNITY,)), id="another alert"),
        pytest.param(replace(RISK, state=UpdateState.DRAFT), id="a draft"),
    ],
)
def test_what_is_no_published_risk_alert_is_told_to_nobody(database, readers, quiet):
    publish(database, quiet)

    assert told(database) == []


def test_who_asks_after_it_was_published_is_not_told_because_of_an_edit(database, readers):
    publish(database, RISK)
    with database.writing() as session:
        session.execute(update(Subscriber).values(alerts_at_once=True))

    publish(database, replace(RISK, headline="Mended."), at=NOW + HOUR)

    assert told(database) == WANTED


@pytest.mark.parametrize(
    ("now", "is_news"),
    [
        pytest.param(datetime(2022, 10, 31, 23, 59, tzinfo=UTC), False, id="a month to come"),
        pytest.param(datetime(2022, 11, 1, tzinfo=UTC), True, id="the month that runs"),
        pytest.param(datetime(2022, 12, 31, 23, 59, tzinfo=UTC), True, id="the month before"),
        pytest.param(datetime(2023, 1, 1, tzinfo=UTC), False, id="two months before"),
        pytest.param(datetime(2026, 11, 24, tzinfo=UTC), False, id="sample data, years later"),
    ],
)
def test_only_the_running_and_the_last_month_are_news(sqlite, now, is_news):
    add_readers(sqlite, ["all"])
    with sqlite.writing() as session:
        session.execute(update(Subscriber).values(alerts_at_once=True))

    publish(sqlite, RISK, at=now)

    assert told(sqlite) == ([1] if is_news else [])


def test_at_the_turn_of_the_year_december_is_the_last_month():
    assert alerts.is_news(Month(2022, 12), datetime(2023, 1, 15, tzinfo=UTC))


def test_who_leaves_unticks_is_suppressed_or_follows_it_no_more_before_it_is_sent_gets_none(database, readers):
    publish(database, RISK)
    changes = [{"state": "ended", "follows": ""}, {"alerts_at_once": False}, {"follows": "KZ"}]
    with database.writing() as session:
        for reader, change in zip(WANTED, changes, strict=False):
            session.execute(update(Subscriber).where(Subscriber.id == reader).values(**change))
        reason = SuppressionReason.COMPLAINT
        suppressions.suppress(session, "reader4@example.org", reason, tokens=TOKENS, now=NOW)

    assert arm(database) == []
    with database.reading() as session:
        rows = session.execute(select(Notice.state, Notice.detail).order_by(Notice.id)).all()
        found = [tuple(row) for row in rows]
    assert found == [
        ("skipped", "ended"),
        ("skipped", "ended"),
        ("skipped", "nothing_to_tell"),
        ("skipped", "suppressed"),
    ]


@pytest.mark.parametrize("withdrawn", [CALM, replace(RISK, state=UpdateState.DRAFT)], ids=["alert lost", "draft again"])
def test_an_alert_that_is_taken_back_goes_to_nobody_and_published_again_to_who_had_none(database, readers, withdrawn):
    publish(database, RISK)
    with database.writing() as session:
        session.execute(update(Notice).where(Notice.subscriber_id == 1).values(state="sent", due_at=None))
    publish(database, withdrawn, at=NOW + HOUR)
    assert arm(database, at=NOW + HOUR) == []
    assert states(database) == {1: "sent", 2: "skipped", 3: "skipped", 4: "skipped"}

    publish(database, RISK, at=NOW + 2 * HOUR)

    assert told(database) == WANTED
    assert [each.recipient.subscriber_id for each in arm(database, at=NOW + 2 * HOUR)] == [2, 3, 4]


def test_who_may_have_had_a_copy_gets_no_other(database, readers):
    publish(database, RISK)
    with database.writing() as session:
        session.execute(update(Notice).values(state="skipped", due_at=None, flagged=Notice.subscriber_id == 2))

    publish(database, CALM, RISK, at=NOW + HOUR)

    assert [each.recipient.subscriber_id for each in arm(database, at=NOW + HOUR)] == [1, 3, 4]


def test_two_processes_that_publish_at_once_tell_once(database, readers):
    place = editorial.gazetteer().require("SD")

    def announce():
        with database.writing() as session:
            alerts.announce(session, place, NOVEMBER, now=NOW)

    at_once(4, announce)

    assert told(database) == WANTED


def test_a_confirmation_does_not_wait_behind_alerts(database, readers):
    publish(database, RISK)
    with database.writing() as session:
        session.add(
            Notice(
                kind="welcome",
                subscriber_id=5,
                created_at=NOW,
                state="pending",
                due_at=int((NOW + HOUR).timestamp()),
            )
        )

    assert [each.kind.value for each in arm(database, at=NOW + HOUR, limit=2)] == ["welcome", "alert"]


def test_telling_everybody_is_one_statement_that_looks_at_each_reader_once(sqlite):
    add_readers(sqlite, ["all"] * 50)
    with sqlite.writing() as session:
        session.execute(update(Subscriber).values(alerts_at_once=True))
    with counted(sqlite) as statements, sqlite.writing() as session:
        alerts.announce(session, editorial.gazetteer().require("SD"), NOVEMBER, now=NOW)

    assert len(statements) == 1
    with sqlite.reading() as session:
        query = "SELECT count(*) FROM notice WHERE kind = 'alert'"
        assert session.scalar(text(query)) == 50
