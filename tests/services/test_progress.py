"""How far an edition is: the words, the time left, what an admin should know, and how often rows are counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from newsletter.domain.states import DeliveryState, EditionState, SkipReason
from newsletter.services import deliveries, progress
from newsletter.services.counts import Count
from newsletter.services.progress import Looks, PausedDestination, Standing
from newsletter.storage.tables import Delivery, Destination, Edition, SendingGuard
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, counted, start_sending

LARGE = 100_000  #: rows: from so many on, a count is good for a while


def a_standing(*, rate=0.0, pace=None, waiting=0, due_in=None, standing=None, **numbers) -> Standing:
    """An edition that is being sent, with so many deliveries in each state."""
    found = dict.fromkeys(DeliveryState, 0) | {DeliveryState(state): number for state, number in numbers.items()}
    last_due_at = NOW + due_in if due_in is not None else None
    count = Count(
        NOW, EditionState.SENDING, None, found, {}, 0, rate, rate if pace is None else pace, waiting, last_due_at
    )
    made = Standing(NOW, "2022-11", EditionState.SENDING, None, count, None, False, None, None, ())
    return replace(made, **(standing or {}))


MINUTES = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("given", "seconds", "words"),
    [
        pytest.param({"pending": 600, "rate": 10.0}, 60, "about 1 min left", id="at the rate of the last minute"),
        pytest.param({"pending": 600, "rate": 1.0, "pace": 20.0}, 30, "about 30 s left", id="most are skipped"),
        pytest.param({"pending": 600}, None, "time left not known yet", id="nobody is done with yet"),
        pytest.param(
            {"pending": 60, "deferred": 5, "waiting": 5, "due_in": 30 * MINUTES, "rate": 10.0},
            1800,
            "at least 30 min left",
            id="some are tried again later",
        ),
        pytest.param(
            {"pending": 6000, "deferred": 5, "waiting": 5, "due_in": 5 * MINUTES, "rate": 10.0},
            600,
            "about 10 min left",
            id="they are tried again before the others are through",
        ),
        pytest.param(
            {"deferred": 5, "waiting": 5, "due_in": 95 * MINUTES}, 5700, "at least 1 h 35 min left", id="only they wait"
        ),
        pytest.param(
            {"pending": 600, "rate": 10.0, "standing": {"is_first_wave": True}}, None, "first wave only", id="a wave"
        ),
    ],
)
def test_the_time_left(given, seconds, words):
    standing = a_standing(**given)

    assert (standing.seconds_left, standing.time_left) == (seconds, words)
    assert standing.line.endswith(words)


@pytest.mark.parametrize(
    "facts", [{"state": EditionState.PAUSED}, {"state": EditionState.CANCELLED}, {"halted": "a restored backup"}]
)
def test_what_is_not_being_sent_has_neither_rate_nor_time_left(facts):
    standing = a_standing(pending=600, sent=10, rate=10.0, standing=facts)

    assert (standing.rate, standing.seconds_left) == (None, None)
    assert standing.line == "10 of 610 done, 0 deferred, 0 failed"


def test_the_line_tells_done_rate_deferred_failed_held_and_the_time_left():
    standing = a_standing(sent=1200, skipped=34, pending=4000, deferred=12, failed=3, held=1, rate=83.4)

    assert standing.line == "1,237 of 5,250 done, 83 a second, 12 deferred, 3 failed, 1 held, about 48 s left"
    assert standing.words == "4,000 pending, 1,200 sent, 12 deferred, 3 failed, 34 skipped, 1 held"


@pytest.mark.parametrize(
    ("numbers", "percent"),
    [({"sent": 999, "pending": 1}, 99), ({"sent": 999, "held": 1}, 99), ({"sent": 999, "failed": 1}, 100), ({}, 0)],
)
def test_the_percentage_is_100_only_when_nothing_is_left_or_held(numbers, percent):
    assert a_standing(**numbers).percent == percent


@pytest.mark.parametrize(
    ("deadline", "is_too_slow"), [(timedelta(minutes=9), True), (timedelta(minutes=11), False), (None, False)]
)
def test_a_deadline_that_comes_first_is_foreseen(deadline, is_too_slow):
    deadline_at = NOW + deadline if deadline is not None else None

    assert a_standing(pending=600, rate=1.0, standing={"deadline_at": deadline_at}).is_too_slow is is_too_slow


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3569, "59 min"),
        (3600, "1 h 0 min"),
        (3599, "1 h 0 min"),
        (90_000, "25 h"),
    ],
)
def test_a_length_of_time_in_words(seconds, words):
    assert progress.in_words(seconds) == words


@pytest.mark.parametrize(
    ("rate", "words"), [(0.0, "0"), (0.0166, "0.017"), (0.25, "0.25"), (7.49, "7.5"), (83.4, "83"), (1234.5, "1,234")]
)
def test_a_rate_is_as_precise_as_it_is_worth(rate, words):
    assert a_standing(pending=1, rate=rate).rate_in_words == f"{words} a second"


def test_every_reason_to_skip_has_its_words():
    assert set(progress.SKIPPED_WORDS) == set(SkipReason)


def test_an_edition_tells_all_that_is_known_of_it(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4)
    until = int(NOW.timestamp()) + 600
    with database.writing() as session:
        edition = session.get_one(Edition, edition_id)
        edition.first_wave, edition.rest_at, edition.note = 1, NOW + timedelta(hours=1), "The first wave is out."
        for name, paused_until in (("gmail", until), ("example.org", until), ("yahoo", until - 600), ("outlook", None)):
            session.add(Destination(name=name, paused_until=paused_until, pauses=1, note="why", changed_at=1))
        session.merge(SendingGuard(id=1, home="here", halted_at=NOW, reason="A restored backup."))

    with database.reading() as session:
        standing = progress.look(session, session.get_one(Edition, edition_id), now=NOW)

    until_then = NOW + timedelta(seconds=600)
    assert standing.destinations == (
        PausedDestination("example.org", until_then, "why"),
        PausedDestination("gmail", until_then, "why"),
    )
    told = standing.as_json()
    assert told["deliveries"] == {state.value: 4 if state == "pending" else 0 for state in DeliveryState}
    assert told["skipped"] == {reason.value: 0 for reason in SkipReason}
    assert {name: told[name] for name in ("month", "state", "note", "halted", "first_wave", "rest_at")} == {
        "month": "2022-11",
        "state": "sending",
        "note": "The first wave is out.",
        "halted": "A restored backup.",
        "first_wave": True,
        "rest_at": "2022-12-01T10:00:00+00:00",
    }
    assert (told["total"], told["done"], told["left"], told["percent"], told["flagged"]) == (4, 0, 4, 0, 0)
    assert (told["rate"], told["seconds_left"]) == (None, None)
    assert told["deadline_at"] == "2022-12-05T09:00:00+00:00"
    assert told["paused_destinations"] == [
        {"name": "example.org", "until": "2022-12-01T09:10:00+00:00", "note": "why"},
        {"name": "gmail", "until": "2022-12-01T09:10:00+00:00", "note": "why"},
    ]


def test_an_edition_that_is_over_minds_no_paused_destination_and_no_wave(database, settings):
    edition_id = start_sending(database, settings, ["KZ"])
    with database.writing() as session:
        edition = session.get_one(Edition, edition_id)
        edition.rest_at = NOW
        session.add(Destination(name="gmail", paused_until=2**31 - 1, pauses=1, note=None, changed_at=1))
        deliveries.cancel(session, NOVEMBER, now=NOW)

    with database.reading() as session:
        standing = progress.look(session, session.get_one(Edition, edition_id), now=NOW)

    assert (standing.destinations, standing.is_first_wave, standing.rest_at) == ((), False, None)


@pytest.fixture
def edition_id(sqlite):
    """An edition so large that a count of it is good for a second."""
    with sqlite.writing() as session:
        edition = Edition(month="2022-11", state="sending", created_at=NOW, send_started_at=NOW)
        session.add(edition)
        session.flush()
        numbers = f"WITH RECURSIVE number (id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM number WHERE id < {LARGE}) "
        columns = "edition_id, subscriber_id, state, attempt, flagged"
        values = f"SELECT {edition.id}, id, 'pending', 0, FALSE FROM number"
        session.execute(text(f"INSERT INTO delivery ({columns}) {numbers} {values}"))
        return edition.id


@pytest.fixture
def look(sqlite, edition_id):
    """Look at it again and again: how far it is, and whether its rows were counted."""
    looks = Looks()

    def act(after=0.0):
        with counted(sqlite) as statements, sqlite.reading() as session:
            edition = session.get_one(Edition, edition_id)
            standing = looks.at(session, edition, now=NOW + timedelta(seconds=after))
        return standing, any("FROM delivery" in statement for statement in statements)

    act.forget = lambda: looks.forget(NOVEMBER)
    return act


def change(sqlite, **values):
    with sqlite.writing() as session:
        session.execute(update(Edition).values(**values))


def settle(sqlite, state="sent"):
    with sqlite.writing() as session:
        session.execute(update(Delivery).values(state=state))


def test_a_large_edition_is_counted_once_a_while_and_its_note_is_always_new(sqlite, look):
    assert look()[0].count.left == LARGE
    settle(sqlite)
    change(sqlite, note="The relay can't be reached.")

    standing, was_counted = look(0.9)
    assert (standing.note, standing.count.left, was_counted) == ("The relay can't be reached.", LARGE, False)

    standing, was_counted = look(1.0)
    assert (standing.count.left, was_counted) == (0, True)


def test_a_large_edition_is_counted_anew_when_its_state_or_the_clock_jumps(sqlite, look):
    look()
    assert look(-1)[1]
    change(sqlite, state="paused")
    assert look(-1)[1]


def test_a_large_edition_is_counted_anew_after_a_change_of_its_rows(sqlite, look):
    look()
    settle(sqlite, "held")
    look.forget()

    assert look()[0].count.held == LARGE


def test_a_large_edition_that_is_done_with_is_not_counted_again(sqlite, look):
    settle(sqlite)
    change(sqlite, state="sent", ended_at=NOW)
    assert look()[1]

    assert not look(10_000)[1]


def test_a_large_edition_of_which_something_is_held_is_counted_again(sqlite, look):
    settle(sqlite, "held")
    change(sqlite, state="sent", ended_at=NOW)
    look()

    assert look(10_000)[1]


def test_a_small_edition_is_counted_at_each_look(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4)
    looks = Looks()
    for state, left in (("pending", 4), ("sent", 0)):
        settle(database, state)
        with database.reading() as session:
            standing = looks.at(session, session.get_one(Edition, edition_id), now=NOW)
        assert standing.count.left == left
