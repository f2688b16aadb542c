"""What a worker's jobs do: each is a sender of one scope, until nothing is to be done there for now."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.errors import NewsletterError, SenderRunning, StorageUnavailable
from newsletter.jobs.sender import Sender, utc_now
from newsletter.jobs.signing import SigningPool
from newsletter.jobs.upkeep import Occupancy, Upkeep, life_sign, occupancy, scope_of
from newsletter.services import claims, shards
from newsletter.services.notices import SEND_NOTICES
from newsletter.services.runs import NOTICES, Scope
from newsletter.storage import job_queue
from newsletter.storage.database import Database
from newsletter.storage.job_queue import Job
from newsletter.storage.lock import SenderLock

log = logging.getLogger(__name__)

LINGER_SECONDS: Final = 5.0  #: with nothing to do: one notice often follows another
LOOK_SECONDS: Final = 2.0  #: between two looks whether an idle sender is needed still
SECOND_LOOK_SECONDS: Final = (
    3.0  #: until one that is silent is taken for dead: it may have waited for the server, as we
)
_STEP_SECONDS: Final = 0.25

HasWork = Callable[[Session, datetime], bool]


class Errands:
    """The jobs of one worker process, which run in threads of it."""

    def __init__(self, database: Database, settings: Settings, is_over: Callable[[], bool]) -> None:
        self._database = database
        self._settings = settings
        self._is_over = is_over
        self._upkeep = Upkeep(database)
        self._signing = SigningPool(settings.dkim)  # of the shards, which come one after another
        self._senders: set[Sender] = set()

    @property
    def trouble(self) -> str | None:
        """Why the relay can't be used right now, in words for a person."""
        return next((sender.trouble for sender in list(self._senders) if sender.trouble), None)

    def close(self) -> None:
        """Once nothing runs any more."""
        self._signing.close()

    def keep_up(self) -> None:
        """Make the jobs that are missing."""
        try:
            made = self._upkeep.ensure(now=utc_now())
        except StorageUnavailable as error:
            log.warning("nobody looks for jobs that are missing: %s", error)
            return
        for job in made:
            log.info("%s: the job was missing", job.key)

    def send_notices(self) -> None:
        """Send the notices that are due, and for a while those that follow."""
        self._send(SEND_NOTICES, NOTICES, _is_notice_due, linger=LINGER_SECONDS)

    def send_shard(self, edition_id: int, first: int, last: int) -> None:
        """Send to the readers of a shard whose turn it is."""
        job = Job(shards.SEND_SHARD, job_queue.DIGESTS, {"edition_id": edition_id, "first": first, "last": last})

        def has_work(session: Session, now: datetime) -> bool:
            return bool(shards.with_work(session, edition_id, now=now, first=first))

        self._send(job, scope_of(edition_id, first, last), has_work)

    def _send(self, job: Job, scope: Scope, has_work: HasWork, *, linger: float = 0.0) -> None:
        try:
            if self._is_vacant(scope):
                with SenderLock(self._database, scope.name):
                    self._run(scope, has_work, linger)
            if self._is_over():
                self._leave_to_others(job, has_work)
        except SenderRunning:
            log.info("%s: another sender is at it", scope.name)
        except NewsletterError as error:
            log.warning("%s: begins again: %s", scope.name, error)
        except Exception:  # the top of a job, which nobody else would tell of
            log.exception("%s: ended by a fault in this program; begins again", scope.name)

    def _is_vacant(self, scope: Scope) -> bool:
        """Whether no sender is at work in a scope; one that may be alive is looked at twice."""
        found = occupancy(self._database, scope, now=utc_now())
        if found is not Occupancy.LEFT:
            return found is Occupancy.FREE
        before = life_sign(self._database, scope)
        until = time.monotonic() + SECOND_LOOK_SECONDS
        while time.monotonic() < until and not self._is_over():
            time.sleep(_STEP_SECONDS)
        return not self._is_over() and life_sign(self._database, scope) == before

    def _run(self, scope: Scope, has_work: HasWork, linger: float) -> None:
        signing = self._signing if scope != NOTICES else None
        sender = Sender(self._database, self._settings, scope=scope, signing=signing)
        end = _End(self._database, sender, has_work, linger)
        self._senders.add(sender)
        log.info("%s: begins", scope.name)
        try:
            sender.run(lambda: self._is_over() or end.has_come())
        finally:
            self._senders.discard(sender)
        log.info("%s: ends", scope.name)

    def _leave_to_others(self, job: Job, has_work: HasWork) -> None:
        """This worker stops in the middle: the rest is for the next one at once."""
        with self._database.writing() as session:
            if has_work(session, utc_now()):
                job_queue.defer(session, job)


class _End:
    """Tells when a sender is needed no more."""

    def __init__(self, database: Database, sender: Sender, has_work: HasWork, linger: float) -> None:
        self._database = database
        self._sender = sender
        self._has_work = has_work
        self._linger = linger
        self._look_at: float | None = None  # when it has been idle for long enough to look

    def has_come(self) -> bool:
        """Whether it is idle and nothing is to be done. One that may not send just now is idle, and has to wait."""
        if not self._sender.is_idle:
            self._look_at = None
            return False
        now = time.monotonic()
        if self._look_at is None:
            self._look_at = now + self._linger
        if now < self._look_at:
            return False
        self._look_at = now + LOOK_SECONDS
        try:
            with self._database.reading() as session:
                return not self._has_work(session, utc_now())
        except StorageUnavailable:  # the sender tells of it
            return False


def _is_notice_due(session: Session, now: datetime) -> bool:
    return claims.is_notice_due(session, now=now)
