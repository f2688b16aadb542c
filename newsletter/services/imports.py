"""A list of subscribers taken in: read and checked, shown, confirmed, let in.

    begin      an import of a file; the same one, when the file is on its way already
    stage      the next rows of it, each compared with who is here
    reject_repeated, ready   once it is read
    confirm    somebody says that it shall go in
    admit      the next rows go in
    cancel, fail, purge      it ends; its rows are removed

Each call is one step in one transaction. All that is known of how far an import is stands in its row, which each step
locks: so a step that did not end is done again, and two processes at the same import share it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.importing import ImportState, Outcome, Problem
from newsletter.errors import Conflict, NotFound
from newsletter.mail.links import Tokens
from newsletter.services import suppressions
from newsletter.services.consents import LONGEST_SOURCE
from newsletter.services.notices import SEND_NOTICES
from newsletter.storage import import_admission, import_staging, job_queue
from newsletter.storage.import_staging import StagedRow, Stretch, Tally
from newsletter.storage.tables import SubscriberImport

ROWS_AT_ONCE: Final = 5_000  #: others write to SQLite in between
REJECTS_KEPT: Final = timedelta(days=7)  #: to be downloaded; so long an import waits to be confirmed, too

_SUPPRESSED: Final = "this address is suppressed"


@dataclass(frozen=True, slots=True)
class File:
    """A file that is to be taken in."""

    name: str
    sha256: str
    size: int  #: bytes
    is_upload: bool = False


def begin(session: Session, file: File, *, by: str, now: datetime) -> SubscriberImport:
    """The import of a file: the one that is under way, or a new one."""
    found = under_way(session, file.sha256)
    if found is not None:
        return found
    made = SubscriberImport(
        name=file.name[:LONGEST_SOURCE],
        sha256=file.sha256,
        size=file.size,
        state=ImportState.READING.value,
        is_upload=file.is_upload,
        created_at=now,
        created_by=by,
        rows_until=now + REJECTS_KEPT,
    )
    session.add(made)
    session.flush()
    return made


def under_way(session: Session, sha256: str) -> SubscriberImport | None:
    """The import of this file that has not ended."""
    return session.scalar(
        select(SubscriberImport).where(SubscriberImport.sha256 == sha256, SubscriberImport.ended_at.is_(None))
    )


def get(session: Session, import_id: int, *, lock: bool = False) -> SubscriberImport:
    """An import, locked if it shall be changed. Raises NotFound."""
    found = session.get(SubscriberImport, import_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound("there is no such import")
    return found


def listed(session: Session, *, most: int = 20) -> Sequence[SubscriberImport]:
    """The last imports, the newest first."""
    return session.scalars(select(SubscriberImport).order_by(SubscriberImport.id.desc()).limit(most)).all()


def in_state(session: Session, *states: ImportState) -> Sequence[SubscriberImport]:
    """The imports that stand there, the oldest first."""
    words = [state.value for state in states]
    query = select(SubscriberImport).where(SubscriberImport.ended_at.is_(None), SubscriberImport.state.in_(words))
    return session.scalars(query.order_by(SubscriberImport.id)).all()


def stage(
    session: Session,
    import_id: int,
    rows: Sequence[StagedRow],
    *,
    after: int,
    bytes_read: int,
    tokens: Tokens,
) -> None:
    """Put rows that follow the line `after` beside the subscribers, and compare them.

    Raises Conflict when another process has read on, or the import does not read any more.
    """
    found = _locked(session, import_id, ImportState.READING)
    if found.last_line != after:
        raise Conflict("another process reads this file")
    if rows:
        import_staging.add(session, import_id, rows)
        stretch = Stretch(import_id, after, rows[-1].line)
        import_staging.be_direct(session)
        _compare(session, stretch, tokens)
        _count(found, import_staging.tally(session, stretch), 1)
        found.last_line = stretch.last
    found.bytes_read = bytes_read


def reject_repeated(session: Session, import_id: int, lines: Sequence[tuple[int, int]]) -> None:
    """Reject rows whose address stands in an earlier one: line, and the line of that. Raises Conflict."""
    found = _locked(session, import_id, ImportState.READING)
    found_before = import_staging.tally_of(session, import_id, [line for line, _ in lines])
    _count(found, found_before, -1)
    told = [(line, Problem.TWICE, f"this address is in line {first} already") for line, first in lines]
    import_staging.reject(session, import_id, told)
    number = sum(found_before.outcomes.values())
    _count(found, Tally({Outcome.REJECTED: number}, 0, {Problem.TWICE: number}), 1)


def ready(session: Session, import_id: int) -> None:
    """The file is read to its end. Raises Conflict."""
    _locked(session, import_id, ImportState.READING).state = ImportState.READY.value


def confirm(session: Session, import_id: int, *, by: str, now: datetime) -> SubscriberImport:
    """Let it go in. Doing it twice changes nothing. Raises Conflict before it is ready, or after it has ended."""
    found = get(session, import_id, lock=True)
    if found.state == ImportState.RUNNING.value:
        return found
    _require(found, ImportState.READY)
    found.state = ImportState.RUNNING.value
    found.confirmed_at, found.confirmed_by, found.rows_until = now, by, None
    return found


def admit(session: Session, import_id: int, *, tokens: Tokens, now: datetime, most: int = ROWS_AT_ONCE) -> bool:
    """Let the next rows in; whether there may be more.

    They are compared anew: days may lie between the check and this. Raises Conflict when it does not go in.
    """
    found = _locked(session, import_id, ImportState.RUNNING)
    stretch = import_staging.next_stretch(session, import_id, after=found.lines_done, most=most)
    if stretch is None:
        found.state, found.ended_at = ImportState.DONE.value, now
        found.rows_until = now + REJECTS_KEPT if found.rejected else None
        return False
    import_staging.be_direct(session)
    import_staging.lock_subscribers(session, stretch)
    _count(found, import_staging.tally(session, stretch), -1)
    _compare(session, stretch, tokens)
    _count(found, import_staging.tally(session, stretch), 1)
    source = f"import {found.id}: {found.name}"[:LONGEST_SOURCE]
    if import_admission.admit(session, stretch, source=source, now=now).asked:
        job_queue.defer(session, SEND_NOTICES)
    import_staging.delete_stretch(session, stretch, keep_rejected=True)
    found.lines_done = stretch.last
    return True


def cancel(session: Session, import_id: int, *, now: datetime) -> SubscriberImport:
    """Let nothing more in; who is in stays. Doing it twice changes nothing."""
    found = get(session, import_id, lock=True)
    if found.ended_at is None:
        _end(found, ImportState.CANCELLED, now)
    return found


def fail(session: Session, import_id: int, note: str, *, now: datetime) -> None:
    """The file can't be read to its end: nothing of it goes in."""
    found = get(session, import_id, lock=True)
    if found.ended_at is None:
        _end(found, ImportState.FAILED, now)
        found.note = note


