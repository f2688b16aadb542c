"""The rows of an import, shown: those that are rejected with line and reason, and what the first of the others are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.importing import Outcome
from newsletter.services.subscribers import COLUMNS, harmless
from newsletter.storage.tables import ImportRow

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that does not go in."""

    line: int
    reason: str
    values: Mapping[str, str]  #: by column, as they stand in the file


def rejected(session: Session, import_id: int) -> Iterator[Rejected]:
    """The rejected rows by line, as long as they are kept."""
    last = 0
    while batch := first_rejected(session, import_id, after=last, most=_BATCH):
        yield from batch
        last = batch[-1].line


def first_rejected(session: Session, import_id: int, *, most: int, after: int = 0) -> Sequence[Rejected]:
    """The first of them behind a line."""
    query = select(ImportRow).where(
        ImportRow.import_id == import_id, ImportRow.outcome == Outcome.REJECTED.value, ImportRow.line > after
    )
    rows = session.scalars(query.order_by(ImportRow.line).limit(most)).all()
    session.expunge_all()
    return [Rejected(row.line, row.reason or "", _values(row)) for row in rows]


def first_of(session: Session, import_id: int, outcome: Outcome, *, most: int) -> Sequence[ImportRow]:
    """The first rows with an outcome among the first thousand, as examples."""
    head = select(ImportRow).where(ImportRow.import_id == import_id).order_by(ImportRow.line).limit(_BATCH)
    return [row for row in session.scalars(head) if row.outcome == outcome.value][:most]


def _values(row: ImportRow) -> dict[str, str]:
    if row.original is not None:
        found: dict[str, str] = json.loads(row.original)
        return found
    return {
        "email": row.address,
        "follows": row.follows,
        "language": row.language,
        "confirmed_at": row.confirmed_at.isoformat() if row.confirmed_at else "",
        "consent": row.consent,
    }


def as_csv(rows: Iterable[Rejected]) -> Iterator[str]:
    """A file of rejected rows, a line at a time: to be mended, and taken in without its first two columns."""
    yield _line(("line", "reason", *COLUMNS))
    for row in rows:
        yield _line((str(row.line), row.reason, *(harmless(row.values.get(name, "")) for name in COLUMNS)))


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
