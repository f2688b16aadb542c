"""What the site shows of updates, with the times that feeds and lists of pages tell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.update import Update, UpdateState
from newsletter.services import editorial
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate

_READY = CountryUpdate.state == UpdateState.READY.value


@dataclass(frozen=True, slots=True)
class Published:
    """A ready update."""

    place: Place
    update: Update
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """Where a ready update is, without its texts."""

    place_code: str
    month: Month
    changed_at: datetime


def of_place(session: Session, place_code: str) -> list[Published]:
    """The ready updates of a place, the newest first."""
    query = select(CountryUpdate).where(CountryUpdate.place_code == place_code, _READY)
    return [_published(row) for row in session.scalars(query.order_by(CountryUpdate.month.desc()))]


def latest(session: Session, place_codes: Collection[str] | None = None, *, limit: int) -> list[Published]:
    """The newest ready updates of these places, or of all."""
    query = select(CountryUpdate).where(_READY)
    if place_codes is not None:
        query = query.where(CountryUpdate.place_code.in_(place_codes))
    newest = query.order_by(CountryUpdate.month.desc(), CountryUpdate.changed_at.desc(), CountryUpdate.place_code)
    return [_published(row) for row in session.scalars(newest.limit(limit))]


def listed(session: Session, *, limit: int) -> list[Listed]:
    """Where the newest ready updates are."""
    query = select(CountryUpdate.place_code, CountryUpdate.month, CountryUpdate.changed_at).where(_READY)
    rows = session.execute(query.order_by(CountryUpdate.month.desc(), CountryUpdate.place_code).limit(limit))
    return [Listed(place_code, Month.parse(month), changed_at) for place_code, month, changed_at in rows]


def _published(row: CountryUpdate) -> Published:
    return Published(gazetteer().require(row.place_code), editorial.to_update(row), row.created_at, row.changed_at)
