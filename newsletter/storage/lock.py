"""The sender's lock: one sender at a time owns the outbox, and its death frees the lock at once.

On SQLite it is a lock on a file beside the database, which the kernel frees with the process; on PostgreSQL an advisory
lock, which the server frees with the connection.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from types import TracebackType

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from newsletter.errors import SenderRunning, StorageUnavailable
from newsletter.storage.database import Database, opened

_ADVISORY_KEY = 0x6E657773  #: any number will do, as long as every sender uses the same


class SenderLock:
    """A context manager that holds the lock.

    Raises SenderRunning when another process has it, StorageUnavailable when it can't be tried.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file: int | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> SenderLock:
        if self._database.path is not None:
            self._lock_file(f"{self._database.path}-sender.lock")
        else:
            self._lock_server()
        return self

    def _lock_file(self, path: str) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageUnavailable(f"the sender's lock {path} can't be opened: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise SenderRunning("another sender is running on this database") from None
        self._file = descriptor

    def _lock_server(self) -> None:
        with opened():
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            taken = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_KEY})
        if not taken:
            connection.close()
            raise SenderRunning("another sender is running on this database")
        self._connection = connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            with suppress(DBAPIError):  # the server may be gone, and the lock with it
                self._connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_KEY})
            # Not given back to the pool: a lock that could not be freed belongs to the connection.
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
