"""T3: an edition through a relay that answers this and that, with a clock that stands still until it is moved."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select

from newsletter.config import Settings
from newsletter.delivery.outcome import Outcome, Phase, Verdict, classify
from newsletter.delivery.reply import Reply
from newsletter.domain.states import DeliveryState
from newsletter.services import claims, deliveries, editions, results, runs, suppressions
from newsletter.services.claims import Arming, Claim
from newsletter.services.results import Recording
from newsletter.storage.database import Database
from newsletter.storage.tables import Delivery, Subscriber, Suppression
from tests.conftest import NOW
from tests.services.stock import NO_MAILBOX, NOVEMBER, OK, TOKENS, UNAUTHENTICATED, everybody, start_sending

READERS = 2000
LIFETIME = timedelta(days=4)
ARMED = 50

FULL = Reply(452, "4.2.2", "mailbox full")
BUSY = Reply(450, "4.3.2", "busy")
GREYLISTED = Reply(450, "4.7.1", "greylisted, come back later")
GONE_AWAY = Reply(421, "4.3.0", "closing")
NO_ROOM = Reply(552, "5.2.2", "over quota, for good")

#: How a mailbox answers, and how many in a thousand answer so.
_MANNERS = {
    "fine": 900,
    "busy for ever": 20,
    "busy for a while": 20,
    "greylists": 20,
    "full": 10,
    "hangs up once": 10,
    "unknown": 10,
    "over quota": 5,
    "silent once": 5,
}


class Relay:
    """Answers for each mailbox in its manner, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        manners = [manner for manner, share in _MANNERS.items() for _ in range(share * READERS // 1000)]
        dice.shuffle(manners)
        self.manner = dict(enumerate(manners, 1))
        self._patience = {reader: dice.randint(1, 8) for reader in self.manner}
        self.tries: Counter[int] = Counter()
        self.copies: Counter[int] = Counter()
        self._first: dict[int, datetime] = {}

    def take(self, claim: Claim, now: datetime) -> Outcome:
        """What becomes of one message."""
        reply = self._answer(claim.row_id, now)
        self.tries[claim.row_id] += 1
        if reply is None or reply is OK:
            self.copies[claim.row_id] += 1
        if reply is None:
            return Outcome(claim, Verdict.UNKNOWN)
        return Outcome(claim, classify(Phase.DOT if reply is OK else Phase.RCPT, reply), reply)

    def _answer(self, reader: int, now: datetime) -> Reply | None:
        is_first = self.tries[reader] == 0
        waited = now - self._first.setdefault(reader, now)
        # What a mailbox says, and whether it says it now; else it takes the message.
        answers: dict[str, tuple[Reply | None, bool]] = {
            "busy for ever": (BUSY, True),
            "busy for a while": (BUSY, self.tries[reader] < self._patience[reader]),
            "greylists": (GREYLISTED, waited < timedelta(minutes=10)),
            "full": (FULL, True),
            "hangs up once": (GONE_AWAY, is_first),
            "silent once": (None, is_first),
            "unknown": (NO_MAILBOX, True),
            "over quota": (NO_ROOM, True),
        }
        reply, is_said = answers.get(self.manner[reader], (OK, True))
        return reply if is_said else OK

    def readers(self, *manners: str) -> set[int]:
        return {reader for reader, manner in self.manner.items() if manner in manners}


Take = Callable[[Claim, datetime], Outcome]


def send(database: Database, take: Take) -> datetime:
    """Tick until the edition is done with or stopped; the time by then."""
    now = NOW
    with database.writing() as session:
        owner = runs.begin(session, runs.EVERYTHING, now=now)
        edition_id = editions.get(session, NOVEMBER).id
    outcomes: list[Outcome] = []
    after = 0
    while True:
        with database.writing() as session:
            told = [(outcome.key, outcome) for outcome in outcomes]
            written = results.record(session, told, Recording(owner, TOKENS, now))  # type: ignore[arg-type]
            assert written == len(told)
            edition = editions.get(session, NOVEMBER)
            if edition.state != "sending" or deliveries.finish(session, edition, now=now):
                return now
            arming = Arming(owner, TOKENS, now)
            due = claims.arm_due(session, arming, edition_id, has_news=everybody, limit=ARMED).deliveries
            limit = ARMED - len(due)
            more = claims.arm_pending(session, arming, edition_id, between=(after, runs.LAST), has_news=everybody, limit=limit)
            armed = due + more.deliveries
            next_due = session.scalar(select(func.min(Delivery.due_at)))
        outcomes = [take(each.claim, now) for each in armed]
        lost = [each.claim.row_id for each, outcome in zip(armed, outcomes, strict=True) if goes_back(outcome)]
        after = min([more.last_id or after, *(reader - 1 for reader in lost)])
        if not armed and next_due is not None:
            now = max(now, datetime.fromtimestamp(next_due, NOW.tzinfo))


def goes_back(outcome: Outcome) -> bool:
    return outcome.verdict in (Verdict.LOST, Verdict.REFUSED)


def states(database: Database) -> dict[int, Delivery]:
    with database.reading() as session:
        return {row.subscriber_id: row for row in session.scalars(select(Delivery))}


def suppressed(database: Database) -> set[int]:
    with database.reading() as session:
        hashes = set(session.scalars(select(Suppression.address_hash)))
        keys = session.execute(select(Subscriber.id, Subscriber.address_key))
        return {reader for reader, key in keys if suppressions.address_hash(key, TOKENS) in hashes}


def test_every_later_is_delivered_or_given_up_and_only_who_is_unknown_is_suppressed(
    database: Database, settings: Settings
) -> None:
    start_sending(database, settings, ["KZ"] * READERS)
    relay = Relay(seed=3)

    ended_at = send(database, relay.take)

    rows = states(database)
    by_state = {state: {reader for reader, row in rows.items() if row.state == state} for state in DeliveryState}
    never = relay.readers("busy for ever", "full", "unknown", "over quota")
    assert by_state[DeliveryState.FAILED] == never
    assert by_state[DeliveryState.SENT] == set(rows) - never
    assert sum(map(len, by_state.values())) == READERS
    assert suppressed(database) == relay.readers("unknown")
    with database.reading() as session:
        assert set(session.scalars(select(Subscriber.id).where(Subscriber.state == "ended"))) == relay.readers(
            "unknown"
        )
        assert editions.get(session, NOVEMBER).state == "sent"

    # Given up in the last hours of the four days, and not before: the waits grow to six hours.
    given_up = {rows[reader].changed_at for reader in relay.readers("busy for ever", "full")}
    earliest = (NOW + LIFETIME - timedelta(hours=6)).timestamp()
    assert all(at is not None and earliest < at <= (NOW + LIFETIME).timestamp() for at in given_up)
    assert ended_at <= NOW + LIFETIME

    # Charged for each answer, and not for a lost connection; one copy each, unless nobody knew.
    assert {rows[reader].attempt for reader in relay.readers("hangs up once", "fine")} == {1}
    assert {rows[reader].attempt for reader in relay.readers("greylists")} == {2}
    assert {row.attempt - relay.tries[reader] for reader, row in rows.items()} == {0, -1}
    doubled = {reader for reader, copies in relay.copies.items() if copies > 1}
    assert doubled == relay.readers("silent once") == {reader for reader, row in rows.items() if row.flagged}
    assert max(relay.copies.values()) == 2


def test_a_relay_that_refuses_us_pauses_the_edition_within_a_tick_and_harms_nobody(
    database: Database, settings: Settings
) -> None:
    edition_id = start_sending(database, settings, ["KZ"] * READERS)
    relay = Relay(seed=4)
    answered: list[Verdict] = []

    def refuse_after_a_while(claim: Claim, now: datetime) -> Outcome:
        if len(answered) > 500:
            outcome = Outcome(claim, classify(Phase.DOT, UNAUTHENTICATED), UNAUTHENTICATED)
        else:
            outcome = relay.take(claim, now)
        answered.append(outcome.verdict)
        return outcome

    send(database, refuse_after_a_while)

    assert 0 < answered.count(Verdict.REFUSED) <= ARMED
    rows = states(database)
    assert suppressed(database) <= relay.readers("unknown")
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.state == "paused"
        assert edition.note is not None
        assert "5.7.26" in edition.note
        counts = deliveries.counts(session, edition_id)
        assert counts[DeliveryState.ARMED] == 0
        assert sum(counts.values()) == READERS
        deliveries_left = counts[DeliveryState.PENDING]
    assert {row.attempt for row in rows.values() if row.state == "pending"} == {0}

    with database.writing() as session:
        deliveries.resume(session, NOVEMBER, now=NOW)
    send(database, relay.take)

    assert deliveries_left > READERS // 2
    assert {row.state for row in states(database).values()} == {"sent", "failed"}
    assert suppressed(database) == relay.readers("unknown")
