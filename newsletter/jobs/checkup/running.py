"""What the rows tell about the service at work: the clock, the sender, the editions that wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.errors import SenderRunning, StorageUnavailable
from newsletter.jobs.checkup.finding import Finding, State, bad, ok, sentence, warn, when
from newsletter.services import claims, editions
from newsletter.services import schedule as schedules
from newsletter.services.schedule import Schedule
from newsletter.storage import job_queue
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock
from newsletter.storage.tables import Consent, CountryUpdate, Edition, Notice, SenderRun

CLOCK_SLACK = timedelta(minutes=1)  #: by which two machines' clocks may differ


def check(database: Database, due: Schedule, *, now: datetime) -> Iterator[Finding]:
    """All that the rows tell. Raises StorageUnavailable."""
    with database.reading() as session:
        yield clock(newest(session), now=now)
    yield sender(database, now=now)
    with database.reading() as session:
        yield from waiting(session, due, now=now)


def newest(session: Session) -> datetime | None:
    """When the last row was written that carries its time; of the long tables, by their key."""
    changes = (CountryUpdate.changed_at, Edition.created_at, Edition.approved_at, Edition.send_started_at)
    times = [session.scalar(select(func.max(column))) for column in changes]
    times.append(session.scalar(select(SenderRun.started_at).order_by(SenderRun.id.desc()).limit(1)))
    times.append(session.scalar(select(Consent.at).order_by(Consent.id.desc()).limit(1)))
    times.append(session.scalar(select(Notice.created_at).order_by(Notice.id.desc()).limit(1)))
    return max((time for time in times if time is not None), default=None)


def clock(last: datetime | None, *, now: datetime) -> Finding:
    """This machine's clock, beside the newest row's."""
    if last is not None and last - now > CLOCK_SLACK:
        return warn(
            "clock",
            f"It is {when(now)} here, and yet something was stored at {when(last)}.",
            "Set the clock, best by NTP. If it is right, it was wrong back then, and this goes by.",
        )
    return ok("clock", f"It is {when(now)}.")


def sender(database: Database, *, now: datetime) -> Finding:
    """Whether a sender runs. If so, it holds its lock; on PostgreSQL it is a worker, which the server knows."""
    with database.reading() as session:
        workers = job_queue.workers(session)
        last = session.scalars(select(SenderRun).order_by(SenderRun.id.desc()).limit(1)).first()
        is_due = claims.is_anything_due(session, now=now)
    if workers:
        return ok("sender", f"{len(workers)} {'worker runs' if len(workers) == 1 else 'workers run'}.")
    if last is None:  # the lock isn't tried: that would make its file, and whoever asks would own it
        return _no_sender("None has run yet.", is_due=is_due)
    try:
        if database.path is not None and not _is_unlocked(database):
            return ok("sender", f"It runs, since {when(last.started_at)}." if last.ended_at is None else "It runs.")
    except StorageUnavailable as error:
        return warn("sender", sentence(str(error)), "Run this as the service's user.")
    if last.ended_at is None:
        return _no_sender(f"None runs; the last one began {when(last.started_at)} and was killed.", is_due=is_due)
    return _no_sender(f"None runs; the last one stopped {when(last.ended_at)}.", is_due=is_due)


def _is_unlocked(database: Database) -> bool:
    try:
        with SenderLock(database):
            return True
    except SenderRunning:
        return False


def _no_sender(words: str, *, is_due: bool) -> Finding:
    remedy = "Start the service: 'newsletter serve'."
    if is_due:
        return bad("sender", f"{words} Mail is due, and nobody sends it.", remedy)
    return warn("sender", words, remedy)


def waiting(session: Session, due: Schedule, *, now: datetime) -> Iterator[Finding]:
    """A finding for each edition that waits for somebody, or one that says that none does."""
    months = [str(month) for month in due.due_months(now)]
    found = [
        warn(
            "editions",
            f"{month} is due, and has not been assembled.",
            f"Start the service, or run 'newsletter edition assemble {month}'.",
        )
        for month in schedules.missing(session, due, now=now)
    ]
    for edition in editions.all_editions(session):
        told = _waits(edition, due) if edition.state != EditionState.DRAFT.value or edition.month in months else None
        found += [told] if told is not None else []
    yield from found
    if all(each.state is State.OK for each in found):
        yield ok("editions", "None waits for anybody.")


def _waits(edition: Edition, due: Schedule) -> Finding | None:
    month, note = edition.month, f" {sentence(edition.note)}" if edition.note else ""
    if edition.state == EditionState.DRAFT.value:
        since = due.due_at(Month.parse(month))
        told = f"{month} is a draft{f', and due since {when(since)}' if since else ''}.{note}"
        return warn(
            "editions",
            told,
            f"Look at it ('newsletter edition preview {month}'), then 'newsletter edition approve {month}'.",
        )
    if edition.state == EditionState.APPROVED.value:
        return warn("editions", f"{month} is approved, and not sent.{note}", f"Run 'newsletter edition send {month}'.")
    if edition.state == EditionState.PAUSED.value:
        remedy = f"See to that, then run 'newsletter edition resume {month}'."
        return warn("editions", f"{month} is paused.{note}", remedy)
    if edition.state == EditionState.SENDING.value and note:
        remedy = "It goes on by itself when what is said there is over."
        return warn("editions", f"{month} is being sent, and waits.{note}", remedy)
    if edition.state == EditionState.SENDING.value:
        return ok("editions", f"{month} is being sent.")
    return None
