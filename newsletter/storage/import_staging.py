"""Rows of a list on their way in: put beside the subscribers, compared with them, and let in, a stretch at a time.

Each statement works on the rows of one import between two lines. What a stretch takes is one transaction together with
the line that it ends at, so that a process that dies in between leaves neither a gap nor anybody twice.
"""
# ruff: noqa: S608 (the statements are put together from constants)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from newsletter.domain.importing import Outcome, Problem
from newsletter.storage.prepared import Prepared, any_of
from newsletter.storage.tables import Subscriber, Suppression


class StagedRow(NamedTuple):
    """One row, as it is put into import_row."""

    line: int
    address: str
    address_key: str
    language: str
    follows: str
    confirmed_at: datetime | None
    consent: str
    outcome: str
    problem: str | None = None
    reason: str | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of an import behind one line, up to another."""

    import_id: int
    after: int
    last: int

    @property
    def bound(self) -> dict[str, int]:
        return {"import_id": self.import_id, "after": self.after, "last": self.last}


_COLUMNS: Final = ("import_id", *StagedRow._fields)
_ADD: Final = f"INSERT INTO import_row ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_COPY: Final = f"COPY import_row ({', '.join(_COLUMNS)}) FROM STDIN"
_WITHIN: Final = "r.import_id = :import_id AND r.line > :after AND r.line <= :last"


def add(session: Session, import_id: int, rows: Iterable[StagedRow]) -> None:
    """Put rows beside the subscribers."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        form = _sqlite_time
        connection.exec_driver_sql(_ADD, [(import_id, *row[:5], form(row.confirmed_at), *row[6:]) for row in rows])
        return
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row((import_id, *row))
    except connection.dialect.loaded_dbapi.Error as error:
        base = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(_COPY, None, error, base, hide_parameters=True, dialect=connection.dialect) from error
    finally:
        cursor.close()


def _sqlite_time(at: datetime | None) -> str | None:
    """As storage.columns.UtcDateTime writes it."""
    return at.replace(tzinfo=None).isoformat(" ", "microseconds") if at is not None else None


def next_stretch(session: Session, import_id: int, *, after: int, most: int) -> Stretch | None:
    """The next `most` rows."""
    found = session.scalar(_LAST, {"import_id": import_id, "after": after, "most": most})
    return Stretch(import_id, after, found) if found is not None else None


_LAST = text(
    "SELECT max(line) FROM (SELECT line FROM import_row WHERE import_id = :import_id AND line > :after"
    " ORDER BY line LIMIT :most) AS next"
)


def be_direct(session: Session) -> None:
    """Have PostgreSQL look rows up by their keys: it knows nothing yet of a table that is just being filled, and would
    rather read all subscribers for each stretch.
    """
    if session.get_bind().dialect.name == "postgresql":
        for way in ("hashjoin", "mergejoin", "seqscan"):
            session.execute(text(f"SET LOCAL enable_{way} = off"))


