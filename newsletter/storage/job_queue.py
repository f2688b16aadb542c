"""Procrastinate's queue of jobs, on PostgreSQL: a job is written in the same transaction as its cause.

A job is a hint that something is to be sent, no more: the rows decide, and jobs.upkeep makes a new one where one is
lost. So whoever finds that the same job waits already, or is being written just now, writes none and waits for nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from newsletter.storage.prepared import Prepared

NOTICES: Final = "notices"
DIGESTS: Final = "digests"
UPKEEP: Final = "upkeep"
QUEUES: Final = (NOTICES, DIGESTS, UPKEEP)  #: a worker process takes one job of each at a time

SEARCH_PATH: Final = "procrastinate"  #: where the migration puts Procrastinate's tables

APPLICATION: Final = "newsletter worker"  #: what a worker's connections are called on the server, before its own name
BEAT_SECONDS: Final = 3.0  #: between two signs of life of a worker
GONE_SECONDS: Final = 15.0  #: after so long without one, a worker is gone

_SPACE: Final = 0x6E65776A  #: of advisory locks; any number that no other lock here has


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked to do."""

    task: str
    queue: str
    args: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Of jobs with the same key, one waits at a time."""
        return " ".join([self.task, *map(str, self.args.values())])


_MINE = Prepared(
    text("SELECT key FROM unnest(CAST(:keys AS text[])) AS key WHERE pg_try_advisory_xact_lock(:space, hashtext(key))")
)

_DEFER = Prepared(
    text(
        "SELECT procrastinate.procrastinate_defer_jobs_v1(array_agg("
        " ROW(job->>'queue', job->>'task', 0, NULL, job->>'key', job->'args', NULL)"
        "::procrastinate.procrastinate_job_to_defer_v1 ORDER BY number))"
        " FROM jsonb_array_elements(CAST(:jobs AS jsonb)) WITH ORDINALITY AS wanted (job, number)"
        " WHERE NOT EXISTS (SELECT FROM procrastinate.procrastinate_jobs"
        " WHERE queueing_lock = job->>'key' AND status = 'todo') HAVING count(*) > 0"
    )
)

_WAITING = text("SELECT queueing_lock FROM procrastinate.procrastinate_jobs WHERE status = 'todo'")

_BEATS = text(
    "SELECT EXISTS (SELECT FROM procrastinate.procrastinate_workers"
    " WHERE last_heartbeat > now() - make_interval(secs => :seconds))"
)

_CONNECTED = text(
    "SELECT DISTINCT application_name FROM pg_stat_activity"
    " WHERE datname = current_database() AND starts_with(application_name, :application) ORDER BY 1"
)


def is_here(session: Session) -> bool:
    """Whether this database has the queue: PostgreSQL has."""
    return session.get_bind().dialect.name == "postgresql"


def defer(session: Session, *jobs: Job) -> None:
    """Have jobs done once this transaction is committed; does nothing on SQLite, whose sender looks for itself."""
    if not jobs or not is_here(session):
        return
    # Two transactions that insert one key would wait for each other at its index. Who holds the lock of the key until
    # its commit writes the job for both, and the look that follows sees what was committed before.
    mine = {key for (key,) in _MINE.rows(session, space=_SPACE, keys=[job.key for job in jobs])}
    wanted = [
        {"queue": job.queue, "task": job.task, "key": job.key, "args": dict(job.args)}
        for job in jobs
        if job.key in mine
    ]
    if wanted:
        _DEFER.rows(session, jobs=json.dumps(wanted))


def waiting(session: Session) -> set[str]:
    """The keys of the jobs that no worker has begun."""
    return set(session.scalars(_WAITING))


def worker_name(host: str, process: int) -> str:
    """What a worker calls its connections, so that `workers` finds it: at most 63 octets, as PostgreSQL wants."""
    return f"{APPLICATION} {re.sub(r'[^A-Za-z0-9.-]', '-', host)[:32]} {process}"


def workers(session: Session) -> list[str]:
    """The host and the process of each worker that is alive, as far as the server knows."""
    # A process that was killed has no connection any more; a machine that vanished shows no sign of life.
    if not is_here(session) or not session.scalar(_BEATS, {"seconds": GONE_SECONDS}):
        return []
    names = session.scalars(_CONNECTED, {"application": APPLICATION})
    return [name.removeprefix(APPLICATION).strip() for name in names]
