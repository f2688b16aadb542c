"""What became of an edition: counted once when it has ended, kept, and looked at from then on.

A look at a million deliveries takes seconds, so no page makes one: the service does, when an edition has ended, and
again every day for a month, as readers leave and addresses are suppressed after it. Of an edition whose deliveries are
forgotten (services.old_deliveries) there is what was kept of them. Opens and clicks are not tracked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState, SkipReason
from newsletter.errors import ContentChanged, TemplateError
from newsletter.mail.publication import Publication
from newsletter.services import counts, editions, failures, leavers, old_deliveries, rates
from newsletter.services.failures import Failure
from newsletter.services.rates import Minute
from newsletter.services.sizes import Sizes, sizes
from newsletter.storage.tables import Edition, EditionReport

RENEWED: Final = timedelta(days=1)  #: after so long it is counted anew,
FOLLOWED: Final = timedelta(days=30)  #: until so long after the edition's end
SHOWN_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Report:
    """One edition, after it."""

    month: str
    made_at: datetime
    sent: int  #: the relay answered 250
    failed: int
    held: int
    flagged: int  #: readers who may have got a second copy
    skipped: Mapping[str, int]  #: by SkipReason
    failures: tuple[Failure, ...]
    minutes: tuple[Minute, ...]  #: when they were sent
    bounced: int  #: addresses that were suppressed since it was begun, as their mailbox is gone
    complained: int
    left: int  #: readers who unsubscribed since it was begun, until the next one
    left_by_day: Mapping[str, int]  #: YYYY-MM-DD in UTC
    left_by_subject: Mapping[str, int]  #: what they followed; who followed several counts for each
    sizes: Sizes | None  #: None where nothing is frozen
    skipped_in_all: int = 0  #: also those whose reason is forgotten
    seconds: int = 0  #: from the first message to the last

    @property
    def readers(self) -> int:
        """Whom it was tried to reach."""
        return self.sent + self.failed + self.held

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / self.readers if self.readers else 0.0

    def as_json(self) -> dict[str, Any]:
        """For programs, and what is kept; times in ISO 8601."""
        return {**asdict(self), "made_at": self.made_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Compared:
    """One edition beside others."""

    month: str
    readers: int
    failed_percent: float
    left: int  #: readers who unsubscribed since


def is_over(edition: Edition) -> bool:
    """Whether an edition was sent, or cancelled in the middle of it."""
    return edition.state in old_deliveries.ENDED and edition.send_started_at is not None


def make(session: Session, edition: Edition, publication: Publication, *, now: datetime) -> Report:
    """Count it: a look at all deliveries of the edition, of seconds for a million. Nothing is kept."""
    found = counts.count(session, edition, now=now)
    minutes = rates.by_minute(session, edition.id)
    since = edition.send_started_at or edition.created_at
    until = min(now, leavers.next_start(session, edition) or now)
    gone = leavers.count(session, since=since, until=until)
    bounced, complained = leavers.suppressed(session, since=since, until=until)
    return Report(
        month=edition.month,
        made_at=now,
        sent=found.deliveries[DeliveryState.SENT],
        failed=found.deliveries[DeliveryState.FAILED],
        held=found.held,
        flagged=found.flagged,
        skipped={reason.value: number for reason, number in found.skipped.items() if number},
        failures=failures.by_reason(session, edition.id),
        minutes=minutes,
        bounced=bounced,
        complained=complained,
        left=gone.total,
        left_by_day=gone.by_day,
        left_by_subject=gone.by_subject,
        sizes=_sizes(edition, publication),
        skipped_in_all=found.deliveries[DeliveryState.SKIPPED],
        seconds=rates.seconds(session, edition.id),
    )


def _sizes(edition: Edition, publication: Publication) -> Sizes | None:
    """None where its mails can't be made any more."""
    if edition.compiled is None:
        return None
    try:
        return sizes(editions.compiled(edition, publication), publication)
    except (ContentChanged, TemplateError):
        return None


def keep(session: Session, edition: Edition, report: Report) -> None:
    """Let pages show it, in the place of the last one; unless the edition is being sent again by now."""
    if not is_over(edition) or (edition.ended_at is not None and report.made_at < edition.ended_at):
        return
    text = json.dumps(report.as_json(), ensure_ascii=False)
    session.merge(EditionReport(edition_id=edition.id, made_at=report.made_at, content=text))
    session.flush()


def kept(session: Session, edition: Edition) -> Report | None:
    """The last one that was kept, as long as it tells of the edition as it ended."""
    row = session.get(EditionReport, edition.id)
    if row is None or not is_over(edition) or (edition.ended_at is not None and row.made_at < edition.ended_at):
        return None
    return _load(row.content)


def due(session: Session, *, now: datetime) -> Edition | None:
    """An edition whose report is missing, or is to be counted anew; a look that takes no lock and no time."""
    report = EditionReport
    is_stale = report.made_at < Edition.ended_at
    is_followed = (Edition.ended_at > now - FOLLOWED) & (report.made_at < now - RENEWED)
    query = (
        select(Edition)
        .outerjoin(report, report.edition_id == Edition.id)
        .where(Edition.state.in_(old_deliveries.ENDED), Edition.send_started_at.is_not(None))
        .where(or_(report.edition_id.is_(None), is_stale, is_followed))
        .order_by(Edition.month.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def compare(session: Session, *, most: int = SHOWN_MONTHS) -> list[Compared]:
    """The last editions that are over and were counted, the oldest first."""
    query = (
        select(EditionReport.content)
        .join(Edition, Edition.id == EditionReport.edition_id)
        .where(Edition.state.in_(old_deliveries.ENDED))
        .order_by(Edition.month.desc())
        .limit(most)
    )
    loaded = [_load(content) for content in session.scalars(query)]
    return [Compared(each.month, each.readers, each.failed_percent, each.left) for each in reversed(loaded)]


def unknown_skips(report: Report) -> int:
    """How many were skipped for a reason that is forgotten with the rows."""
    known = sum(report.skipped.get(reason.value, 0) for reason in SkipReason)
    return max(0, report.skipped_in_all - known)


def _load(text: str) -> Report:
    data = json.loads(text)
    data["made_at"] = datetime.fromisoformat(data["made_at"])
    data["failures"] = tuple(Failure(**each) for each in data["failures"])
    data["minutes"] = tuple(Minute(**each) for each in data["minutes"])
    data["sizes"] = Sizes(**data["sizes"]) if data["sizes"] else None
    return Report(**data)


def lines(report: Report, months: Sequence[Compared] = ()) -> list[str]:
    """The report for a terminal."""
    told = [
        f"{report.month}: {report.sent:,} delivered to the relay, {report.failed:,} failed "
        f"({report.failed_percent:.2f} %), {report.held:,} held",
        *(f"failed: {each.count:,} {each.words}" for each in report.failures),
        *(f"skipped: {number:,} {reason.replace('_', ' ')}" for reason, number in report.skipped.items()),
        f"{report.bounced:,} addresses bounced for good, {report.complained:,} complained",
        f"{report.left:,} unsubscribed since",
        *(f"  {day}: {number:,}" for day, number in report.left_by_day.items()),
    ]
    if report.flagged:
        told.append(f"{report.flagged:,} readers may have got a second, identical copy")
    if report.sizes is not None:
        told.append(f"a mail had {report.sizes.smallest / 1000:.1f} to {report.sizes.largest / 1000:.1f} kB")
    told += [f"{each.month}: {each.readers:,} readers, {each.failed_percent:.2f} % failed" for each in months]
    return [*told, "opens and clicks are not tracked"]
