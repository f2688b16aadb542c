"""What keeps workers going: every few seconds it looks at the rows, and makes the jobs that are missing.

Whatever became of a job, lost with its worker or never written: somebody is to be sent to, nobody is at it, and that is
all that counts. So what a killed worker was at goes on within seconds, and the queue's own state need not be trusted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from newsletter.errors import SenderRunning
from newsletter.services import claims, deliveries, runs, shards
from newsletter.services.notices import SEND_NOTICES
from newsletter.services.runs import NOTICES, Scope
from newsletter.storage import job_queue
from newsletter.storage.database import Database
from newsletter.storage.job_queue import Job
from newsletter.storage.lock import SenderLock
from newsletter.storage.tables import Edition, SenderRun, Shard

SILENT_SECONDS: Final = 8  #: a sender that lives ticks every five seconds at least (jobs.licence)
LOOKING_SHARE: Final = 0.05  #: of the time: so much of it may go into looking through an edition's deliveries

Wanted = tuple[Job, Scope]


class Occupancy(Enum):
    """Whether a sender is at work in a scope."""

    FREE = "none is"
    LEFT = "one was, and its lock is gone, or it is silent"
    TAKEN = "one is"


def scope_of(edition_id: int, first: int, last: int) -> Scope:
    """What a sender of a shard may send."""
    return Scope(notices=False, edition_id=edition_id, first=first, last=last)


def occupancy(database: Database, scope: Scope, *, now: datetime) -> Occupancy:
    """Whether a sender is at work in a scope. Raises StorageUnavailable.

    The lock of one that died is gone at once. But so is that of one that lost all its connections and made new ones, as
    after a restart of the server: whether it still ticks, `life_sign` tells.
    """
    run = _open_run(database, scope)
    if run is None:
        return Occupancy.FREE
    is_silent = (run.ticked_at or 0) < now.timestamp() - SILENT_SECONDS
    return Occupancy.LEFT if is_silent or _is_unlocked(database, scope) else Occupancy.TAKEN


def life_sign(database: Database, scope: Scope) -> tuple[int, int] | None:
    """What is another one a second later where a sender of this scope is busy. Raises StorageUnavailable."""
    run = _open_run(database, scope)
    return (run.id, run.ticks) if run is not None else None


def _open_run(database: Database, scope: Scope) -> SenderRun | None:
    """The last run of a scope, unless it has ended in good order."""
    latest = select(SenderRun).where(SenderRun.scope == scope.name).order_by(SenderRun.id.desc()).limit(1)
    with database.reading() as session:
        run = session.scalar(latest)
    return run if run is not None and run.ended_at is None else None


def _is_unlocked(database: Database, scope: Scope) -> bool:
    try:
        with SenderLock(database, scope.name):
            return True
    except SenderRunning:
        return False


class Upkeep:
    """Makes jobs for what has none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rests_until: dict[int, float] = {}  # edition -> when its deliveries may be looked through again

    def ensure(self, *, now: datetime) -> list[Job]:
        """Make a job wherever there is something to do and nobody at it; the jobs. Raises StorageUnavailable."""
        self._cut_what_is_whole()
        with self._database.reading() as session:
            wanted = {job.key: (job, scope) for job, scope in self._wanted(session, now)}
            waiting = job_queue.waiting(session)
        missing = [
            job
            for key, (job, scope) in wanted.items()
            if key not in waiting and occupancy(self._database, scope, now=now) is not Occupancy.TAKEN
        ]
        if missing:
            with self._database.writing() as session:
                job_queue.defer(session, *missing)
        return missing

    def _cut_what_is_whole(self) -> None:
        """An edition that was being sent when this program learnt of shards has none."""
        with self._database.reading() as session:
            whole = [edition_id for edition_id in deliveries.sending(session) if not shards.of(session, edition_id)]
        if whole:
            with self._database.writing() as session:
                for edition_id in whole:
                    shards.hand_out(session, edition_id)

    def _wanted(self, session: Session, now: datetime) -> Iterator[Wanted]:
        if claims.is_notice_due(session, now=now):
            yield SEND_NOTICES, NOTICES
        yield from _left_by_the_dead(session)
        for edition_id in deliveries.sending(session):
            began = time.monotonic()
            if began >= self._rests_until.get(edition_id, 0.0):
                yield from _of_edition(session, edition_id, now)
                self._rests_until[edition_id] = began + (time.monotonic() - began) / LOOKING_SHARE


def _left_by_the_dead(session: Session) -> Iterator[Wanted]:
    """All scopes whose last sender has not ended in good order: where it isn't at work still, it left something behind.

    What is armed there goes back when the next one begins, even in an edition that is not being sent any more.
    """
    later = aliased(SenderRun)
    is_last = ~select(later.id).where(later.scope == SenderRun.scope, later.id > SenderRun.id).exists()
    names = set(session.scalars(select(SenderRun.scope).where(SenderRun.ended_at.is_(None), is_last)))
    if NOTICES.name in names:
        yield SEND_NOTICES, NOTICES
    may_hold_armed = Edition.state.in_(runs.MAY_HOLD_ARMED)
    found = select(Shard).join(Edition, Edition.id == Shard.edition_id).where(may_hold_armed)
    for job, scope in map(_wanted_of, session.scalars(found) if names else ()):
        if scope.name in names:
            yield job, scope


def _of_edition(session: Session, edition_id: int, now: datetime) -> Iterator[Wanted]:
    found = shards.of(session, edition_id)
    with_work = shards.with_work(session, edition_id, now=now)
    yield from (_wanted_of(shard) for shard in found if shard.first_id in with_work)
    if found and not with_work and _is_over(session, edition_id, now):
        yield _wanted_of(found[0])


def _is_over(session: Session, edition_id: int, now: datetime) -> bool:
    """Whether the first wave or the edition has come to its end, and no sender has seen it: any one will."""
    edition = session.get_one(Edition, edition_id)
    if edition.first_wave is None:
        return not deliveries.has_open(session, edition_id)
    if edition.rest_at is not None:
        return now >= edition.rest_at
    return not deliveries.is_wave_under_way(session, edition_id, edition.first_wave)


def _wanted_of(shard: Shard) -> Wanted:
    return shards.job(shard), scope_of(shard.edition_id, shard.first_id, shard.last_id)
