"""What the site shows of updates, with the times that feeds and lists of pages tell."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.update import Update, UpdateState
from newsletter.services import editorial
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate, UpdateVersion

_READY = CountryUpdate.state == UpdateState.READY.value


@dataclass(frozen=True, slots=True)
class Published:
    """A ready update."""

    place: Place
    update: Update
    published_at: datetime  #: when it first was ready: how long a draft lay before is the editors' own affair
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """Where a ready update is, without its texts."""

    place_code: str
    month: Month
    changed_at: datetime


def of_place(session: Session, place_code: str) -> list[Published]:
    """The ready updates of a place, the newest first."""
    query = _ready().where(CountryUpdate.place_code == place_code).order_by(CountryUpdate.month.desc())
    return [_published(row) for row in session.execute(query)]


def latest(session: Session, place_codes: Collection[str] | None = None, *, limit: int) -> list[Published]:
    """The newest ready updates of these places, or of all."""
    query = _ready()
    if place_codes is not None:
        query = query.where(CountryUpdate.place_code.in_(place_codes))
    newest = query.order_by(CountryUpdate.month.desc(), CountryUpdate.changed_at.desc(), CountryUpdate.place_code)
    return [_published(row) for row in session.execute(newest.limit(limit))]


def listed(session: Session, *, limit: int) -> list[Listed]:
    """Where the newest ready updates are."""
    query = select(CountryUpdate.place_code, CountryUpdate.month, CountryUpdate.changed_at).where(_READY)
    rows = session.execute(query.order_by(CountryUpdate.month.desc(), CountryUpdate.place_code).limit(limit))
    return [Listed(place_code, Month.parse(month), changed_at) for place_code, month, changed_at in rows]


def _ready() -> Select[CountryUpdate, datetime]:
    """Ready updates, each with when it first was so; of those from before there were versions, when it last changed."""
    # As services.versions writes it; within the texts of an update a quotation mark has a backslash before it.
    state = json.dumps({"state": UpdateState.READY.value}).strip("{}")
    first = (
        select(UpdateVersion.saved_at)
        .where(
            UpdateVersion.place_code == CountryUpdate.place_code,
            UpdateVersion.month == CountryUpdate.month,
            UpdateVersion.content.contains(state, autoescape=True),
        )
        .order_by(UpdateVersion.version)
        .limit(1)
        .scalar_subquery()
    )
    return select(CountryUpdate, func.coalesce(first, CountryUpdate.changed_at)).where(_READY)


def _published(found: Row[CountryUpdate, datetime]) -> Published:
    row, published_at = found
    return Published(gazetteer().require(row.place_code), editorial.to_update(row), published_at, row.changed_at)
