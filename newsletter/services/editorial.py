"""Country updates: stored, found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.edition import STRIP_MONTHS, Contents, assemble
from newsletter.domain.formats.json import from_json, to_json
from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.update import Alert, Trend, Update, UpdateState
from newsletter.errors import InvalidUpdate, NotFound
from newsletter.services import alerts
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate

_FIELDS = ("trend", "alerts", "headline", "developments", "quotes", "links", "state")


class Change(StrEnum):
    """What storing an update does to what was there."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"


def compare(session: Session, update: Update) -> Change:
    """What `store` would do."""
    return _change(_row(session, update.place, update.month), update)


def _change(row: CountryUpdate | None, update: Update) -> Change:
    if row is None:
        return Change.ADDED
    return Change.SAME if to_update(row) == update else Change.CHANGED


def store(session: Session, update: Update, *, now: datetime) -> Change:
    """Keep an update in place of the one that its place had for the month. Raises InvalidUpdate or UnknownPlace.

    A conflict risk alert that is published by that goes out at once to whoever asked for it.
    """
    problems = update.problems()
    if problems:
        raise InvalidUpdate(f"{update.place} {update.month}: {'; '.join(problems)}")
    update = replace(update, place=gazetteer().require(update.place).code)
    row = _row(session, update.place, update.month)
    change = _change(row, update)
    if change is Change.SAME:
        return change
    stood = row is not None and alerts.is_published(to_update(row))
    if row is None:
        row = CountryUpdate(place_code=update.place, month=str(update.month), created_at=now)
        session.add(row)
    data = to_json(update)
    for field in _FIELDS:
        setattr(row, field, data[field])
    row.changed_at = now
    session.flush()
    if alerts.is_published(update) and not stood:
        alerts.announce(session, gazetteer().require(update.place), update.month, now=now)
    return change


def get(session: Session, place_code: str, month: Month) -> Update:
    """One stored update. Raises NotFound."""
    row = _row(session, place_code, month)
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
    data = {field: getattr(row, field) for field in _FIELDS}
    return from_json({"place": row.place_code, "month": row.month, **data})


def _row(session: Session, place_code: str, month: Month) -> CountryUpdate | None:
    query = select(CountryUpdate).where(CountryUpdate.place_code == place_code, CountryUpdate.month == str(month))
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