def lock_subscribers(session: Session, stretch: Stretch) -> None:
    """Let nobody else add or change a subscriber until this is committed, which SQLite does by itself.

    Those that the stretch may change come first: who confirms just now has locked their row, and waits for nothing of
    ours.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_LOCK_PENDING, stretch.bound)
        session.execute(text("LOCK TABLE subscriber IN SHARE ROW EXCLUSIVE MODE"))


_LOCK_PENDING = text(
    "SELECT s.id FROM import_row r JOIN subscriber s ON s.address_key = r.address_key"
    f" WHERE {_WITHIN} AND r.outcome <> 'rejected' AND s.state = 'pending' FOR UPDATE OF s"
)


def compare(session: Session, stretch: Stretch) -> None:
    """Find out who is here already, and who has left."""
    session.execute(_FORGET_COMPARISON, stretch.bound)
    session.execute(_COMPARE, stretch.bound | {"left": LEFT})


LEFT: Final = "this address has left; its owner can subscribe again by the form"
_FORGET_COMPARISON = text(
    "UPDATE import_row SET outcome = 'new' WHERE import_id = :import_id AND line > :after AND line <= :last"
    " AND outcome = 'changed'"
)
_COMPARE = text(
    "UPDATE import_row SET"
    " outcome = CASE WHEN s.state = 'ended' THEN 'rejected'"
    " WHEN s.state = 'pending' AND import_row.confirmed_at IS NOT NULL THEN 'changed' ELSE 'unchanged' END,"
    " problem = CASE WHEN s.state = 'ended' THEN 'left' END,"
    " reason = CASE WHEN s.state = 'ended' THEN :left END"
    " FROM subscriber s WHERE s.address_key = import_row.address_key AND import_row.import_id = :import_id"
    " AND import_row.line > :after AND import_row.line <= :last AND import_row.outcome = 'new'"
)


def keys(session: Session, stretch: Stretch) -> Iterator[tuple[int, str]]:
    """Line and key of each row that is not rejected."""
    yield from ((line, key) for line, key in session.execute(_KEYS, stretch.bound))


_KEYS = text(f"SELECT r.line, r.address_key FROM import_row r WHERE {_WITHIN} AND r.outcome <> 'rejected'")


def hashed(session: Session, hashes: Sequence[str], *, forgotten: str) -> tuple[set[str], set[str]]:
    """Those of the keyed hashes that are suppressed, and those whose owner has left and is forgotten."""
    suppressed = {found for (found,) in _SUPPRESSED.rows(session, hashes=list(hashes))}
    gone = _GONE.rows(session, keys=[f"{forgotten}{each}" for each in hashes])
    return suppressed, {key.removeprefix(forgotten) for (key,) in gone}


_SUPPRESSED = Prepared(select(Suppression.address_hash).where(any_of(Suppression.__table__.c.address_hash, "hashes")))
_GONE = Prepared(select(Subscriber.address_key).where(any_of(Subscriber.__table__.c.address_key, "keys")))


def is_anybody_hashed(session: Session, *, forgotten: str) -> bool:
    """Whether there is anything that `hashed` could find."""
    is_suppressed = select(Suppression.address_hash).limit(1)
    is_gone = select(Subscriber.id).where(
        Subscriber.state == "ended", Subscriber.state != "active", Subscriber.address_key.startswith(forgotten)
    )
    return session.scalar(is_suppressed) is not None or session.scalar(is_gone.limit(1)) is not None


def reject(session: Session, import_id: int, lines: Sequence[tuple[int, Problem, str]]) -> None:
    """Reject rows: line, problem, and the reason in words."""
    given = [
        {"import_id": import_id, "line": line, "problem": problem.value, "reason": reason}
        for line, problem, reason in lines
    ]
    if given:
        session.execute(_REJECT, given)


_REJECT = text(
    "UPDATE import_row SET outcome = 'rejected', problem = :problem, reason = :reason"
    " WHERE import_id = :import_id AND line = :line"
)


def repeated(session: Session, import_id: int) -> Iterator[tuple[int, int]]:
    """The line of each row whose address stands in an earlier one, and the line of that."""
    options = {"stream_results": True, "yield_per": 1000}
    yield from (
        (line, first) for line, first in session.execute(_REPEATED, {"import_id": import_id}, execution_options=options)
    )


_REPEATED = text(
    "SELECT line, first FROM (SELECT line, min(line) OVER (PARTITION BY address_key) AS first FROM import_row"
    " WHERE import_id = :import_id AND outcome <> 'rejected') AS each_row WHERE line <> first"
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of a stretch are what."""

    outcomes: dict[Outcome, int]
    asked: int  #: of the new ones
    problems: dict[Problem, int]


def tally(session: Session, stretch: Stretch) -> Tally:
    """Count the rows of a stretch."""
    return _tallied(session.execute(_TALLY, stretch.bound))


def tally_of(session: Session, import_id: int, lines: Sequence[int]) -> Tally:
    """Count the rows in these lines."""
    return _tallied(session.execute(_TALLY_OF, {"import_id": import_id, "lines": lines}))


def _tallied(rows: Iterable[Any]) -> Tally:
    outcomes = dict.fromkeys(Outcome, 0)
    problems: dict[Problem, int] = {}
    asked = 0
    for outcome, problem, is_asked, number in rows:
        outcomes[Outcome(outcome)] += number
        if problem is not None:
            problems[Problem(problem)] = problems.get(Problem(problem), 0) + number
        if is_asked and outcome == Outcome.NEW.value:
            asked += number
    return Tally(outcomes, asked, problems)


_COUNTED = "SELECT r.outcome, r.problem, r.confirmed_at IS NULL, count(*) FROM import_row r WHERE"
_GROUPED = "GROUP BY r.outcome, r.problem, r.confirmed_at IS NULL"
_TALLY = text(f"{_COUNTED} {_WITHIN} {_GROUPED}")
_TALLY_OF = text(f"{_COUNTED} r.import_id = :import_id AND r.line IN :lines {_GROUPED}").bindparams(
    bindparam("lines", expanding=True)
)


def delete_rows(session: Session, import_id: int, *, most: int) -> int:
    """Remove up to so many rows of an import, rejected ones too; how many it were."""
    stretch = next_stretch(session, import_id, after=0, most=most)
    return delete_stretch(session, stretch, keep_rejected=False) if stretch is not None else 0


def delete_stretch(session: Session, stretch: Stretch, *, keep_rejected: bool) -> int:
    """Remove the rows of a stretch; how many it were."""
    found: Any = session.execute(_DELETE_DONE if keep_rejected else _DELETE, stretch.bound)
    return int(found.rowcount)


_DELETE = text("DELETE FROM import_row WHERE import_id = :import_id AND line > :after AND line <= :last")
_DELETE_DONE = text(f"{_DELETE.text} AND outcome <> 'rejected'")
