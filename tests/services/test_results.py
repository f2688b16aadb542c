"""How rows come back: each verdict makes of a row what the rules say, and only of a row that is still ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.delivery.outcome import Outcome, Phase, Verdict
from newsletter.delivery.reply import Reply
from newsletter.delivery.retry import RetryPolicy
from newsletter.domain.address import Address
from newsletter.domain.states import OnUnknown
from newsletter.services import claims, results, signup
from newsletter.services.claims import Claim
from newsletter.services.deliveries import Terms
from newsletter.storage.tables import Delivery, Edition, Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import (
    GONE_AWAY,
    GREY,
    NO_MAILBOX,
    OK,
    ORIGIN,
    REFUSAL_TOLD,
    TOKENS,
    TOO_BIG,
    UNAUTHENTICATED,
    arm,
    begin,
    counted,
    readers_of,
    record,
    rows_of,
    start_sending,
)

SECOND = int(NOW.timestamp())


@pytest.fixture
def asked(database):
    """A sender that has armed a question, made four hours ago and tried before; its claim."""
    with database.writing() as session:
        address = Address.parse("reader1@example.org")
        signup.request(session, address, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW - timedelta(hours=4))
        session.flush()
        session.get_one(Notice, 1).attempt = 1
        arming, recording = begin(session)
        (armed,) = claims.arm_notices(session, arming, limit=1)
        return recording, armed.claim


def facts(row):
    return (row.state, row.attempt, row.flagged, row.due_at and row.due_at - SECOND, row.detail)


GREY_TOLD = "450 4.7.1 <address>: greylisted, see <address>"


#: verdict, reply -> state, attempt, flagged, seconds until it is due, detail
_DIGESTS = [
    pytest.param(Verdict.SENT, OK, ("sent", 1, False, None, None), id="sent"),
    pytest.param(Verdict.LATER, GREY, ("deferred", 1, False, 600, GREY_TOLD), id="later: again in ten minutes"),
    pytest.param(
        Verdict.NEVER,
        NO_MAILBOX,
        ("failed", 1, False, None, "550 5.1.1 <address> User unknown"),
        id="never, a hard bounce",
    ),
    pytest.param(
        Verdict.NEVER, TOO_BIG, ("failed", 1, False, None, "552 5.3.4 too big for <address>"), id="never, soft"
    ),
    pytest.param(Verdict.NEVER, Reply(550), ("failed", 1, False, None, "550"), id="never, without any words"),
    pytest.param(Verdict.REFUSED, UNAUTHENTICATED, ("deferred", 1, False, 600, REFUSAL_TOLD), id="refused: later"),
    pytest.param(Verdict.LOST, Reply(421), ("pending", 0, False, None, None), id="lost: nobody is charged"),
    pytest.param(Verdict.UNKNOWN, None, ("deferred", 1, True, 600, None), id="unknown: later, and flagged"),
]


@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DATA, Phase.DOT])
def test_whose_command_made_the_relay_hang_up_waits_a_minute_and_is_not_charged(database, sent, phase):
    recording, armed = sent
    with database.writing() as session:
        welcome = Notice(kind="welcome", subscriber_id=1, created_at=NOW, state="armed", owner=recording.owner)
        welcome.attempt = 1
        session.add(welcome)
        session.flush()
        notice = Claim(0, welcome.id, 1)
    told = [Outcome(claim, Verdict.LOST, GONE_AWAY, phase) for claim in (armed[0], notice)]

    assert record(database, recording, *told) == 2
    assert facts(rows_of(database, armed[0])[0]) == ("pending", 0, False, 60, None)
    with database.reading() as session:
        assert facts(session.get_one(Notice, notice.row_id)) == ("pending", 0, False, 60, None)


@pytest.mark.parametrize(("verdict", "reply", "expected"), _DIGESTS)
def test_what_each_verdict_makes_of_a_digest(database, sent, verdict, reply, expected):
    recording, armed = sent

    assert record(database, recording, Outcome(armed[0], verdict, reply)) == 1

    row, *others = rows_of(database, armed[0])
    assert facts(row) == expected
    assert (row.owner, row.changed_at) == (None, SECOND)
    assert [other.state for other in others] == ["armed"] * 4 + ["pending"]


_NOTICES = [
    pytest.param(Verdict.SENT, OK, ("sent", 2, False, None, None), id="sent"),
    pytest.param(Verdict.LATER, GREY, ("deferred", 2, False, 1800, GREY_TOLD), id="later: again in half an hour"),
    pytest.param(
        Verdict.NEVER, NO_MAILBOX, ("failed", 2, False, None, "550 5.1.1 <address> User unknown"), id="a hard bounce"
    ),
    pytest.param(Verdict.REFUSED, UNAUTHENTICATED, ("deferred", 2, False, 1800, REFUSAL_TOLD), id="refused: later"),
    pytest.param(Verdict.LOST, None, ("pending", 1, False, 0, None), id="lost: at once, and not charged"),
    pytest.param(Verdict.UNKNOWN, None, ("deferred", 2, True, 1800, None), id="unknown: later, and flagged"),
]


@pytest.mark.parametrize(("verdict", "reply", "expected"), _NOTICES)
def test_what_each_verdict_makes_of_a_notice(database, asked, verdict, reply, expected):
    recording, claim = asked

    assert record(database, recording, Outcome(claim, verdict, reply)) == 1

    with database.reading() as session:
        notice = session.get_one(Notice, 1)
        assert facts(notice) == expected
        assert (notice.owner, notice.changed_at) == (None, SECOND)
        subscriber = session.get_one(Subscriber, 1)
        assert subscriber.state == ("ended" if reply is NO_MAILBOX else "pending")


def test_every_verdict_is_in_the_tables():
    for table in (_DIGESTS, _NOTICES):
        assert {case.values[0] for case in table} == set(Verdict)


def test_a_flag_stays_whatever_comes_later(database, sent):
    recording, armed = sent
    with database.writing() as session:
        for claim in armed:
            session.get_one(Delivery, claim[:2]).flagged = True
    verdicts = [Verdict.SENT, Verdict.LATER, Verdict.NEVER, Verdict.LOST, Verdict.UNKNOWN]
    record(database, recording, *map(Outcome, armed, verdicts))

    assert [row.flagged for row in rows_of(database, armed[0])] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("<ada@example.org>: unknown", "550 <address>: unknown"),
        ('no "ada b"@example.org here', "550 no <address> here"),
        ("ünï@bücher.example, x@[192.0.2.1]", "550 <address> <address>"),
        ("nobody here", "550 nobody here"),
    ],
)
def test_the_relays_words_are_kept_without_addresses(sqlite, settings, words, told):
    edition_id = start_sending(sqlite, settings, ["KZ"])
    with sqlite.writing() as session:
        arming, recording = begin(session)
        arm(session, arming, edition_id)
    record(sqlite, recording, Outcome(Claim(edition_id, 1, 1), Verdict.NEVER, Reply(550, None, words)))

    assert rows_of(sqlite, Claim(edition_id, 1, 1))[0].detail == told


def test_giving_back_undoes_the_arming(database, sent):
    recording, armed = sent
    with database.writing() as session:
        row = session.get_one(Delivery, armed[1][:2])
        row.attempt, row.flagged = 3, True
    with database.writing() as session:
        assert results.give_back(session, [armed[0], armed[1]._replace(attempt=3)], recording) == 2

    first, second, *_ = rows_of(database, armed[0])
    assert facts(first) == ("pending", 0, False, None, None)
    assert facts(second) == ("pending", 2, True, None, None)


def test_a_notice_that_is_given_back_is_due_at_once(database, asked):
    recording, claim = asked
    later = replace(recording, now=NOW + timedelta(minutes=1))
    with database.writing() as session:
        assert results.give_back(session, [claim], later) == 1

    with database.reading() as session:
        assert facts(session.get_one(Notice, 1)) == ("pending", 1, False, 60, None)


@pytest.mark.parametrize("deadline", [timedelta(days=4), timedelta(hours=5)])
@pytest.mark.parametrize("verdict", [Verdict.LATER, Verdict.UNKNOWN, Verdict.REFUSED])
def test_a_digest_is_given_up_when_the_next_try_would_be_after_its_editions_deadline(
    sqlite, settings, deadline, verdict
):
    edition_id = start_sending(sqlite, settings, ["KZ"] * 2, terms=Terms(deadline))
    with sqlite.writing() as session:
        arming, recording = begin(session)
        arm(session, arming, edition_id)
    for reader, left in [(1, timedelta(minutes=10)), (2, timedelta(minutes=9))]:
        late = replace(recording, now=NOW + deadline - left)
        record(sqlite, late, Outcome(Claim(edition_id, reader, 1), verdict, GREY, Phase.RCPT))

    is_flagged = verdict is Verdict.UNKNOWN
    told = [(row.state, row.flagged, row.detail) for row in rows_of(sqlite, Claim(edition_id, 1, 1))]
    assert told == [("deferred", is_flagged, GREY_TOLD), ("failed", is_flagged, GREY_TOLD)]


def test_an_edition_without_a_deadline_is_given_up_four_days_after_its_start(sqlite, settings):
    edition_id = start_sending(sqlite, settings, ["KZ"] * 2)
    with sqlite.writing() as session:
        session.get_one(Edition, edition_id).deadline_at = None  # was started before there was one
        arming, recording = begin(session)
        arm(session, arming, edition_id)
    for reader, left in [(1, timedelta(minutes=10)), (2, timedelta(minutes=9))]:
        late = replace(recording, now=NOW + timedelta(days=4) - left)
        record(sqlite, late, Outcome(Claim(edition_id, reader, 1), Verdict.LATER, GREY))

    assert [row.state for row in rows_of(sqlite, Claim(edition_id, 1, 1))] == ["deferred", "failed"]


@pytest.mark.parametrize(
    ("left", "state"),
    [
        pytest.param(timedelta(minutes=30), "deferred", id="the next try is at four days"),
        pytest.param(timedelta(minutes=29), "failed", id="the next try would be later"),
    ],
)
def test_a_notice_is_given_up_four_days_after_it_was_made(database, asked, left, state):
    recording, claim = asked
    made_at = NOW - timedelta(hours=4)
    record(database, replace(recording, now=made_at + timedelta(days=4) - left), Outcome(claim, Verdict.LATER, GREY))

    with database.reading() as session:
        assert session.get_one(Notice, 1).state == state


def test_what_was_deferred_together_does_not_come_back_together(database, sent):
    recording, armed = sent
    dice = iter([0.0, 0.25, 0.5, 0.75, 1.0])
    record(
        database,
        replace(recording, chance=lambda: next(dice)),
        *[Outcome(claim, Verdict.LATER, GREY) for claim in armed],
    )

    assert [row.due_at - SECOND for row in rows_of(database, armed[0])[:5]] == [600, 615, 630, 645, 660]


def test_by_chance_retries_are_spread_over_a_tenth_of_the_wait(sqlite, settings):
    edition_id = start_sending(sqlite, settings, ["KZ"] * 50)
    with sqlite.writing() as session:
        arming, recording = begin(session)
        armed = arm(session, arming, edition_id)
    by_chance = results.Recording(recording.owner, TOKENS, NOW)
    record(sqlite, by_chance, *[Outcome(each.claim, Verdict.LATER, GREY) for each in armed.deliveries])

    dues = [row.due_at - SECOND for row in rows_of(sqlite, Claim(edition_id, 1, 1))]
    assert min(dues) >= 600
    assert max(dues) <= 660
    assert len(set(dues)) > 10


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        pytest.param(None, "no reply came to the end of the message", id="none"),
        pytest.param(Reply(299, None, "what?"), "299 what?", id="one that can't be understood"),
    ],
)
def test_an_unknown_outcome_is_held_where_the_settings_say_so(database, sent, reply, detail):
    recording, armed = sent
    holding = replace(recording, on_unknown=OnUnknown.HOLD)

    told = [Outcome(armed[0], Verdict.UNKNOWN, reply), Outcome(armed[1], Verdict.LATER, GREY)]
    assert record(database, holding, *told) == 2

    rows = rows_of(database, armed[0])
    assert facts(rows[0]) == ("held", 1, True, None, detail)
    assert (rows[0].owner, rows[0].changed_at) == (None, SECOND)
    assert rows[1].state == "deferred"
    with database.writing() as session:
        arming, _ = begin(session)
        assert armed[0].row_id not in readers_of(arm(session, arming, armed[0].edition_id))


def test_a_notice_whose_outcome_is_unknown_is_sent_again_all_the_same(database, asked):
    recording, claim = asked
    assert record(database, replace(recording, on_unknown=OnUnknown.HOLD), Outcome(claim, Verdict.UNKNOWN)) == 1

    with database.reading() as session:
        notice = session.get_one(Notice, 1)
        assert (notice.state, notice.flagged) == ("deferred", True)
        assert claims.is_notice_due(session, now=NOW + timedelta(days=1))


def test_other_rules_for_waiting_can_be_given(sqlite, settings):
    edition_id = start_sending(sqlite, settings, ["KZ"])
    with sqlite.writing() as session:
        arming, recording = begin(session)
        arm(session, arming, edition_id)
    hasty = replace(recording, policy=RetryPolicy(waits=(timedelta(seconds=1),)))
    record(sqlite, hasty, Outcome(Claim(edition_id, 1, 1), Verdict.LATER))

    assert facts(rows_of(sqlite, Claim(edition_id, 1, 1))[0]) == ("deferred", 1, False, 1, None)


def test_what_many_were_told_costs_one_look_at_their_edition(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 25)
    with database.writing() as session:
        arming, recording = begin(session)
        armed = arm(session, arming, edition_id)
    with counted(database) as statements:
        told = [Outcome(each.claim, Verdict.LATER, GREY) for each in armed.deliveries]
        assert record(database, recording, *told) == 25

    assert len(statements) == 1  # besides those of storage.prepared


def test_nothing_to_record_costs_nothing(database, settings):
    _, recording = 0, results.Recording(1, TOKENS, NOW)
    with counted(database) as statements, database.writing() as session:
        assert results.record(session, [], recording) == 0
        assert results.give_back(session, [], recording) == 0

    assert statements == []
