"""The sender: takes what is due from the database to the relay, in ticks.

A tick is one transaction: what the relay said since the last one is recorded, and a few more rows are armed. No
transaction is open while the relay works. If a commit fails, nothing new is armed, so sending comes to rest by itself;
what came back is kept, and recorded with the first commit that works again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import cast

from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.delivery.engine import Engine
from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.domain.month import Month
from newsletter.errors import ContentChanged, RelayError, RelayRefused, StorageUnavailable, TemplateError
from newsletter.jobs.dispatch import Dispatch
from newsletter.jobs.first_replies import Beginnings
from newsletter.jobs.lane import Lane
from newsletter.jobs.licence import Licence
from newsletter.jobs.outbox import Outbox
from newsletter.jobs.pace import Pace
from newsletter.jobs.signing import SigningPool
from newsletter.jobs.speed import SIGNING_TICK_SECONDS, TICK_SECONDS, Allowance
from newsletter.services import claims, deliveries, editions, results, runs
from newsletter.services.claims import ArmedDelivery, ArmedNotice, Arming, Claim
from newsletter.services.results import Recording
from newsletter.services.runs import EVERYTHING, Scope
from newsletter.storage.database import Database
from newsletter.storage.tables import Edition

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.25  #: between two looks for something to do
PROBE_SECONDS = 1.0  #: between two tries while the relay can't be reached
CLOSING_SECONDS = 30.0  #: for what is in flight when the sender is told to stop


def utc_now() -> datetime:
    """The time, for the edges: everything below is told it."""
    return datetime.now(UTC)


class Sender:
    """Sends what is in its scope: notices and editions. Use it with the scope's lock (storage.lock) held."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        scope: Scope = EVERYTHING,
        signing: SigningPool | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`signing` may be used by other senders before and after this one; else it has its own while it runs."""
        self.is_idle = False  #: at the last look nothing was due, and nothing under way
        self._database = database
        self._settings = settings
        self._scope = scope
        self._clock = clock
        own_signing = SigningPool(settings.dkim)
        self._signing = own_signing if signing is None else nullcontext()
        self._outbox = Outbox(settings.publication)
        self._engine = Engine(settings.relays, rate=settings.rate)
        self._dispatch = Dispatch(self._engine, signing or own_signing)
        self._pace = Pace(settings, self._dispatch)
        self._licence = Licence(database, settings, scope)
        tick = SIGNING_TICK_SECONDS if own_signing.is_on else TICK_SECONDS
        self._allowance = Allowance(settings.connections, settings.rate, tick_seconds=tick)
        self._engine.settle(window=self._allowance.window)
        self._outcomes: list[Outcome] = []  # came back, and are not recorded yet
        self._withdrawn: list[Claim] = []  # taken back, and not given back yet
        self._under_way: set[Claim] = set()  # armed rows, from the commit that armed them to the one that settled them
        self._is_in_doubt = False  # a commit failed: the server may have done it all the same
        self._lanes: dict[int, Lane] = {}
        self._beginnings = Beginnings(settings.pause_above)
        self._heard = 0  # how many of the outcomes were learnt from
        self._told: RelayError | None = None  # the trouble that admins know of

    @property
    def trouble(self) -> str | None:
        """Why the relay can't be used right now, in words for a person."""
        return str(self._engine.trouble) if self._engine.trouble else None

    @property
    def halted(self) -> str | None:
        """Why nothing is sent until an admin says so."""
        return self._licence.halted

    def run(self, is_over: Callable[[], bool]) -> None:
        """Send whatever is due until `is_over`; then finish what the relay has in hand, and record it.

        Raises SenderRunning when another sender has taken over.
        """
        with self._licence.begun(now=self._clock()), self._signing, self._dispatch:
            while not is_over():
                self._step()
            self._stop()

    def _step(self) -> None:
        """Let the engine work for a moment, then do a tick if there is reason for one."""
        if self._dispatch.has_waited:
            self._withdraw()  # this process was stopped for a while, maybe, and somebody else has taken over
        busy = self._dispatch.waiting + self._dispatch.in_flight
        wait = PROBE_SECONDS if self._engine.trouble else IDLE_SECONDS
        wanted = self._allowance.batch - len(self._outcomes)
        # With a tick's worth in hand there may be no more to come before it: the window can be full of it.
        is_in_hand = wanted <= 0 and not self._is_in_doubt
        self._outcomes += self._dispatch.poll(0.0 if is_in_hand else wait, at_least=max(1, wanted))
        is_due = bool(self._outcomes or self._withdrawn or busy) or self._is_anything_due()
        if is_due or self._licence.is_to_be_renewed:
            self._tick(arms=is_due)
        self.is_idle = not is_due or not self._under_way

    def _tick(self, *, arms: bool) -> bool:
        """One transaction; whether it was committed."""
        now = self._clock()
        trouble = self._engine.trouble
        if trouble or not arms or self._dispatch.has_waited:
            # What waits for the relay must not outlast its reader's wish: it goes back, and is looked at anew.
            self._withdraw()
        try:
            with self._database.writing() as session:
                self._licence.tick(session, now=now, is_last=not arms)
                if self._is_in_doubt:
                    # What a commit armed whose end we did not hear of was never handed to the engine.
                    armed = claims.armed_by(session, self._licence.owner)
                    self._withdrawn += [claim for claim in armed if claim not in self._under_way]
                sending = self._record(session, now)
                self._tell_trouble(session, sending, trouble)
                notices, digests = self._arm(session, sending, now) if arms else ([], [])
                latest = self._latest(session) if notices else None
                self._pace.save(session, now=now)
                self._dispatch.prepare(self._outbox.make(notices, digests, latest=latest))
        except StorageUnavailable as error:
            log.warning("nothing is sent until the database can be written: %s", error)
            self._is_in_doubt = True
            self._lanes.clear()  # whom the tick had armed may wait again, behind where they are
            self._dispatch.drop()
            return False
        self._is_in_doubt = False
        self._licence.ticked(now=now)
        self._told = trouble
        self._settle()
        self._engine.settle(window=self._allowance.window)
        armed, unmade = self._dispatch.go()
        self._under_way.update(armed)
        self._outcomes += unmade
        return True

    def _withdraw(self) -> None:
        self._withdrawn += self._dispatch.withdraw()

    def _record(self, session: Session, now: datetime) -> list[int]:
        """Write what came back; the editions of our scope that are being sent."""
        told = [(cast("Claim", outcome.key), outcome) for outcome in self._outcomes]
        recording = Recording(
            self._licence.owner,
            self._settings.tokens,
            now,
            on_unknown=self._settings.unknown_outcome,
        )
        written = results.record(session, told, recording) if told else 0
        fresh = told[self._heard :]  # a tick that failed has heard the others already
        self._heard = len(told)
        self._pace.learn(session, fresh, now=now)
        self._beginnings.note(fresh)
        for edition_id, note in self._beginnings.bad.items():
            deliveries.hold(session, edition_id, note)
        sending = [each for each in deliveries.sending(session) if self._scope.covers(each)]
        if {claim.edition_id for claim in self._under_way} - {*sending, 0}:
            self._withdraw()  # of an edition that was paused or cancelled
        written += results.give_back(session, self._withdrawn, recording) if self._withdrawn else 0
        if written < len(told) + len(self._withdrawn):
            log.warning("%d rows had another owner", len(told) + len(self._withdrawn) - written)
        return sending

    def _settle(self) -> None:
        """After the commit: what was recorded is done with, and what went back will be found again."""
        returned = [cast("Claim", outcome.key) for outcome in self._outcomes if outcome.verdict is Verdict.LOST]
        for claim in [*returned, *self._withdrawn]:
            if claim.edition_id in self._lanes:
                self._lanes[claim.edition_id].comes_back(claim.row_id)
        self._under_way.difference_update(cast("Claim", outcome.key) for outcome in self._outcomes)
        self._under_way.difference_update(self._withdrawn)
        self._allowance.note(len(self._outcomes))
        self._outcomes, self._withdrawn, self._heard = [], [], 0
        self._beginnings.settle()

    def _arm(
        self, session: Session, sending: Sequence[int], now: datetime
    ) -> tuple[list[ArmedNotice], list[ArmedDelivery]]:
        """Arm as many rows as there is room for, notices first."""
        if self._licence.is_halted(session):
            return [], []
        taken = self._dispatch.waiting + self._dispatch.in_flight
        room = max(0, (1 if self._engine.trouble else self._allowance.armed) - taken)
        if taken and any(lane.is_alone for lane in self._lanes.values()):
            return [], []
        arming = Arming(self._licence.owner, self._settings.tokens, now, slot=self._pace.slot(now))
        is_due = room and self._scope.notices and claims.is_notice_due(session, now=now)
        notices = claims.arm_notices(session, arming, limit=room) if is_due else []
        digests: list[ArmedDelivery] = []
        self._forget_all_but(sending)
        room = min(room - len(notices), self._pace.room(session, sending, now=now))
        for edition_id in sending:
            is_idle = not (taken or notices or digests)
            digests += self._arm_edition(session, arming, edition_id, room - len(digests), is_idle=is_idle)
        return notices, digests

    def _forget_all_but(self, sending: Sequence[int]) -> None:
        """An edition that is resumed begins anew, from its first reader and with its first replies."""
        if self._lanes.keys() - sending:
            self._lanes = {edition_id: lane for edition_id, lane in self._lanes.items() if edition_id in sending}
            self._beginnings.forget_all_but(sending)

    def _arm_edition(
        self, session: Session, arming: Arming, edition_id: int, room: int, *, is_idle: bool
    ) -> list[ArmedDelivery]:
        if room <= 0:
            return []
        try:
            splicer = self._outbox.splicer(session, edition_id)
        except (ContentChanged, TemplateError) as error:
            deliveries.hold(session, edition_id, str(error))
            return []
        if edition_id not in self._lanes:
            wait = timedelta(minutes=self._settings.canary_wait)
            self._lanes[edition_id] = Lane(edition_id, self._scope, wait)
        self._beginnings.begin(edition_id)
        return self._lanes[edition_id].arm(session, arming, splicer, room=room, is_idle=is_idle)

    def _tell_trouble(self, session: Session, sending: Iterable[int], trouble: RelayError | None) -> None:
        """Keep with the editions that wait why they wait; a relay that refuses us waits for a person.

        Each failed try is a trouble of its own, so an edition that was resumed too early is paused again.
        """
        if trouble is self._told:
            return
        if trouble:
            log.warning("the relay can't be used: %s", trouble)
        for edition_id in sending:
            if isinstance(trouble, RelayRefused):
                deliveries.hold(session, edition_id, str(trouble))
            else:
                edition = session.get_one(Edition, edition_id, with_for_update=True, populate_existing=True)
                if trouble or edition.note == str(self._told):
                    edition.note = str(trouble) if trouble else None
                session.flush()

    def _is_anything_due(self) -> bool:
        try:
            with self._database.reading() as session:
                return claims.is_anything_due(session, scope=self._scope, now=self._clock())
        except StorageUnavailable as error:
            log.warning("the database can't be read: %s", error)
            return False

    def _latest(self, session: Session) -> Month | None:
        released = editions.released(session)
        return Month.parse(released[0].month) if released else None

    def _stop(self) -> None:
        """Start nothing more, wait for what is in flight, record all of it."""
        self._withdraw()
        self._outcomes += self._dispatch.close(CLOSING_SECONDS)
        until = time.monotonic() + CLOSING_SECONDS
        while not self._tick(arms=False):
            if time.monotonic() > until:
                log.warning("what the relay took last could not be recorded; the next sender flags it")
                return
            time.sleep(PROBE_SECONDS)
        with self._database.writing() as session:
            runs.end(session, self._licence.owner, now=self._clock())
