"""Subscribers found by address, by what they follow, by state and date: quick among a million.

One index leads to the rows, one after the other; all else is looked at row by row, and no more than MOST_LOOKED_AT rows
for a page, whatever is asked for. A page is found by the last row of the one before (keyset), not by counting rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, func, literal_column, select, tuple_
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.states import SubscriberState
from newsletter.storage.tables import Subscriber, Subscription

PAGE: Final = 50
MOST_COUNTED: Final = 1_000
_LOOKS: Final = (500, 9_500)  #: rows at a time; the first look is mostly enough
MOST_LOOKED_AT: Final = sum(_LOOKS)  #: for a page

_domain_of: Final[ColumnElement[str]] = literal_column(
    "substr(address_key, length(rtrim(address_key, replace(address_key, '@', ''))) + 1)"
)
_subject_of: Final[ColumnElement[str]] = literal_column("coalesce(place_code, region_code, 'all')")


class Day(StrEnum):
    """Which of a subscriber's days is asked for."""

    JOINED = "joined"  #: when they first asked, or came by a list
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is asked for."""

    written: str = ""  #: the whole address, its first letters, or a domain after an @
    follows: str = ""  #: a subject (domain.subject); who is not active follows nothing
    state: SubscriberState | None = None
    day: Day = Day.JOINED
    since: datetime | None = None
    before: datetime | None = None

    @property
    def has_days(self) -> bool:
        return self.since is not None or self.before is not None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of them."""

    subscribers: Sequence[Subscriber]
    next_after: int | None  #: the id that the next page begins behind; None: there is none
    is_cut: bool  #: so many rows were looked at that the page may not be full


def find(session: Session, wanted: Wanted, *, after: int | None = None) -> Found:
    """A page of subscribers, the newest first; with an address, in the order of addresses."""
    if wanted.follows and wanted.state not in (None, SubscriberState.ACTIVE):
        return Found((), None, is_cut=False)
    way = _way(session, wanted)
    ids: list[int] = []
    last = after
    for most in _LOOKS:
        rows = session.execute(way.behind(session, last).limit(most)).all()
        ids += [row.id for row in rows if _fits(row, wanted)]
        if len(rows) < most:
            return _page(session, ids, None)
        last = rows[-1].id
        if len(ids) > PAGE:
            break
    return _page(session, ids, last)


def _page(session: Session, ids: Sequence[int], looked_to: int | None) -> Found:
    kept = ids[:PAGE]
    rows = {row.id: row for row in session.scalars(select(Subscriber).where(Subscriber.id.in_(kept)))}
    is_more = len(ids) > PAGE
    next_after = kept[-1] if is_more else looked_to
    return Found(
        [rows[each] for each in kept if each in rows], next_after, is_cut=not is_more and looked_to is not None
    )


def count(session: Session, wanted: Wanted) -> int | None:
    """How many there are, up to one more than MOST_COUNTED; None where it would take looking at each."""
    way = _way(session, wanted)
    if not way.is_whole:
        return None
    query: Select[*tuple[Any, ...]] = way.query.with_only_columns(literal_column("1")).limit(MOST_COUNTED + 1)
    return session.scalar(select(func.count()).select_from(query.subquery()))


@dataclass(frozen=True, slots=True)
class _Way:
    """The index that leads to the rows."""

    query: Select[*tuple[Any, ...]]
    order: Sequence[SQLColumnExpression[Any]]
    is_down: bool  #: from the newest to the oldest
    is_whole: bool  #: leads to nobody but those who are asked for

    def behind(self, session: Session, after: int | None) -> Select[*tuple[Any, ...]]:
        """The rows behind the one with this id; behind nobody if it is gone."""
        ordered = self.query.order_by(*(each.desc() if self.is_down else each for each in self.order))
        if after is None:
            return ordered
        known: tuple[Any, ...] = (after,)
        if len(self.order) > 1:
            found = session.execute(select(*self.order).where(Subscriber.id == after)).first()
            known = tuple(found) if found is not None else (None, None)
        place = tuple_(*self.order)
        return ordered.where(place < known if self.is_down else place > known)


_ROW = (Subscriber.id, Subscriber.state, Subscriber.created_at, Subscriber.ended_at, Subscriber.follows)


def _way(session: Session, wanted: Wanted) -> _Way:
    rows: Select[*tuple[Any, ...]] = select(*_ROW).where(Subscriber.address != "")
    rest = (bool(wanted.follows), wanted.state is not None, wanted.has_days)
    if wanted.written:
        return _by_address(session, rows, wanted.written, is_whole=not any(rest))
    if wanted.follows:
        live = rows.join(Subscription, Subscription.subscriber_id == Subscriber.id).where(
            Subscription.ended_at.is_(None), _subject_of == wanted.follows
        )
        return _Way(live, (Subscription.subscriber_id,), is_down=True, is_whole=False)
    if wanted.state not in (None, SubscriberState.ACTIVE):
        # Said twice, as SQLite's planner compares words.
        few = rows.where(Subscriber.state == wanted.state, literal_column("state <> 'active'"))
        return _Way(few, (Subscriber.id,), is_down=True, is_whole=not wanted.has_days)
    if wanted.has_days:
        column = Subscriber.created_at if wanted.day is Day.JOINED else Subscriber.ended_at
        within = [column >= wanted.since] if wanted.since is not None else []
        within += [column < wanted.before] if wanted.before is not None else []
        dated = rows.where(column.is_not(None), *within)
        return _Way(dated, (column, Subscriber.id), is_down=True, is_whole=not rest[1])
    return _Way(rows, (Subscriber.id,), is_down=True, is_whole=not rest[1])


def _next(letter: str) -> str:
    """The letter after this one; the surrogates between are none, and the last of all has none after it."""
    number = ord(letter) + 1
    return letter * 2 if number > sys.maxunicode else chr(0xE000 if 0xD800 <= number <= 0xDFFF else number)


def _by_address(session: Session, rows: Select[*tuple[Any, ...]], written: str, *, is_whole: bool) -> _Way:
    local, at, domain = written.rpartition("@")
    if at and not local:
        return _Way(rows.where(_domain_of == domain), (Subscriber.id,), is_down=True, is_whole=is_whole)
    last = written[:-1] + _next(written[-1])
    if session.get_bind().dialect.name == "sqlite":
        within = rows.where(Subscriber.address_key >= written, Subscriber.address_key < last)
        return _Way(within, (Subscriber.address_key, Subscriber.id), is_down=False, is_whole=is_whole)
    # The order of the letters' numbers, whatever the language of the database: only that finds a beginning.
    key: ColumnElement[str] = literal_column("(address_key || '')")
    within = rows.where(key.op("~>=~", is_comparison=True)(written), key.op("~<~", is_comparison=True)(last))
    return _Way(within, (Subscriber.id,), is_down=True, is_whole=is_whole)


def _fits(row: Any, wanted: Wanted) -> bool:
    if wanted.state is not None and row.state != wanted.state.value:
        return False
    if wanted.follows and wanted.follows not in subjects_.split(row.follows):
        return False
    at = row.created_at if wanted.day is Day.JOINED else row.ended_at
    if wanted.since is not None and (at is None or at < wanted.since):
        return False
    return wanted.before is None or (at is not None and at < wanted.before)
