"""T3: an edition through a relay that answers this and that, with a clock that stands still until it is moved."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from newsletter.config import Settings
from newsletter.delivery.engine import Engine
from newsletter.delivery.outcome import Outcome, Phase, Verdict, classify
from newsletter.delivery.reply import Reply
from newsletter.domain.states import DeliveryState
from newsletter.jobs.lane import Lane
from newsletter.jobs.pace import Pace
from newsletter.services import deliveries, editions, results, suppressions
from newsletter.services.claims import ArmedDelivery, Claim
from newsletter.services.runs import EVERYTHING
from newsletter.storage.database import Database
from newsletter.storage.tables import Delivery, Subscriber, Suppression
from tests.conftest import NOW
from tests.readers import count_states
from tests.services.stock import (
    GONE_AWAY,
    NO_MAILBOX,
    NOVEMBER,
    OK,
    TOKENS,
    UNAUTHENTICATED,
    begin,
    splicer,
    start_sending,
)

FULL_SIZE = pytest.param(10_000, marks=pytest.mark.soak)  #: readers
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DEADLINE = NOW + timedelta(days=4)
ARMED = 50
FIRST_REPLIES = 20  #: from a destination that refuses us, within which it must be paused
GMAIL = "gmail.com"
DOMAINS = ("example.org", "example.net", "example.com", GMAIL)

FULL = Reply(452, "4.2.2", "mailbox full")
BUSY = Reply(450, "4.3.2", "busy")
GREYLISTED = Reply(450, "4.7.1", "greylisted, come back later")
NO_ROOM = Reply(552, "5.2.2", "over quota, for good")

#: How a mailbox answers, and how many in a thousand answer so.
_MANNERS = {
    "fine": 895,
    "busy for ever": 20,
    "busy for a while": 20,
    "greylists": 20,
    "full": 10,
    "hangs up once": 10,
    "unknown": 10,
    "over quota": 5,
    "refuses us": 5,  # all of them at Gmail
    "silent once": 5,
}


class Relay:
    """Answers for each mailbox in its manner, the same for the same seed."""

    def __init__(self, readers: int, seed: int, *, refuses_some: bool = False) -> None:
        dice = random.Random(seed)
        shares = _MANNERS if refuses_some else _MANNERS | {"refuses us": 0, "fine": 900}
        manners = [manner for manner, share in shares.items() for _ in range(share * readers // 1000)]
        dice.shuffle(manners)
        self.manner = dict(enumerate(manners, 1))
        self.domain = {
            reader: GMAIL if manner == "refuses us" else dice.choice(DOMAINS) for reader, manner in self.manner.items()
        }
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
        phase = Phase.DOT if reply in (OK, UNAUTHENTICATED) else Phase.RCPT
        return Outcome(claim, classify(phase, reply), reply, phase)

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
            "refuses us": (UNAUTHENTICATED, True),
        }
        reply, is_said = answers.get(self.manner[reader], (OK, True))
        return reply if is_said else OK

    def readers(self, *manners: str) -> set[int]:
        return {reader for reader, manner in self.manner.items() if manner in manners}

    def at(self, *domains: str) -> set[int]:
        return {reader for reader, domain in self.domain.items() if domain in domains}


Take = Callable[[Claim, datetime], Outcome]
ELSEWHERE = DOMAINS[:-1]


@pytest.fixture
def calm(make_settings: Callable[..., Settings]) -> Settings:
    """Settings that ask no DNS."""
    return make_settings(mx_lookup="off")


def start(database: Database, settings: Settings, relay: Relay) -> int:
    domains = [relay.domain[reader] for reader in sorted(relay.domain)]
    return start_sending(database, settings, ["KZ"] * len(domains), domains=domains)


def send(database: Database, settings: Settings, take: Take) -> datetime:
    """Tick until the edition is done with or stopped; the time by then."""
    now = NOW
    with database.writing() as session:
        edition_id = editions.get(session, NOVEMBER).id
        arming, recording = begin(session)
        splicing = splicer(session, edition_id, settings)
    lane, pace = Lane(edition_id, EVERYTHING, timedelta(hours=1)), Pace(settings, Engine(settings.relays))
    dice = random.Random(7)
    outcomes: list[tuple[Claim, Outcome]] = []
    while True:
        armed: list[ArmedDelivery] = []
        with database.writing() as session:
            recording = replace(recording, now=now, chance=dice.random)
            assert results.record(session, outcomes, recording) == len(outcomes)
            pace.learn(session, outcomes, now=now)
            sending = deliveries.sending(session)
            for claim in (claim for claim, outcome in outcomes if outcome.verdict is Verdict.LOST):
                lane.comes_back(claim.row_id)
            if sending:
                arming = replace(arming, now=now, slot=pace.slot(now))
                room = min(ARMED, pace.room(session, sending, now=now))
                armed = lane.arm(session, arming, splicing, room=room, is_idle=True)
            pace.save(session, now=now)
            next_due = session.scalar(select(func.min(Delivery.due_at)))
        if not sending:
            return now
        outcomes = [(each.claim, take(each.claim, now)) for each in armed]
        if not armed and next_due is not None:
            # A minute at a time while nobody is due: so many ticks are enough. The deadline is not passed over.
            due_at = datetime.fromtimestamp(next_due, NOW.tzinfo)
            later = max(now + MINUTE, due_at) if due_at > now and now != DEADLINE else now + SECOND
            now = min(later, DEADLINE) if now < DEADLINE else later


def rows_of(database: Database) -> dict[int, Delivery]:
    with database.reading() as session:
        return {row.subscriber_id: row for row in session.scalars(select(Delivery))}


def suppressed(database: Database) -> set[int]:
    with database.reading() as session:
        hashes = set(session.scalars(select(Suppression.address_hash)))
        keys = session.execute(select(Subscriber.id, Subscriber.address_key))
        return {reader for reader, key in keys if suppressions.address_hash(key, TOKENS) in hashes}


def ended(database: Database) -> set[int]:
    with database.reading() as session:
        return set(session.scalars(select(Subscriber.id).where(Subscriber.state == "ended")))


@pytest.mark.parametrize("readers", [2000, FULL_SIZE])
def test_every_later_is_delivered_or_given_up_and_only_who_is_unknown_is_suppressed(
    database: Database, calm: Settings, readers: int
) -> None:
    relay = Relay(readers, seed=3, refuses_some=True)
    start(database, calm, relay)
    refused: Counter[datetime] = Counter()

    def take(claim: Claim, now: datetime) -> Outcome:
        outcome = relay.take(claim, now)
        refused[now] += outcome.verdict is Verdict.REFUSED
        return outcome

    ended_at = send(database, calm, take)

    rows = rows_of(database)
    sent = {reader for reader, row in rows.items() if row.state == "sent"}
    never = relay.readers("busy for ever", "full", "unknown", "over quota", "refuses us")
    assert len(rows) == readers
    assert sent & never == set()
    # Gmail is left alone for hours, again and again: there, who would take it at the eighth try may never hear of it,
    # and where fifty of its readers refuse us in turn, some others neither.
    late = relay.readers("busy for a while") if readers <= 2000 else set(rows)
    assert set(rows) - sent - never <= late & relay.at(GMAIL)
    assert len(set(rows) - sent - never) < readers / 20
    # Who was never tried before the deadline is not known to be gone.
    not_tried = {reader for reader in relay.at(GMAIL) if rows[reader].state == "skipped"}
    assert suppressed(database) == ended(database) == relay.readers("unknown") - not_tried
    with database.reading() as session:
        assert editions.get(session, NOVEMBER).state == "sent"

    # Given up in the last hours of the four days, and not before: the waits grow to six hours and a tenth.
    given_up = set(rows) - sent - relay.readers("unknown", "over quota")
    earliest = (DEADLINE - timedelta(hours=6.6)).timestamp()
    latest = (DEADLINE + SECOND).timestamp()
    assert all(earliest < (rows[reader].changed_at or 0) <= latest for reader in given_up)
    assert {rows[reader].state for reader in given_up & relay.at(*ELSEWHERE)} == {"failed"}
    too_late = {reader for reader in given_up if rows[reader].state == "skipped"}
    assert {rows[reader].detail for reader in too_late} <= {"too_late"}
    assert ended_at <= DEADLINE + SECOND

    # Who refuses us is left alone for an hour; nobody elsewhere waits for that, and nobody there is forgotten.
    assert 1 <= refused[NOW] <= FIRST_REPLIES
    fine = relay.readers("fine")
    assert {rows[reader].changed_at for reader in fine & relay.at(*ELSEWHERE)} == {int(NOW.timestamp())}
    last = max(rows[reader].changed_at or 0 for reader in fine & relay.at(GMAIL))
    assert last >= (NOW + timedelta(hours=1)).timestamp()

    # Charged for each answer, and not for a lost connection; one copy each, unless nobody knew.
    assert {rows[reader].attempt for reader in relay.readers("hangs up once", "fine") & sent} == {1}
    assert {rows[reader].attempt for reader in relay.readers("greylists") & sent} == {2}
    assert {row.attempt - relay.tries[reader] for reader, row in rows.items()} == {0, -1}
    doubled = {reader for reader, copies in relay.copies.items() if copies > 1}
    assert doubled == relay.readers("silent once") & sent
    assert {reader for reader, row in rows.items() if row.flagged} == {
        reader for reader in relay.readers("silent once") if relay.tries[reader]
    }
    assert max(relay.copies.values()) == 2


@pytest.mark.parametrize("readers", [600, FULL_SIZE])
def test_a_destination_that_refuses_us_is_paused_within_20_replies_until_it_takes_mail_again(
    database: Database, calm: Settings, readers: int
) -> None:
    relay = Relay(readers, seed=6)
    edition_id = start(database, calm, relay)
    mended_at = NOW + timedelta(hours=10)
    heard: dict[datetime, list[Verdict]] = {}

    def take(claim: Claim, now: datetime) -> Outcome:
        outcome = relay.take(claim, now)
        if relay.domain[claim.row_id] != GMAIL:
            return outcome
        if now < mended_at:
            outcome = Outcome(claim, Verdict.REFUSED, UNAUTHENTICATED, Phase.DOT)
        heard.setdefault(now, []).append(outcome.verdict)
        return outcome

    send(database, calm, take)

    first, *probes = sorted(at for at in heard if at < mended_at)
    assert first == NOW
    assert len(heard[first]) <= FIRST_REPLIES
    assert [len(heard[at]) for at in probes] == [1] * len(probes)
    assert 2 <= len(probes) <= 10
    rows = rows_of(database)
    at_once = relay.readers("fine") & relay.at(*ELSEWHERE)
    assert {rows[reader].changed_at for reader in at_once} == {int(NOW.timestamp())}
    assert {rows[reader].state for reader in relay.readers("fine")} == {"sent"}
    assert suppressed(database) == relay.readers("unknown")
    with database.reading() as session:
        assert editions.get(session, NOVEMBER).state == "sent"
        assert sum(count_states(session, edition_id).values()) == readers


@pytest.mark.parametrize("readers", [600, FULL_SIZE])
def test_a_relay_that_refuses_us_pauses_the_edition_within_a_tick_and_harms_nobody(
    database: Database, calm: Settings, readers: int
) -> None:
    relay = Relay(readers, seed=4)
    edition_id = start(database, calm, relay)
    answered: list[Verdict] = []

    def refuse_after_a_while(claim: Claim, now: datetime) -> Outcome:
        if len(answered) > readers // 4:
            outcome = Outcome(claim, classify(Phase.MAIL, UNAUTHENTICATED), UNAUTHENTICATED, Phase.MAIL)
        else:
            outcome = relay.take(claim, now)
        answered.append(outcome.verdict)
        return outcome

    send(database, calm, refuse_after_a_while)

    assert 0 < answered[readers // 4 + 1 :].count(Verdict.REFUSED) <= ARMED
    rows = rows_of(database)
    assert suppressed(database) <= relay.readers("unknown")
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.state == "paused"
        assert edition.note is not None
        assert "5.7.26" in edition.note
        counts = count_states(session, edition_id)
        assert counts[DeliveryState.ARMED] == 0
        assert sum(counts.values()) == readers
        deliveries_left = counts[DeliveryState.PENDING]
    assert {row.attempt for row in rows.values() if row.state == "pending"} == {0}

    with database.writing() as session:
        deliveries.resume(session, NOVEMBER, now=NOW)
    send(database, calm, relay.take)

    assert deliveries_left > readers // 2
    assert {row.state for row in rows_of(database).values()} == {"sent", "failed"}
    assert {row.state for reader, row in rows_of(database).items() if relay.manner[reader] == "fine"} == {"sent"}
    assert suppressed(database) == relay.readers("unknown")