def forget_rows(session: Session, import_id: int, *, now: datetime) -> None:
    """Remove what is left of its rows at once. Raises Conflict before it has ended."""
    found = get(session, import_id, lock=True)
    _require(found, ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED)
    found.rows_until = now


def overdue(session: Session, *, now: datetime) -> Sequence[int]:
    """The imports whose rows are to be removed."""
    return session.scalars(select(SubscriberImport.id).where(SubscriberImport.rows_until <= now)).all()


def purge(session: Session, import_id: int, *, now: datetime) -> bool:
    """Remove the next of its rows; whether there may be more. One that nobody has confirmed in time is cancelled."""
    found = get(session, import_id, lock=True)
    if found.ended_at is None:
        _end(found, ImportState.CANCELLED, now)
        found.note = "nobody confirmed it in time"
    if import_staging.delete_rows(session, import_id, most=ROWS_AT_ONCE):
        return True
    found.rows_until = None
    return False


def problems(found: SubscriberImport) -> dict[Problem, int]:
    """How many rows are rejected for what, the most frequent first."""
    numbers = {Problem(word): number for word, number in json.loads(found.problems).items() if number}
    return dict(sorted(numbers.items(), key=lambda each: -each[1]))


def _end(found: SubscriberImport, state: ImportState, now: datetime) -> None:
    found.state, found.ended_at, found.rows_until = state.value, now, now


def _locked(session: Session, import_id: int, state: ImportState) -> SubscriberImport:
    found = get(session, import_id, lock=True)
    _require(found, state)
    return found


def _require(found: SubscriberImport, *states: ImportState) -> None:
    if found.state not in {state.value for state in states}:
        raise Conflict(f"import {found.id} is {found.state}, not {' or '.join(states)}")


def _compare(session: Session, stretch: Stretch, tokens: Tokens) -> None:
    """With the subscribers, and with what is known of an address by its keyed hash only."""
    import_staging.compare(session, stretch)
    if not import_staging.is_anybody_hashed(session, forgotten=suppressions.FORGOTTEN):
        return
    lines: dict[str, list[int]] = {}
    for line, key in import_staging.keys(session, stretch):
        lines.setdefault(suppressions.address_hash(key, tokens), []).append(line)
    suppressed, gone = import_staging.hashed(session, list(lines), forgotten=suppressions.FORGOTTEN)
    unfit = [(line, Problem.SUPPRESSED, _SUPPRESSED) for each in suppressed for line in lines[each]]
    unfit += [(line, Problem.LEFT, import_staging.LEFT) for each in gone - suppressed for line in lines[each]]
    import_staging.reject(session, stretch.import_id, unfit)


def _count(found: SubscriberImport, tally: Tally, sign: int) -> None:
    found.new += sign * tally.outcomes.get(Outcome.NEW, 0)
    found.asked += sign * tally.asked
    found.changed += sign * tally.outcomes.get(Outcome.CHANGED, 0)
    found.unchanged += sign * tally.outcomes.get(Outcome.UNCHANGED, 0)
    found.rejected += sign * tally.outcomes.get(Outcome.REJECTED, 0)
    numbers: dict[str, int] = json.loads(found.problems)
    for problem, number in tally.problems.items():
        numbers[problem.value] = numbers.get(problem.value, 0) + sign * number
    found.problems = json.dumps(numbers)
