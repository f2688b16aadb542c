"""What replies mean beyond their row: for the reader, for the edition; and that only who owns a row may say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from newsletter.delivery.destinations.advice import advise
from newsletter.delivery.outcome import Outcome, Phase, Verdict
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.services import claims, consequences, deliveries, editions, notices, results, suppressions
from newsletter.services.claims import Arming, Claim
from newsletter.storage.tables import Consent, Delivery, Notice, Subscriber, Subscription, Suppression
from tests.conftest import NOW
from tests.services.stock import (
    GONE_AWAY,
    GREY,
    NO_MAILBOX,
    NOVEMBER,
    OK,
    REFUSAL_TOLD,
    TOKENS,
    TOO_BIG,
    UNAUTHENTICATED,
    arm,
    begin,
    deliveries_of,
    dump,
    readers_of,
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
        Outcome(armed[1], refusal, UNAUTHENTICATED, Phase.MAIL),
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
        taken = arm(session, arming, armed[0].edition_id, limit=5)
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


def test_a_new_address_that_is_not_there_is_suppressed_and_its_reader_stays(database, sent):
    recording, _ = sent
    with database.writing() as session:
        notice = Notice(
            kind="address_change",
            subscriber_id=1,
            address="Mistyped@bücher.example",
            created_at=NOW,
            state="armed",
            owner=recording.owner,
            attempt=1,
        )
        session.add(notice)
        session.flush()
        claim = Claim(0, notice.id, 1)
    bounce = Outcome(claim, Verdict.NEVER, NO_MAILBOX, Phase.RCPT)

    assert learnt(database, bounce) == [("bücher.example", Verdict.NEVER)]
    assert record(database, recording, bounce) == 1
    with database.reading() as session:
        assert suppressions.is_suppressed(session, "mistyped@xn--bcher-kva.example", tokens=TOKENS)
        assert not suppressions.is_suppressed(session, key_of(session, 1), tokens=TOKENS)
        assert session.get_one(Subscriber, 1).state == "active"


def test_who_has_bounced_is_not_armed_for_another_edition_in_the_same_tick(database, sent):
    recording, armed = sent
    with database.writing() as session:
        other = editions.ensure(session, NOVEMBER.next, now=NOW).id
        session.add_all([Delivery(edition_id=other, subscriber_id=reader, state="pending") for reader in (1, 2)])
    with database.writing() as session:
        results.record(session, [(armed[0], Outcome(armed[0], Verdict.NEVER, NO_MAILBOX))], recording)
        arming = Arming(recording.owner, TOKENS, NOW)
        more = arm(session, arming, other)

    assert readers_of(more) == [2]


def test_a_bounce_of_who_was_erased_meanwhile_is_only_counted(database, sent):
    recording, armed = sent
    with database.writing() as session:
        session.delete(session.get_one(Subscriber, 1))

    assert record(database, recording, Outcome(armed[0], Verdict.NEVER, NO_MAILBOX)) == 1
    assert rows_of(database, armed[0])[0].state == "failed"


ADVICE = advise(UNAUTHENTICATED)
OF_THE_RELAY = [pytest.param(Phase.MAIL, id="to MAIL"), pytest.param(None, id="before any command")]
OF_A_DESTINATION = [Phase.RCPT, Phase.DATA, Phase.DOT]


@pytest.mark.parametrize("phase", OF_THE_RELAY)
def test_a_relay_that_refuses_us_pauses_the_edition_tells_why_and_suppresses_nobody(database, sent, phase):
    recording, armed = sent
    told = [Outcome(claim, Verdict.REFUSED, UNAUTHENTICATED, phase) for claim in armed[:3]]

    assert record(database, recording, *told, Outcome(armed[3], Verdict.SENT, OK)) == 4

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.state == "paused"
        assert edition.note == (
            f"The relay refuses this sender: {REFUSAL_TOLD}. {ADVICE} Mend that, then resume. "
            "First seen with subscriber 1."
        )
        assert session.scalars(select(Suppression)).all() == []
        assert [(row.state, row.attempt) for row in deliveries_of(session, edition.id)] == [
            *[("deferred", 1)] * 3,
            ("sent", 1),
            ("armed", 1),
            ("pending", 0),
        ]


@pytest.mark.parametrize("phase", OF_A_DESTINATION)
@pytest.mark.parametrize("attempt", [1, 2])
def test_what_a_destination_refuses_is_tried_later_and_pauses_and_suppresses_nobody(database, sent, phase, attempt):
    recording, armed = sent
    claims_ = [claim._replace(attempt=attempt) for claim in armed]
    with database.writing() as session:
        session.execute(update(Delivery).where(Delivery.state == "armed").values(attempt=attempt))

    told = [Outcome(claim, Verdict.REFUSED, UNAUTHENTICATED, phase) for claim in claims_]
    assert record(database, recording, *told) == 5

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.note) == ("sending", None)
        assert session.scalars(select(Suppression)).all() == []
        assert set(session.scalars(select(Subscriber.state))) == {"active"}
        facts = [(row.state, row.attempt, row.detail) for row in deliveries_of(session, edition.id)]
        assert facts == [*[("deferred", attempt, REFUSAL_TOLD)] * 5, ("pending", 0, None)]


def learnt(database, *told, words=None):
    """What is told of these outcomes: domains and verdicts, in order."""
    heard = []

    def teach(domain, outcome):
        heard.append((domain, outcome.verdict))
        return words

    with database.writing() as session:
        consequences.learn(session, [(outcome.key, outcome) for outcome in told], teach)
    return heard


def test_what_a_destination_said_is_told_with_the_domain_it_came_from(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4, domains=["a.example", "b.example"])
    with database.writing() as session:
        notices.enqueue(session, NoticeKind.WELCOME, 4, now=NOW)
        arming, _ = begin(session)
        digests = [each.claim for each in arm(session, arming, edition_id).deliveries]
        (notice,) = [each.claim for each in claims.arm_notices(session, arming, limit=9)]

    told = [
        Outcome(digests[1], Verdict.REFUSED, UNAUTHENTICATED, Phase.RCPT),
        Outcome(digests[0], Verdict.LATER, GREY, Phase.DATA),
        Outcome(notice, Verdict.SENT, OK, Phase.DOT),
        Outcome(digests[2], Verdict.SENT, OK, Phase.DOT),
    ]
    assert learnt(database, *told) == [
        ("b.example", Verdict.REFUSED),
        ("a.example", Verdict.LATER),
        ("b.example", Verdict.SENT),
        ("a.example", Verdict.SENT),
    ]


def test_what_no_destination_said_is_not_told(database, sent):
    _, armed = sent
    with database.writing() as session:
        session.delete(session.get_one(Subscriber, 4))

    told = [
        Outcome(armed[0], Verdict.REFUSED, UNAUTHENTICATED, Phase.MAIL),
        Outcome(armed[1], Verdict.LOST, GONE_AWAY),
        Outcome(armed[2], Verdict.UNKNOWN),
        Outcome(armed[3], Verdict.SENT, OK, Phase.DOT),  # its reader was erased
    ]
    assert learnt(database, *told) == []
    assert learnt(database) == []


def test_where_nothing_is_sent_for_a_while_the_edition_says_so_and_goes_on(database, sent):
    _, armed = sent
    refusal = Outcome(armed[0], Verdict.REFUSED, UNAUTHENTICATED, Phase.RCPT)

    learnt(database, refusal, words=None)
    with database.reading() as session:
        assert editions.get(session, NOVEMBER).note is None
    learnt(database, refusal, words="example.org gets nothing until 10:00")
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.note) == ("sending", "example.org gets nothing until 10:00")


def test_a_notice_that_makes_a_destination_wait_changes_no_edition(database, sent):
    with database.writing() as session:
        welcome = notices.enqueue(session, NoticeKind.WELCOME, 1, now=NOW)
        session.flush()
        claim = Claim(0, welcome.id, 1)
    refusal = Outcome(claim, Verdict.REFUSED, UNAUTHENTICATED, Phase.RCPT)

    assert learnt(database, refusal, words="wait") == [("example.org", Verdict.REFUSED)]
    with database.reading() as session:
        assert editions.get(session, NOVEMBER).note is None


def test_after_a_refusal_nothing_more_is_sent_in_the_same_tick(database, sent):
    recording, armed = sent
    with database.writing() as session:
        assert deliveries.sending(session) == [armed[0].edition_id]
        refusal = Outcome(armed[0], Verdict.REFUSED, UNAUTHENTICATED, Phase.MAIL)
        results.record(session, [(armed[0], refusal)], recording)
        assert deliveries.sending(session) == []


@pytest.mark.parametrize("state", ["paused", "cancelled", "sent"])
def test_a_refusal_changes_no_edition_that_is_not_sent_any_more(sqlite, settings, state):
    edition_id = start_sending(sqlite, settings, ["KZ"])
    with sqlite.writing() as session:
        arming, recording = begin(session)
        arm(session, arming, edition_id)
        edition = editions.get(session, NOVEMBER)
        edition.state, edition.note = state, "what a person wrote"
    record(sqlite, recording, Outcome(Claim(edition_id, 1, 1), Verdict.REFUSED, UNAUTHENTICATED, Phase.MAIL))

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
