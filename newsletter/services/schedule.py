"""Time is a row, not a timer: what is due is worked out from the clock and the editions that exist.

Nothing here remembers when it ran last. It may be run at any time, by any number of processes: the unique month of an
edition makes that safe, a month that was slept through is caught up once, and a clock that jumps fires nothing twice.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.domain.update import UpdateState
from newsletter.errors import EditionStateError, InvalidInput, TemplateError
from newsletter.mail.publication import Publication
from newsletter.services import approval, audit, deliveries, editions
from newsletter.services.deliveries import DEFAULT_TERMS, Terms
from newsletter.storage.tables import CountryUpdate, Edition

log = logging.getLogger(__name__)

#: How far back a missed month is caught up; older updates are an archive that was imported.
CATCH_UP_MONTHS = 12

#: How long a month whose updates come after the due time must have been left alone before it goes out by itself.
QUIET = timedelta(hours=1)

BY_SCHEDULE = "the schedule"

#: How far ahead an edition can be put off; a later time is a slip of the pen.
LONGEST_WAIT = timedelta(days=366)

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the edition of a month is due: the first time in the month after it that a cron expression names."""

    cron: str  #: five fields
    zone: ZoneInfo

    def due_at(self, month: Month) -> datetime | None:
        """When the edition of `month` is due; None when the expression names no time in the month after."""
        after = month.next
        end = after.next.start(self.zone)
        trigger = CronTrigger.from_crontab(with_named_weekdays(self.cron), timezone=self.zone)
        # Without an end, it looks through 8,000 years for a day that no calendar has.
        trigger.end_date = end
        found: datetime | None = trigger.get_next_fire_time(None, after.start(self.zone))
        # In UTC: an hour that the zone leaves out, or has twice, equals nothing elsewhere (PEP 495).
        return found.astimezone(UTC) if found is not None and found < end else None

    def due_months(self, now: datetime) -> list[Month]:
        """The months that are due and not too long ago to be caught up, the oldest first."""
        month = Month.of(now.astimezone(self.zone)).previous
        found = []
        for _ in range(CATCH_UP_MONTHS):
            due = self.due_at(month)
            if due is not None and due <= now:
                found.append(month)
            month = month.previous
        return found[::-1]


def with_named_weekdays(cron: str) -> str:
    """The expression with its weekdays by name: cron counts them from Sunday, APScheduler 3 from Monday."""
    *others, weekdays = cron.split()
    return " ".join([*others, ",".join(_named(part) for part in weekdays.split(","))])


def _named(weekdays: str) -> str:
    """What is written in numbers, such as 1, 0-3 or */2, as a list of names."""
    match = re.fullmatch(r"(?:\*|([0-7])(?:-([0-7]))?)(?:/([1-7]))?", weekdays)
    if match is None or weekdays == "*":
        return weekdays
    first, last = (match[1], match[2] or match[1]) if match[1] else (0, 6)
    days = range(int(first), int(last) + 1, int(match[3] or 1))
    return ",".join(_WEEKDAYS[day % 7] for day in days)


def missing(session: Session, schedule: Schedule, *, now: datetime) -> list[Month]:
    """The months that are due, have updates that are ready, and have no edition yet."""
    due = [str(month) for month in schedule.due_months(now)]
    ready = select(CountryUpdate.month).where(
        CountryUpdate.month.in_(due), CountryUpdate.state == UpdateState.READY.value
    )
    made = set(session.scalars(select(Edition.month).where(Edition.month.in_(due))))
    return [Month.parse(month) for month in sorted(set(session.scalars(ready.distinct())) - made)]


def ensure_due(session: Session, schedule: Schedule, *, now: datetime) -> list[Edition]:
    """Make the editions that are due and missing, as drafts. Run it twice, get each once."""
    made = [editions.ensure(session, month, now=now) for month in missing(session, schedule, now=now)]
    for edition in made:
        audit.record(session, audit.SCHEDULE, "edition.assembled", f"edition {edition.month}", "when due", now=now)
        log.info("the edition for %s is due, and assembled", edition.month)
    return made


def releasable(session: Session, schedule: Schedule, *, within: timedelta, now: datetime) -> Edition | None:
    """The draft that is to be released by itself: of the newest month that is due, and not later than `within`.

    While its updates are still being written, it waits. What a person took back is theirs to release.
    """
    due = schedule.due_months(now)
    if not due:
        return None
    due_at = schedule.due_at(due[-1])
    edition = session.scalars(select(Edition).where(Edition.month == str(due[-1]))).one_or_none()
    if edition is None or due_at is None or edition.state != EditionState.DRAFT.value:
        return None
    if now - due_at > within or edition.taken_back_at is not None:
        return None
    return edition if _is_quiet(session, due[-1], due_at=due_at, now=now) else None


