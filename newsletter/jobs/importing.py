"""Takes lists of subscribers in: reads a file, lets its rows in, removes what is left; in steps, with rests between.

The command line does it for its own file, the scheduler for what was uploaded at the desk, and for whatever was begun
and not ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy.orm import Session

from newsletter.domain.importing import ImportState
from newsletter.errors import Conflict, InvalidInput
from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Tokens
from newsletter.services import imports
from newsletter.services.import_rows import Reader
from newsletter.services.imports import ROWS_AT_ONCE
from newsletter.storage import import_staging
from newsletter.storage.database import Database
from newsletter.storage.tables import SubscriberImport

log = logging.getLogger(__name__)

FOLDER: Final = "imports"  #: in the instance's: uploads that are not read yet
REST: Final = 0.2  #: of the time that SQLite's write lock was held: who waits for it looks ever less often

Told = Callable[[int], None]


def upload_path(instance: Path, import_id: int) -> Path:
    """Where the file of an upload lies until it is read."""
    return instance / FOLDER / f"{import_id}.csv"


class Importer:
    """Does the steps of imports. Raises StorageUnavailable."""

    def __init__(
        self,
        database: Database,
        tokens: Tokens,
        *,
        clock: Callable[[], datetime] = utc_now,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._clock = clock
        self._is_over = is_over

    def read(self, import_id: int, stream: BinaryIO, *, told: Told = lambda _: None) -> None:
        """Read and check a file from where it was left; `told` how many bytes are read.

        Raises InvalidInput for a file that can't be read, and the import has failed then; Conflict when another process
        reads it, or it does not read any more.
        """
        try:
            self._stage(import_id, stream, told)
        except InvalidInput as error:
            with self._database.writing() as session:
                imports.fail(session, import_id, str(error), now=self._clock())
            raise
        if self._is_over():
            return
        self._reject_repeated(import_id)
        with self._database.writing() as session:
            imports.ready(session, import_id)

    def _stage(self, import_id: int, stream: BinaryIO, told: Told) -> None:
        with self._database.reading() as session:
            last = imports.get(session, import_id).last_line
        reader = Reader(stream, now=self._clock())
        rows = reader.rows(after=last)
        while (batch := list(islice(rows, ROWS_AT_ONCE))) and not self._is_over():
            with self._writing() as session:
                imports.stage(session, import_id, batch, after=last, bytes_read=reader.bytes_read, tokens=self._tokens)
            last = batch[-1].line
            told(reader.bytes_read)

    def _reject_repeated(self, import_id: int) -> None:
        with self._database.reading() as looking:
            found = import_staging.repeated(looking, import_id)
            while lines := list(islice(found, ROWS_AT_ONCE)):
                with self._writing() as session:
                    imports.reject_repeated(session, import_id, lines)

    def run(self, import_id: int, *, told: Told = lambda _: None) -> None:
        """Let in what is confirmed, from where it was left; `told` the last line that is in. Raises Conflict."""
        has_more = True
        while has_more and not self._is_over():
            with self._writing() as session:
                has_more = imports.admit(session, import_id, tokens=self._tokens, now=self._clock())
                last = imports.get(session, import_id).lines_done
            told(last)

    def purge(self, import_id: int) -> None:
        """Remove the rows of an import whose time is over."""
        has_more = True
        while has_more and not self._is_over():
            with self._writing() as session:
                has_more = imports.purge(session, import_id, now=self._clock())

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        began = time.monotonic()
        with self._database.writing() as session:
            yield session
        if self._database.path is not None:
            time.sleep(REST * (time.monotonic() - began))


def run(
    database: Database,
    tokens: Tokens,
    instance: Path,
    *,
    clock: Callable[[], datetime] = utc_now,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Do what is to be done for all imports. Looks first, and takes no lock where there is nothing to do.

    Raises StorageUnavailable.
    """
    importer = Importer(database, tokens, clock=clock, is_over=is_over)
    with database.reading() as session:
        to_read = [each.id for each in imports.in_state(session, ImportState.READING) if each.is_upload]
        to_run = [each.id for each in imports.in_state(session, ImportState.RUNNING)]
    for import_id in to_read:
        _read_upload(importer, instance, import_id)
    for import_id in to_run:
        _shared(importer.run, import_id)
    with database.reading() as session:
        overdue = imports.overdue(session, now=clock())
    for import_id in overdue:
        importer.purge(import_id)
    _remove_uploads(database, instance)


def _read_upload(importer: Importer, instance: Path, import_id: int) -> None:
    try:
        # In a cluster it may lie on another machine: whose scheduler reads it then.
        with upload_path(instance, import_id).open("rb") as stream:
            _shared(lambda number: importer.read(number, stream), import_id)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("the file of import %d can't be read: %s", import_id, error.strerror)


def _shared(act: Callable[[int], None], import_id: int) -> None:
    try:
        act(import_id)
    except InvalidInput as error:
        log.info("import %d has failed: %s", import_id, error)
    except Conflict as error:
        log.info("import %d is left alone: %s", import_id, error)


def _remove_uploads(database: Database, instance: Path) -> None:
    """Addresses lie nowhere longer than they must: what is read, or will not be, goes."""
    files = {int(path.stem): path for path in (instance / FOLDER).glob("*.csv") if path.stem.isdecimal()}
    if not files:
        return
    with database.reading() as session:
        needed = {each.id for each in imports.in_state(session, ImportState.READING)}
        known = {import_id for import_id in files if session.get(SubscriberImport, import_id) is not None}
    for import_id in (files.keys() & known) - needed:
        files[import_id].unlink(missing_ok=True)
