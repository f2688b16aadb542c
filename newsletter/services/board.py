"""The month's board: every place that is covered, and how far its update is.

A place is covered when it had an update in the last twelve months, or has one now. All of it is asked for in a few
queries, whatever the number of places and months.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.edition import STRIP_MONTHS
from newsletter.domain.month import Month
from newsletter.domain.place import Place, fold
from newsletter.domain.update import Update, UpdateState
from newsletter.services import editorial, unsaved
from newsletter.services.unsaved import AtWork
from newsletter.services.warnings import warnings_of
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate


class BoardState(StrEnum):
    """How far a place's update of the month is, from nothing to done."""

    MISSING = "missing"
    DRAFT = "draft"
    READY = "ready"
    REVIEWED = "reviewed"

    @property
    def word(self) -> str:
        return self.value.capitalize()


class Order(StrEnum):
    """What the board is sorted by."""

    REGION = "region"
    NAME = "name"
    STATE = "state"
    CHANGED = "changed"
    WARNINGS = "warnings"


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One place in one month."""

    place: Place
    state: BoardState
    before: Update | None  #: of the month before, if it was ready
    update: Update | None
    version: int  #: 0: there is no update
    author: str | None  #: who changed it last; None: nobody, or it was imported
    changed_at: datetime | None
    reviewed_by: str | None
    warnings: tuple[str, ...]
    at_work: tuple[AtWork, ...]  #: who else types in it, and hasn't saved

    def may_be_reviewed_by(self, admin: str) -> bool:
        """Whether it waits for a review, and not by who changed it last."""
        return self.state is BoardState.READY and self.author != admin

    @property
    def can_be_carried_over(self) -> bool:
        return self.state is BoardState.MISSING and self.before is not None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows to show, and in which order; None and "" are any."""

    state: BoardState | None = None
    region: str = ""  #: a region's code
    author: str = ""
    text: str = ""  #: in the place's names, or in the headline
    order: Order = Order.REGION

    @property
    def narrows(self) -> bool:
        return bool(self.state or self.region or self.author or self.text.strip())


@dataclass(frozen=True, slots=True)
class Board:
    """A month, place by place, by region and name."""

    month: Month
    rows: tuple[BoardRow, ...]

    @property
    def counts(self) -> Mapping[BoardState, int]:
        """How many places are in each state."""
        return {state: sum(row.state is state for row in self.rows) for state in BoardState}

    @property
    def authors(self) -> list[str]:
        """Everybody who changed one of the month's updates last."""
        return sorted({row.author for row in self.rows if row.author})

    def selected(self, wanted: Wanted) -> list[BoardRow]:
        """The rows that are wanted, in their order."""
        found = [row for row in self.rows if _fits(row, wanted)]
        if wanted.order is Order.NAME:
            found.sort(key=lambda row: fold(row.place.name))
        elif wanted.order is Order.STATE:
            found.sort(key=lambda row: list(BoardState).index(row.state))
        elif wanted.order is Order.WARNINGS:
            found.sort(key=lambda row: -len(row.warnings))
        elif wanted.order is Order.CHANGED:
            found.sort(key=lambda row: -row.changed_at.timestamp() if row.changed_at else 0.0)
        return found


def load(session: Session, month: Month, *, me: int, now: datetime) -> Board:
    """The board as the admin `me` sees it."""
    rows = _rows(session, month)
    covered = _covered(session, month)
    at_work: dict[str, list[AtWork]] = {}
    for each in unsaved.at_work(session, month, but=me, now=now):
        at_work.setdefault(each.place_code, []).append(each)
    places = [place for place in gazetteer().places if place.code in covered]
    return Board(month, tuple(_row(place, rows, month, tuple(at_work.get(place.code, ()))) for place in places))


def newest(session: Session) -> Month | None:
    """The newest month that has work: an update, a draft too."""
    found = session.scalar(select(CountryUpdate.month).order_by(CountryUpdate.month.desc()).limit(1))
    return Month.parse(found) if found else None


def uncovered(board: Board) -> list[Place]:
    """The places that can be added."""
    there = {row.place.code for row in board.rows}
    return sorted((place for place in gazetteer().places if place.code not in there), key=lambda each: fold(each.name))


def _rows(session: Session, month: Month) -> dict[tuple[str, str], CountryUpdate]:
    months = [str(month), str(month.previous)]
    found: Sequence[CountryUpdate] = session.scalars(select(CountryUpdate).where(CountryUpdate.month.in_(months))).all()
    return {(row.place_code, row.month): row for row in found}


def _covered(session: Session, month: Month) -> frozenset[str]:
    first = month
    for _ in range(STRIP_MONTHS):
        first = first.previous
    query = select(CountryUpdate.place_code).where(CountryUpdate.month.between(str(first), str(month))).distinct()
    return frozenset(session.scalars(query))


def _row(
    place: Place, rows: Mapping[tuple[str, str], CountryUpdate], month: Month, at_work: tuple[AtWork, ...]
) -> BoardRow:
    row, last = rows.get((place.code, str(month))), rows.get((place.code, str(month.previous)))
    before = editorial.to_update(last) if last and last.state == UpdateState.READY.value else None
    update = editorial.to_update(row) if row else None
    return BoardRow(
        place=place,
        state=state_of(row),
        before=before,
        update=update,
        version=row.version if row else 0,
        author=row.changed_by if row else None,
        changed_at=row.changed_at if row else None,
        reviewed_by=row.reviewed_by if row else None,
        warnings=warnings_of(update, before) if update else (),
        at_work=at_work,
    )


def state_of(row: CountryUpdate | None) -> BoardState:
    """How far an update is; None: there is none."""
    if row is None:
        return BoardState.MISSING
    if row.state == UpdateState.DRAFT.value:
        return BoardState.DRAFT
    return BoardState.REVIEWED if row.reviewed_at is not None else BoardState.READY


def _fits(row: BoardRow, wanted: Wanted) -> bool:
    if wanted.state is not None and row.state is not wanted.state:
        return False
    if wanted.region and row.place.region.code != wanted.region:
        return False
    if wanted.author and row.author != wanted.author:
        return False
    headline = row.update.headline if row.update else ""
    told = fold(" ".join((row.place.code, row.place.name, *row.place.aliases, headline)))
    return all(word in told for word in fold(wanted.text).split())
