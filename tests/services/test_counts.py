"""An edition's deliveries, counted from their rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from newsletter.domain.states import DeliveryState, EditionState, SkipReason
from newsletter.services import counts
from newsletter.storage.tables import Delivery, Edition
from tests.conftest import NOW

SECOND = int(NOW.timestamp())


def row(state: str, **values: object) -> dict[str, object]:
    return {"state": state, "flagged": False, "changed_at": None, "detail": None, "due_at": None, **values}


def settled(number: int, *, ago: int, state: str = "sent") -> list[dict[str, object]]:
    """As many that were done with some seconds ago."""
    return [row(state, changed_at=SECOND - ago)] * number


@pytest.fixture
def count(database):
    """What is counted of an edition with such deliveries, beside another edition that has some too."""

    def act(*rows, state=EditionState.SENDING, started_at=NOW):
        with database.writing() as session:
            other = Edition(month="2022-10", state="sent", created_at=NOW, send_started_at=NOW)
            edition = Edition(month="2022-11", state=state.value, created_at=NOW, send_started_at=started_at)
            session.add_all([other, edition])
            session.flush()
            made = [{"edition_id": edition.id, "subscriber_id": number, **each} for number, each in enumerate(rows, 1)]
            made += [{"edition_id": other.id, "subscriber_id": number, **row("held")} for number in range(3)]
            session.execute(insert(Delivery), made)
            edition_id = edition.id
        with database.reading() as session:
            return counts.count(session, session.get_one(Edition, edition_id), now=NOW)

    return act


def test_each_state_and_each_reason_has_its_number(count):
    states = [state for number, state in enumerate(DeliveryState, 1) for _ in range(number) if state != "skipped"]
    reasons = [reason for number, reason in enumerate(SkipReason, 1) for _ in range(number)]

    found = count(*(row(each) for each in states), *(row("skipped", detail=each) for each in reasons))

    assert found.deliveries == {
        state: number if state is not DeliveryState.SKIPPED else len(reasons)
        for number, state in enumerate(DeliveryState, 1)
    }
    assert found.skipped == {reason: number for number, reason in enumerate(SkipReason, 1)}
    assert found.total == len(states) + len(reasons)


def test_what_is_done_left_and_held_is_all_there_is(count):
    found = count(*(row(each) for each in (*DeliveryState, "pending", "failed", "held", "held")))

    assert (found.done, found.left, found.held) == (4, 4, 3)
    assert found.done + found.left + found.held == found.total


def test_who_may_have_got_a_second_copy_is_counted_whatever_became_of_it(count):
    assert count(row("sent", flagged=True), row("pending", flagged=True), row("sent")).flagged == 2


def test_an_edition_that_was_never_sent_has_nothing_to_count(count):
    found = count(state=EditionState.APPROVED, started_at=None)

    assert (found.total, found.flagged, found.rate) == (0, 0, 0.0)
    assert set(found.deliveries) == set(DeliveryState)


@pytest.mark.parametrize(
    ("rows", "rate", "pace"),
    [
        pytest.param(settled(120, ago=60), 2.0, 2.0, id="over a minute"),
        pytest.param([*settled(60, ago=30), *settled(60, ago=10)], 4.0, 4.0, id="since the first, if that is less"),
        pytest.param([*settled(60, ago=61), *settled(10, ago=10)], 1.0, 1.0, id="what is older doesn't count"),
        pytest.param(settled(30, ago=10, state="failed"), 3.0, 3.0, id="the relay has answered for good"),
        pytest.param(
            [*settled(10, ago=10), *settled(30, ago=5, state="skipped")], 1.0, 4.0, id="skipped: no message, and done"
        ),
        pytest.param(settled(30, ago=10, state="deferred"), 0.0, 0.0, id="deferred: not done with"),
        pytest.param(settled(5, ago=0), 5.0, 5.0, id="never over less than a second"),
        pytest.param([], 0.0, 0.0, id="nothing yet"),
    ],
)
def test_the_rate_is_that_of_the_last_minute(count, rows, rate, pace):
    found = count(*rows, row("pending"))

    assert (found.rate, found.pace) == (rate, pace)


def test_an_edition_that_is_not_being_sent_has_no_rate(count):
    assert count(*settled(60, ago=10), row("pending"), state=EditionState.PAUSED).rate == 0.0


def test_who_has_a_time_of_their_own_is_waiting(count):
    later = [row("deferred", due_at=SECOND + 600), row("pending", due_at=SECOND + 90)]

    found = count(*later, row("deferred", due_at=SECOND), row("pending"), row("sent"))

    assert (found.waiting, found.last_due_at) == (2, NOW + timedelta(seconds=600))


def test_why_deliveries_are_held_is_told_the_most_frequent_first(database, count):
    count(
        row("held", detail="a"), row("held", detail="b"), row("held", detail="b"), row("sent", detail="c"), row("held")
    )

    with database.reading() as session:
        edition_id = session.query(Edition).filter_by(month="2022-11").one().id
        assert list(counts.held_details(session, edition_id).items()) == [("b", 2), ("a", 1), ("no reason was kept", 1)]
