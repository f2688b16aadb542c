"""Every version of an update, as it stood after it was saved: kept for good, compared, brought back.

Updates from before there were versions have no row for the one that they had then: it is kept as soon as it changes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from newsletter.domain.formats.json import from_json, to_json
from newsletter.domain.month import Month
from newsletter.domain.update import Update
from newsletter.errors import NotFound
from newsletter.storage.tables import CountryUpdate, UpdateVersion
from newsletter.storage.upsert import insert_or_ignore


@dataclass(frozen=True, slots=True)
class Version:
    """An update as it stood, who saved it so, and when."""

    number: int  #: from 1
    update: Update
    saved_at: datetime
    saved_by: str | None  #: an admin; None: imported


def keep(session: Session, update: Update, number: int, *, by: str | None, at: datetime) -> None:
    """Write a version down, unless it is there."""
    insert_or_ignore(
        session,
        UpdateVersion,
        place_code=update.place,
        month=str(update.month),
        version=number,
        saved_at=at,
        saved_by=by,
        content=json.dumps(to_json(update), ensure_ascii=False),
    )


def history(session: Session, place_code: str, month: Month) -> list[Version]:
    """All versions, the newest first; empty when there is no update."""
    query = select(UpdateVersion).where(*_of(place_code, month)).order_by(UpdateVersion.version.desc())
    found = [_version(row) for row in session.scalars(query)]
    if found:
        return found
    row = session.scalars(
        select(CountryUpdate).where(CountryUpdate.place_code == place_code, CountryUpdate.month == str(month))
    ).one_or_none()
    return [] if row is None else [as_it_stands(row)]


def get(session: Session, place_code: str, month: Month, number: int) -> Version:
    """One version. Raises NotFound."""
    row = session.scalars(
        select(UpdateVersion).where(*_of(place_code, month), UpdateVersion.version == number)
    ).one_or_none()
    if row is not None:
        return _version(row)
    found = next((each for each in history(session, place_code, month) if each.number == number), None)
    if found is None:
        raise NotFound(f"{place_code} has no version {number} for {month}")
    return found


def as_it_stands(row: CountryUpdate) -> Version:
    """The version that a row of updates holds."""
    return Version(row.version, value(row), row.changed_at, row.changed_by)


def value(row: CountryUpdate) -> Update:
    """The update that a row keeps."""
    fields: Sequence[str] = ("trend", "alerts", "headline", "developments", "quotes", "links", "state")
    return from_json({"place": row.place_code, "month": row.month} | {name: getattr(row, name) for name in fields})


def _of(place_code: str, month: Month) -> tuple[ColumnElement[bool], ...]:
    return (UpdateVersion.place_code == place_code, UpdateVersion.month == str(month))


def _version(row: UpdateVersion) -> Version:
    return Version(row.version, from_json(json.loads(row.content)), row.saved_at, row.saved_by)
