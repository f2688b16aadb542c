"""APScheduler as a ticker: every so often it asks services.schedule what is due. It keeps no jobs of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.job import Job
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

from newsletter.config import Release, Settings
from newsletter.errors import NewsletterError
from newsletter.jobs import forgetting, growth, importing, reporting
from newsletter.jobs.sender import utc_now
from newsletter.services import retention, schedule
from newsletter.services.approval import Approval
from newsletter.services.schedule import Schedule
from newsletter.storage import erasing
from newsletter.storage.database import Database

log = logging.getLogger(__name__)

TICK_SECONDS = 20
FORGETTING_WAITS = timedelta(minutes=1)  #: after the start, when there is enough to do
IMPORTING_EVERY = timedelta(seconds=2)


def tick(database: Database, settings: Settings, *, now: datetime) -> None:
    """Do what is due: forget who did not confirm, assemble the month's edition, release it where that is automatic.

    Looks first, so that a tick that finds nothing takes no write lock. What anybody has deleted since the last tick is
    then also removed from SQLite's log.
    """
    with database.reading() as session:
        is_purge_due = retention.is_purge_due(session, now=now)
    if is_purge_due:
        with database.writing() as session:
            retention.purge_pending(session, now)
    _ensure_edition(database, settings, now)
    erasing.cut_log(database.engine)


def _ensure_edition(database: Database, settings: Settings, now: datetime) -> None:
    due = Schedule(settings.schedule, settings.zone)
    within = timedelta(hours=settings.release_within)
    # Where it takes two to approve an edition, the schedule is none of them.
    is_automatic = settings.release is Release.AUTOMATIC and settings.approval is Approval.ONE
    with database.reading() as session:
        is_missing = bool(schedule.missing(session, due, now=now))
        waits = is_automatic and schedule.releasable(session, due, within=within, now=now) is not None
        waits = waits or bool(schedule.waiting(session, now=now))
    if not is_missing and not waits:
        return
    with database.writing() as session:
        schedule.ensure_due(session, due, now=now)
        schedule.start_due(session, within=within, now=now, terms=settings.terms)
        draft = schedule.releasable(session, due, within=within, now=now) if is_automatic else None
        if draft is not None:
            schedule.release(session, draft, settings.publication, now=now, terms=settings.terms)


class TickStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler ships no types
    """Job times that survive a clock that is set back: what lies further ahead than two of its intervals is due now.

    Otherwise a machine that started with a date in the future would not tick before that date comes.
    """

    def get_due_jobs(self, now: datetime) -> list[Job]:
        for job in self.get_all_jobs():
            if job.next_run_time - now > 2 * job.trigger.interval:
                job.modify(next_run_time=now)
        found: list[Job] = super().get_due_jobs(now)
        return found


def start(database: Database, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> BaseScheduler:
    """Tick in the background, at once and every TICK_SECONDS; take in lists of subscribers; forget what is due.

    Call `shutdown` on what comes back.
    """

    def guarded_tick() -> None:
        try:
            tick(database, settings, now=clock())
        except NewsletterError as error:
            log.warning("the schedule waits for its next tick: %s", error)

    def forget() -> None:
        try:
            forgetting.run(database, settings.tokens, now=clock(), is_over=lambda: not ticker.running)
        except NewsletterError as error:
            log.warning("what is to be forgotten waits for the next hour: %s", error)

    def take_in_lists() -> None:
        try:
            importing.run(database, settings.tokens, settings.instance, clock=clock, is_over=lambda: not ticker.running)
            growth.count_growth(database, now=clock())
            reporting.make_report(database, settings.publication, now=clock())
        except NewsletterError as error:
            log.warning("lists of subscribers and reports wait for the next look: %s", error)

    ticker = BackgroundScheduler(timezone="UTC", jobstores={"default": TickStore()})
    _add(ticker, guarded_tick, timedelta(seconds=TICK_SECONDS), first=utc_now())
    _add(ticker, take_in_lists, IMPORTING_EVERY, first=utc_now())
    _add(ticker, forget, forgetting.EVERY, first=utc_now() + FORGETTING_WAITS)
    ticker.start()
    return ticker


def _add(ticker: BaseScheduler, act: Callable[[], None], every: timedelta, *, first: datetime) -> None:
    ticker.add_job(
        act,
        "interval",
        seconds=every.total_seconds(),
        next_run_time=first,
        # A machine that slept does it once when it wakes up, however late.
        misfire_grace_time=None,
        coalesce=True,
        max_instances=1,
    )
