"""What replies mean beyond their row: for the reader, for the edition; and that only who owns a row may say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.domain.states import SuppressionReason
from newsletter.services import claims, deliveries, editions, results, runs, suppressions
from newsletter.services.claims import Arming, Claim
from newsletter.storage.tables import Consent, Delivery, Notice, Subscriber, Subscription, Suppression
from tests.conftest import NOW
from tests.services.stock import (
    NO_MAILBOX,
    NOVEMBER,
    OK,
    REFUSAL_TOLD,
    TOKENS,
    TOO_BIG,
    UNAUTHENTICATED,
    begin,
    deliveries_of,
    dump,
    everybody,
    record,
    rows_of,
    start_sending,
)


@pytest.mark.parametrize(
    "theft",
    [
        pytest.param({"owner": 99}, id="another owner has it"),
        pytest.param({"attempt": 2}, id="it was armed again"),
        pytest.param({"state": "pending", "owner": None}, id="it went back"),
    ],
)
def test_a_fenced_sender_writes_nothing_and_is_told(database, sent, theft):
    recording, armed = sent
    with database.writing() as session:
        for claim in armed[:3]:
            for column, value in theft.items():
                setattr(session.get_one(Delivery, claim[:2]), column, value)
    before = dump(database)

    bounce, refusal, success = Verdict.NEVER, Verdict.REFUSED, Verdict.SENT
    told = [
        Outcome(armed[0], bounce, NO_MAILBOX),
        Outcome(armed[1], refusal, UNAUTHENTICATED),
        Outcome(armed[2], success, OK),
    ]
    assert record(database, recording, *told) == 0
    with database.writing() as session:
        assert results.give_back(session, armed[:3], recording) == 0
    assert dump(database) == before

    assert record(database, recording, *told, Outcome(armed[3], success, OK), Outcome(armed[4], success, OK)) == 2


def test_a_sender_that_was_thought_dead_writes_nothing(database, sent):
    recording, armed = sent
    with database.writing() as session:
        arming, _ = begin(session)
        taken = claims.arm_pending(session, arming, armed[0].edition_id, between=(0, runs.LAST), has_news=everybody, limit=5)
    before = dump(database)

    assert record(database, recording, *[Outcome(claim, Verdict.SENT, OK) for claim in armed]) == 0
    assert dump(database) == before
    fresh = replace(recording, owner=arming.owner)
    assert record(database, fresh, *[Outcome(each.claim, Verdict.SENT, OK) for each in taken.deliveries]) == 5


def test_a_hard_bounce_suppresses_and_ends_exactly_that_reader(database, sent):
    recording, armed = sent
    with database.writing() as session:
        session.add(Subscription(subscriber_id=2, place_code="KZ", requested_at=NOW, confirmed_at=NOW))
    told = [Outcome(armed[1], Verdict.NEVER, NO_MAILBOX), Outcome(armed[2], Verdict.NEVER, TOO_BIG)]

    assert record(database, recording, *told, Outcome(armed[0], Verdict.SENT, OK)) == 3

    with database.reading() as session:
        suppressed = {
            each for each in range(1, 7) if suppressions.is_suppressed(session, key_of(session, each), tokens=TOKENS)
        }
        assert suppressed == {2}
        assert session.scalars(select(Suppression.reason)).all() == [SuppressionReason.HARD_BOUNCE.value]
        assert session.scalars(select(Subscriber.id).where(Subscriber.state != "active")).all() == [2]
        subscription = session.scalars(select(Subscription)).one()
        assert (subscription.ended_at, subscription.reason) == (NOW, "hard_bounce")
        consent = session.scalars(select(Consent)).one()
        assert (consent.act, consent.source) == ("ended", "the relay")
        assert consent.text == "550 5.1.1 <address> User unknown"


def key_of(session, subscriber_id):
    return session.get_one(Subscriber, subscriber_id).address_key


def test_a_reader_whose_digest_and_notice_bounce_in_one_tick_is_ended_once(database, sent):
    recording, armed = sent
    with database.writing() as session:
        notice = Notice(
            kind="welcome", subscriber_id=1, created_at=NOW, state="armed", owner=recording.owner, attempt=1
        )
        session.add(notice)
        session.flush()
        both = [armed[0], Claim(0, notice.id, 1)]

    assert record(database, recording, *[Outcome(claim, Verdict.NEVER, NO_MAILBOX) for claim in both]) == 2
    with database.reading() as session:
        assert session.get_one(Subscriber, 1).state == "ended"
        assert session.scalar(select(func.count()).select_from(Consent)) == 1


def test_who_has_bounced_is_not_armed_for_another_edition_in_the_same_tick(database, sent):
    recording, armed = sent
    with database.writing() as session:
        other = editions.ensure(session, NOVEMBER.next, now=NOW).id
        session.add_all([Delivery(edition_id=other, subscriber_id=reader, state="pending") for reader in (1, 2)])
    with database.writing() as session:
        results.record(session, [(armed[0], Outcome(armed[0], Verdict.NEVER, NO_MAILBOX))], recording)
        arming = Arming(recording.owner, TOKENS, NOW)
        more = claims.arm_pending(session, arming, other, between=(0, runs.LAST), has_news=everybody, limit=9)

    assert [each.claim.row_id for each in more.deliveries] == [2]


def test_a_bounce_of_who_was_erased_meanwhile_is_only_counted(database, sent):
    recording, armed = sent
    with database.writing() as session:
        session.delete(session.get_one(Subscriber, 1))

    assert record(database, recording, Outcome(armed[0], Verdict.NEVER, NO_MAILBOX)) == 1
    assert rows_of(database, armed[0])[0].state == "failed"


SEEN = "First seen with subscriber 1"


def test_a_refusal_pauses_the_edition_tells_why_and_suppresses_nobody(database, sent):
    recording, armed = sent
    told = [Outcome(claim, Verdict.REFUSED, UNAUTHENTICATED) for claim in armed[:3]]

    assert record(database, recording, *told, Outcome(armed[3], Verdict.SENT, OK)) == 4

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.state == "paused"
        assert edition.note == f"The relay refuses this sender: {REFUSAL_TOLD}. Mend that, then resume. {SEEN}."
        assert session.scalars(select(Suppression)).all() == []
        assert [(row.state, row.attempt) for row in deliveries_of(session, edition.id)] == [
            *[("deferred", 1)] * 3,
            ("sent", 1),
            ("armed", 1),
            ("pending", 0),
        ]


def test_a_single_reader_that_is_refused_again_pauses_nothing(database, sent):
    recording, armed = sent
    again = armed[0]._replace(attempt=2)
    with database.writing() as session:
        row = session.get_one(Delivery, (again.edition_id, again.row_id))
        row.attempt = again.attempt

    assert record(database, recording, Outcome(again, Verdict.REFUSED, UNAUTHENTICATED)) == 1

    with database.reading() as session:
        assert editions.get(session, NOVEMBER).state == "sending"
        assert deliveries_of(session, again.edition_id)[0].state == "deferred"


def test_after_a_refusal_nothing_more_is_sent_in_the_same_tick(database, sent):
    recording, armed = sent
    with database.writing() as session:
        assert deliveries.sending(session) == [armed[0].edition_id]
        refusal = Outcome(armed[0], Verdict.REFUSED, UNAUTHENTICATED)
        results.record(session, [(armed[0], refusal)], recording)
        assert deliveries.sending(session) == []


@pytest.mark.parametrize("state", ["paused", "cancelled", "sent"])
def test_a_refusal_changes_no_edition_that_is_not_sent_any_more(sqlite, settings, state):
    edition_id = start_sending(sqlite, settings, ["KZ"])
    with sqlite.writing() as session:
        arming, recording = begin(session)
        claims.arm_pending(session, arming, edition_id, between=(0, runs.LAST), has_news=everybody, limit=1)
        edition = editions.get(session, NOVEMBER)
        edition.state, edition.note = state, "what a person wrote"
    record(sqlite, recording, Outcome(Claim(edition_id, 1, 1), Verdict.REFUSED, UNAUTHENTICATED))

    with sqlite.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.note) == (state, "what a person wrote")


def test_what_comes_back_to_a_cancelled_edition_is_skipped(database, sent):
    recording, armed = sent
    with database.writing() as session:
        deliveries.cancel(session, NOVEMBER, now=NOW)
    verdicts = [Verdict.SENT, Verdict.LATER, Verdict.LOST, Verdict.UNKNOWN]
    assert record(database, recording, *map(Outcome, armed, verdicts)) == 4
    with database.writing() as session:
        assert results.give_back(session, armed[4:], recording) == 1

    rows = rows_of(database, armed[0])
    assert [row.state for row in rows] == ["sent"] + ["skipped"] * 5
    assert [row.flagged for row in rows] == [False, False, False, True, False, False]
    assert {row.due_at for row in rows} == {None}