def _is_quiet(session: Session, month: Month, *, due_at: datetime, now: datetime) -> bool:
    """Whether nobody is at work on the month's updates: none is a draft, and none changed lately after `due_at`."""
    drafts = func.count().filter(CountryUpdate.state == UpdateState.DRAFT.value)
    query = select(drafts, func.max(CountryUpdate.changed_at)).where(CountryUpdate.month == str(month))
    unfinished, newest = session.execute(query).one()
    return not unfinished and (newest is None or newest <= max(due_at, now - QUIET))


def release(
    session: Session, edition: Edition, publication: Publication, *, now: datetime, terms: Terms = DEFAULT_TERMS
) -> bool:
    """Approve and send a draft without a person; whether it could be. What is in the way is kept with the edition."""
    month = Month.parse(edition.month)
    if editions.get(session, month, for_update=True).state != EditionState.DRAFT.value:
        return False  # another process was quicker
    try:
        approval.approve(session, month, publication, by=BY_SCHEDULE, now=now)
    except (EditionStateError, TemplateError) as error:
        edition.note = str(error)
        return False
    deliveries.start(session, month, by=BY_SCHEDULE, now=now, terms=terms)
    audit.record(session, audit.SCHEDULE, "edition.sent", f"edition {month}", "approved and sent when due", now=now)
    return True


def read_time(text: str, zone: ZoneInfo, *, now: datetime) -> datetime:
    """A time as somebody types it, 2022-12-01 09:00, by the clocks of `zone`; in UTC.

    Raises InvalidInput for what is no time, is over, lies too far ahead, or is there never or twice, as the clocks are
    put forward or back.
    """
    try:
        typed = datetime.strptime(text.strip().replace("T", " ")[:16], "%Y-%m-%d %H:%M")  # noqa: DTZ007 - zone follows
    except ValueError:
        raise InvalidInput("write day and time as YYYY-MM-DD HH:MM, such as 2022-12-01 09:00") from None
    first, second = (typed.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) != typed:
        raise InvalidInput(f"in {zone.key} there is no {typed:%H:%M} on that day: the clocks are put forward then")
    if first != second:
        raise InvalidInput(f"in {zone.key} it is {typed:%H:%M} twice on that day, as the clocks are put back")
    if first <= now:
        raise InvalidInput(f"this time is over; in {zone.key} it is {now.astimezone(zone):%Y-%m-%d %H:%M} now")
    if first - now > LONGEST_WAIT:
        raise InvalidInput("this is more than a year ahead")
    return first


def put_off(session: Session, month: Month, at: datetime, *, by: str) -> Edition:
    """Have an approved edition sent by itself at a time to come. Raises EditionStateError for any other."""
    edition = editions.get(session, month, for_update=True)
    if edition.state != EditionState.APPROVED.value:
        raise EditionStateError(f"the edition for {month} is {edition.state}; only an approved one waits for its time")
    edition.send_at, edition.send_at_by, edition.note = at, by, None
    session.flush()
    return edition


def call_off(session: Session, month: Month) -> Edition:
    """Have it wait for a person again; nothing changes where it does already."""
    edition = editions.get(session, month, for_update=True)
    if edition.state == EditionState.APPROVED.value:
        edition.send_at = edition.send_at_by = None
        session.flush()
    return edition


def waiting(session: Session, *, now: datetime) -> list[Month]:
    """The months of approved editions whose time has come, the oldest first."""
    query = select(Edition.month).where(Edition.state == EditionState.APPROVED.value, Edition.send_at <= now)
    return [Month.parse(month) for month in session.scalars(query.order_by(Edition.month))]


def start_due(session: Session, *, within: timedelta, now: datetime, terms: Terms = DEFAULT_TERMS) -> list[Edition]:
    """Send the editions whose time has come. Run it twice, and each is sent once.

    One whose time is longer ago than `within`, as nothing ran in between, waits for a person instead.
    """
    started = []
    for month in waiting(session, now=now):
        edition = editions.get(session, month, for_update=True)
        if edition.state != EditionState.APPROVED.value or edition.send_at is None or edition.send_at > now:
            continue  # somebody was quicker
        at, by = edition.send_at, edition.send_at_by
        if now - at > within:
            edition.send_at = edition.send_at_by = None
            edition.note = f"It was to be sent at {at:%Y-%m-%d %H:%M} UTC, but nothing ran then. Send it by hand."
            continue
        deliveries.start(session, month, by=by or BY_SCHEDULE, now=now, terms=terms)
        audit.record(session, audit.SCHEDULE, "edition.sent", f"edition {month}", f"at the time set by {by}", now=now)
        started.append(edition)
    session.flush()
    return started
