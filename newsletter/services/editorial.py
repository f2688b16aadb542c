"""Country updates: stored, found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy import update as sql_update
from sqlalchemy.orm import Session

from newsletter.domain.edition import STRIP_MONTHS, Contents, assemble
from newsletter.domain.formats.json import to_json
from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.update import Alert, Trend, Update, UpdateState
from newsletter.errors import Conflict, InvalidUpdate, NotFound
from newsletter.services import alerts, versions
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate
from newsletter.storage.upsert import insert_or_ignore

_FIELDS = ("trend", "alerts", "headline", "developments", "quotes", "links", "state")


class Change(StrEnum):
    """What storing an update does to what was there."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"


def compare(session: Session, update: Update) -> Change:
    """What `store` would do."""
    return _change(find(session, update.place, update.month), update)


def _change(row: CountryUpdate | None, update: Update) -> Change:
    if row is None:
        return Change.ADDED
    return Change.SAME if to_update(row) == update else Change.CHANGED


def store(session: Session, update: Update, *, now: datetime, by: str | None = None) -> Change:
    """Keep an update in place of the one that its place had for the month, which stays as a version.

    `by` is an admin; None: imported. Raises InvalidUpdate, UnknownPlace, or Conflict when somebody stores it just now.

    A conflict risk alert that is published by that goes out at once to whoever asked for it.
    """
    update = checked(update)
    row = find(session, update.place, update.month, for_update=True)
    change = _change(row, update)
    if change is not Change.SAME:
        replace_version(session, row, update, seen=row.version if row else 0, now=now, by=by)
    return change


def checked(update: Update) -> Update:
    """The update under its place's code. Raises InvalidUpdate or UnknownPlace."""
    problems = update.problems()
    if problems:
        raise InvalidUpdate(f"{update.place} {update.month}: {'; '.join(problems)}")
    return replace(update, place=gazetteer().require(update.place).code)


def replace_version(
    session: Session,
    row: CountryUpdate | None,
    update: Update,
    *,
    seen: int,
    now: datetime,
    by: str | None,
    writer: str | None = None,
) -> None:
    """Write an update that is checked in place of its version `seen`, as `row` has it; 0 and None: there was none.

    `writer` is whose words they are, if not those of who makes this version. Nobody has reviewed it any more. Raises
    Conflict when another version stands there by now.
    """
    stood = row is not None and alerts.is_published(to_update(row))
    if row is not None:
        versions.keep(session, to_update(row), row.version, by=row.changed_by, at=row.changed_at)
    data = to_json(update)
    values = {field: data[field] for field in _FIELDS} | {"changed_at": now, "version": seen + 1}
    values["changed_by"] = writer or by
    if not _write(session, update, seen, values, now):
        raise Conflict(f"somebody else has saved {update.place} {update.month} since; look at their version first")
    if row is not None:
        session.expire(row)
    versions.keep(session, update, seen + 1, by=by, at=now)
    if alerts.is_published(update) and not stood:
        alerts.announce(session, gazetteer().require(update.place), update.month, now=now)


def _write(session: Session, update: Update, seen: int, values: dict[str, object], now: datetime) -> bool:
    """One statement, which changes nothing unless the version is the one that was seen."""
    key = {"place_code": update.place, "month": str(update.month)}
    if seen == 0:
        return insert_or_ignore(session, CountryUpdate, **key, created_at=now, **values)
    statement = (
        sql_update(CountryUpdate)
        .filter_by(**key, version=seen)
        .values(**values, reviewed_at=None, reviewed_by=None)
        .returning(CountryUpdate.id)
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).first() is not None


def get(session: Session, place_code: str, month: Month) -> Update:
    """One stored update. Raises NotFound."""
    row = find(session, place_code, month)
    if row is None:
        raise NotFound(f"{place_code} has no update for {month}")
    return to_update(row)


def of_month(session: Session, month: Month) -> list[Update]:
    """All updates of a month, drafts too, by place code."""
    query = select(CountryUpdate).where(CountryUpdate.month == str(month)).order_by(CountryUpdate.place_code)
    return [to_update(row) for row in session.scalars(query)]


def of_place(session: Session, place_code: str) -> list[Update]:
    """The ready updates of a place, the newest first."""
    query = select(CountryUpdate).where(
        CountryUpdate.place_code == place_code, CountryUpdate.state == UpdateState.READY.value
    )
    return [to_update(row) for row in session.scalars(query.order_by(CountryUpdate.month.desc()))]


def latest_month(session: Session) -> Month | None:
    """The newest month that has a ready update."""
    query = select(CountryUpdate.month).where(CountryUpdate.state == UpdateState.READY.value)
    newest = session.scalar(query.order_by(CountryUpdate.month.desc()).limit(1))
    return Month.parse(newest) if newest else None


def months(session: Session) -> list[Month]:
    """The months that have updates, drafts too, the oldest first."""
    query = select(CountryUpdate.month).distinct().order_by(CountryUpdate.month)
    return [Month.parse(month) for month in session.scalars(query)]


def contents(session: Session, month: Month) -> Contents:
    """A month's ready updates as an edition would show them now."""
    first = month
    for _ in range(STRIP_MONTHS):
        first = first.previous
    query = select(CountryUpdate).where(CountryUpdate.month.between(str(first), str(month)))
    updates: Sequence[Update] = [to_update(row) for row in session.scalars(query)]
    return assemble(month, updates, gazetteer())


def to_update(row: CountryUpdate) -> Update:
    """The value that a row keeps."""
    return versions.value(row)


def find(session: Session, place_code: str, month: Month, *, for_update: bool = False) -> CountryUpdate | None:
    """The row of an update, if there is one; `for_update` reads it anew, and lets nobody else change it."""
    query = select(CountryUpdate).where(CountryUpdate.place_code == place_code, CountryUpdate.month == str(month))
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


@dataclass(frozen=True, slots=True)
class Standing:
    """A place by its newest ready update."""

    place: Place
    month: Month
    trend: Trend
    alerts: tuple[Alert, ...]
    headline: str


def covered(session: Session) -> frozenset[str]:
    """The codes of the places that have a ready update."""
    ready = CountryUpdate.state == UpdateState.READY.value
    return frozenset(session.scalars(select(CountryUpdate.place_code).where(ready).distinct()))


def standings(session: Session) -> list[Standing]:
    """All places that have a ready update, by region and name. Only what a list shows is read, not the long texts."""
    ready = CountryUpdate.state == UpdateState.READY.value
    newest = (
        select(CountryUpdate.place_code, func.max(CountryUpdate.month).label("month"))
        .where(ready)
        .group_by(CountryUpdate.place_code)
        .subquery()
    )
    rows = session.execute(
        select(
            CountryUpdate.place_code,
            CountryUpdate.month,
            CountryUpdate.trend,
            CountryUpdate.alerts,
            CountryUpdate.headline,
        )
        .join(newest, (newest.c.place_code == CountryUpdate.place_code) & (newest.c.month == CountryUpdate.month))
        .where(ready)
    )
    found = {
        code: Standing(
            gazetteer().require(code), Month.parse(month), Trend(trend), tuple(Alert(each) for each in alerts), headline
        )
        for code, month, trend, alerts, headline in rows
    }
    return [found[place.code] for place in gazetteer().places if place.code in found]
