"""Revisions of editions that were sent: what the web shows, and what a correction tells its reader.

Number 1 is the edition as it was sent, which stays as it was frozen. Each published correction is the next number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Row, Select, literal, select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.correction import Correction
from newsletter.domain.edition import Contents
from newsletter.domain.formats import contents as contents_json
from newsletter.domain.month import Month
from newsletter.errors import NotFound
from newsletter.services import editions
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition, EditionRevision, Notice

AS_SENT: Final = 1  #: the number of the edition itself


@dataclass(frozen=True, slots=True)
class Revision:
    """A published correction, without the texts."""

    number: int  #: from 2
    at: datetime
    by: str
    note: str  #: what was wrong
    places: tuple[str, ...]  #: codes of those whose update was corrected
    mailed_at: datetime | None  #: when it was told to those who got the wrong one

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """The places: their codes, and as a reader calls them."""
        return tuple((code, subjects_.name(code, gazetteer())) for code in self.places)

    @property
    def names(self) -> str:
        """The places in one line."""
        return ", ".join(name for _, name in self.named)


def _published() -> Select[int, datetime | None, str | None, str, str, datetime | None]:
    return select(
        EditionRevision.number,
        EditionRevision.at,
        EditionRevision.by,
        EditionRevision.note,
        EditionRevision.places,
        EditionRevision.mailed_at,
    ).where(EditionRevision.at.is_not(None))


def published(session: Session, edition: Edition) -> list[Revision]:
    """An edition's corrections, the newest first."""
    if edition.revision == AS_SENT:
        return []
    query = _published().where(EditionRevision.edition_id == edition.id)
    return [_revision(row) for row in session.execute(query.order_by(EditionRevision.number.desc()))]


def of_place(session: Session, place_code: str, month: Month) -> list[Revision]:
    """The corrections of one place's update, the newest first."""
    listed = literal(";") + EditionRevision.places + ";"
    query = (
        _published()
        .join(Edition, Edition.id == EditionRevision.edition_id)
        .where(Edition.month == str(month), listed.contains(f";{place_code};", autoescape=True))
    )
    return [_revision(row) for row in session.execute(query.order_by(EditionRevision.number.desc()))]


def contents(session: Session, edition: Edition, number: int | None = None) -> Contents:
    """What a revision tells, or the newest one. Raises NotFound when it has no such number."""
    wanted = edition.revision if number is None else number
    if wanted == AS_SENT:
        return editions.contents(session, edition)
    row = session.get(EditionRevision, (edition.id, wanted))
    if row is None or row.at is None:
        raise NotFound(f"the edition for {edition.month} has no revision {wanted}")
    return contents_json.load(row.content, gazetteer())


def told(session: Session, notices: Sequence[Notice]) -> Mapping[tuple[str | None, int | None], Correction]:
    """What these notices tell, by month and number."""
    found: dict[tuple[str | None, int | None], Correction] = {}
    for month, number in {(each.month, each.revision) for each in notices}:
        row = session.scalars(
            select(EditionRevision)
            .join(Edition, Edition.id == EditionRevision.edition_id)
            .where(Edition.month == month, EditionRevision.number == number, EditionRevision.at.is_not(None))
        ).one_or_none()
        if row is not None and month is not None:
            found[month, number] = correction(row, Month.parse(month))
    return found


def correction(row: EditionRevision, month: Month) -> Correction:
    """What a revision puts right."""
    places = frozenset(split(row.places))
    entries = contents_json.load(row.content, gazetteer()).only(places).entries
    return Correction(month, row.number, row.note, tuple(entry.update for entry in entries))


def followed(correction: Correction, follows: Sequence[str]) -> frozenset[str]:
    """The corrected places that somebody with this selection follows."""
    places = [gazetteer().require(update.place) for update in correction.updates]
    return frozenset(each.code for each in places if subjects_.covers(follows, each.code, each.region.code))


def subjects_of(place_code: str) -> tuple[str, str]:
    """By what one can follow a place, but for everything: its code and its region's."""
    return place_code, gazetteer().require(place_code).region.code


def split(places: str) -> tuple[str, ...]:
    """Read the stored form of places."""
    return tuple(code for code in places.split(";") if code)


def _revision(row: Row[int, datetime | None, str | None, str, str, datetime | None]) -> Revision:
    number, at, by, note, places, mailed_at = row
    if at is None:
        raise ValueError("a revision that is not published")
    return Revision(number, at, by or "", note, split(places), mailed_at)
