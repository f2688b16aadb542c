"""The sender: takes what is due from the database to the relay, in ticks.

A tick is one transaction: what the relay said since the last one is recorded, and a few more rows are armed. No
transaction is open while the relay works. If a commit fails, nothing new is armed, so sending comes to rest by itself;
what came back is kept, and recorded with the first commit that works again.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.errors import ContentChanged, RelayError, RelayRefused, StorageUnavailable, TemplateError
from newsletter.jobs.outbox import Outbox
from newsletter.jobs.speed import Allowance
from newsletter.services import claims, deliveries, editions, results
from newsletter.services.claims import ArmedDelivery, ArmedNotice, Arming, Claim
from newsletter.services.results import Recording
from newsletter.storage.database import Database
from newsletter.storage.tables import Edition

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.25  #: between two looks for something to do
PROBE_SECONDS = 1.0  #: between two tries while the relay can't be reached
STALE_SECONDS = 1.0  #: what has waited so long for the relay is looked at anew before it is sent
CLOSING_SECONDS = 30.0  #: for what is in flight when the sender is told to stop


def utc_now() -> datetime:
    """The time, for the edges: everything below is told it."""
    return datetime.now(UTC)


class Sender:
    """Sends notices and editions. Use it with the sender's lock (storage.lock) held."""

    def __init__(self, database: Database, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._tokens = settings.tokens
        self._outbox = Outbox(settings.publication, settings.dkim)
        self._engine = Engine(settings.relay)
        self._allowance = Allowance(settings.connections, settings.rate)
        self._engine.settle(window=self._allowance.window)
        self._owner = 0
        self._outcomes: list[Outcome] = []  # came back, and are not recorded yet
        self._withdrawn: list[Claim] = []  # taken back, and not given back yet
        self._outstanding: Counter[int] = Counter()  # armed rows, by edition
        self._positions: dict[int, int] = {}  # edition -> the subscriber up to whom nothing is pending
        self._told: RelayError | None = None  # the trouble that admins know of
        self._fresh_at = time.monotonic()  # since when something has been waiting for the relay

    @property
    def trouble(self) -> str | None:
        """Why the relay can't be used right now, in words for a person."""
        return str(self._engine.trouble) if self._engine.trouble else None

    def run(self, is_over: Callable[[], bool]) -> None:
        """Send whatever is due until `is_over`; then finish what the relay has in hand, and record it."""
        with self._database.writing() as session:
            self._owner = claims.begin_run(session, now=self._clock())
        with self._engine:
            while not is_over():
                self._step()
            self._stop()

    def _step(self) -> None:
        """Let the engine work for a moment, then do a tick if there is reason for one."""
        busy = self._engine.waiting + self._engine.in_flight
        wait = PROBE_SECONDS if self._engine.trouble else IDLE_SECONDS
        self._outcomes += self._engine.poll(wait, at_least=self._allowance.batch)
        if self._outcomes or self._withdrawn or busy or self._is_anything_due():
            self._tick(arms=True)

    def _tick(self, *, arms: bool) -> bool:
        """One transaction; whether it was committed."""
        now = self._clock()
        trouble = self._engine.trouble
        if trouble or not arms or self._has_waited():
            # What waits for the relay must not outlast its reader's wish: it goes back, and is looked at anew.
            self._withdraw()
        try:
            with self._database.writing() as session:
                claims.require_own_run(session, self._owner)
                sending = self._record(session, now)
                self._tell_trouble(session, sending, trouble)
                notices, digests = self._arm(session, sending, now) if arms else ([], [])
                latest = self._latest(session) if notices else None
        except StorageUnavailable as error:
            log.warning("nothing is sent until the database can be written: %s", error)
            return False
        self._told = trouble
        self._settle()
        self._engine.settle(window=self._allowance.window)
        self._submit(self._outbox.notices(notices, latest), ahead=True)
        self._submit(self._outbox.digests(digests), ahead=False)
        return True

    def _has_waited(self) -> bool:
        """Whether something may have waited for the relay for more than STALE_SECONDS."""
        now = time.monotonic()
        if not self._engine.waiting:
            self._fresh_at = now
        return now - self._fresh_at > STALE_SECONDS

    def _withdraw(self) -> None:
        self._fresh_at = time.monotonic()
        self._withdrawn += cast("list[Claim]", self._engine.withdraw())

    def _record(self, session: Session, now: datetime) -> list[int]:
        """Write what came back; the editions that are being sent."""
        recording = Recording(self._owner, self._tokens, now)
        told = [(cast("Claim", outcome.key), outcome) for outcome in self._outcomes]
        sending = deliveries.sending(session)
        written = results.record(session, told, recording) if told else 0
        if any(outcome.verdict is Verdict.REFUSED for outcome in self._outcomes):
            sending = deliveries.sending(session)  # what the relay said has paused one
        if self._outstanding.keys() - sending - {0}:
            self._withdraw()  # of an edition that was paused or cancelled
        written += results.give_back(session, self._withdrawn, recording)
        if written < len(told) + len(self._withdrawn):
            log.warning("%d rows had another owner", len(told) + len(self._withdrawn) - written)
        return sending

    def _settle(self) -> None:
        """After the commit: what was recorded is done with, and what went back will be found again."""
        returned = [cast("Claim", outcome.key) for outcome in self._outcomes if outcome.verdict is Verdict.LOST]
        for claim in [*returned, *self._withdrawn]:
            position = self._positions.get(claim.edition_id, 0)
            self._positions[claim.edition_id] = min(position, claim.row_id - 1)
        for claim in [*(cast("Claim", outcome.key) for outcome in self._outcomes), *self._withdrawn]:
            self._outstanding[claim.edition_id] -= 1
        self._outstanding = +self._outstanding
        self._allowance.note(len(self._outcomes))
        self._outcomes, self._withdrawn = [], []

    def _arm(
        self, session: Session, sending: Sequence[int], now: datetime
    ) -> tuple[list[ArmedNotice], list[ArmedDelivery]]:
        """Arm as many rows as there is room for, notices first; call an edition sent when nothing is left of it."""
        taken = self._engine.waiting + self._engine.in_flight
        room = max(0, (1 if self._engine.trouble else self._allowance.armed) - taken)
        arming = Arming(self._owner, self._tokens, now)
        is_due = room and claims.is_notice_due(session, now=now)
        notices = claims.arm_notices(session, arming, limit=room) if is_due else []
        digests: list[ArmedDelivery] = []
        for edition_id in sending:
            digests += self._arm_edition(session, arming, edition_id, room - len(notices) - len(digests))
        return notices, digests

    def _arm_edition(self, session: Session, arming: Arming, edition_id: int, room: int) -> list[ArmedDelivery]:
        if room <= 0:
            return []
        try:
            splicer = self._outbox.splicer(session, edition_id)
        except (ContentChanged, TemplateError) as error:
            edition = session.get_one(Edition, edition_id)
            edition.state, edition.note = EditionState.PAUSED.value, str(error)
            return []

        def has_news(follows: Sequence[str]) -> bool:
            return splicer.chosen(follows) != 0

        due = claims.arm_deferred(session, arming, edition_id, has_news=has_news, limit=room)
        found = due.deliveries
        position = self._positions.get(edition_id, 0)
        is_exhausted = False
        while len(found) < room and not is_exhausted:
            limit = room - len(found)
            more = claims.arm_pending(session, arming, edition_id, after=position, has_news=has_news, limit=limit)
            found += more.deliveries
            position = more.last_id or position
            is_exhausted = more.seen < limit
        self._positions[edition_id] = position
        if is_exhausted and not found and not self._engine.waiting and not self._engine.in_flight:
            deliveries.finish(session, session.get_one(Edition, edition_id), now=arming.now)
        return found

    def _submit(self, made: Iterable[OutgoingMessage | Outcome], *, ahead: bool) -> None:
        """Hand messages to the engine; what can't be made into one has its outcome already."""
        messages = []
        for each in made:
            self._outstanding[cast("Claim", each.key).edition_id] += 1
            if isinstance(each, Outcome):
                self._outcomes.append(each)
            else:
                messages.append(each)
        self._engine.submit(messages, ahead=ahead)

    def _tell_trouble(self, session: Session, sending: Iterable[int], trouble: RelayError | None) -> None:
        """Keep with the editions that wait why they wait; a relay that refuses us waits for a person.

        Each failed try is a trouble of its own, so an edition that was resumed too early is paused again.
        """
        if trouble is self._told:
            return
        if trouble:
            log.warning("the relay can't be used: %s", trouble)
        for edition_id in sending:
            edition = session.get_one(Edition, edition_id)
            edition.note = str(trouble) if trouble else None
            if isinstance(trouble, RelayRefused):
                edition.state = EditionState.PAUSED.value

    def _is_anything_due(self) -> bool:
        try:
            with self._database.reading() as session:
                return claims.is_anything_due(session, now=self._clock())
        except StorageUnavailable as error:
            log.warning("the database can't be read: %s", error)
            return False

    def _latest(self, session: Session) -> Month | None:
        released = editions.released(session)
        return Month.parse(released[0].month) if released else None

    def _stop(self) -> None:
        """Start nothing more, wait for what is in flight, record all of it."""
        self._withdraw()
        self._outcomes += self._engine.close(CLOSING_SECONDS)
        until = time.monotonic() + CLOSING_SECONDS
        while not self._tick(arms=False):
            if time.monotonic() > until:
                log.warning("what the relay took last could not be recorded; the next sender flags it")
                return
            time.sleep(PROBE_SECONDS)
        with self._database.writing() as session:
            claims.end_run(session, self._owner, now=self._clock())
