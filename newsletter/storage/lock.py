"""The lock of what is being sent: one sender at a time owns it, and its death frees the lock at once.

On SQLite it is a lock on a file beside the database, which the kernel frees with the process; on PostgreSQL advisory
locks, which the server frees with the connection: each part of the work has one of its own, and a sender of everything
excludes them all.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from hashlib import sha256
from types import TracebackType
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from newsletter.errors import SenderRunning, StorageUnavailable
from newsletter.storage.database import Database, opened

EVERYTHING: Final = "all"  #: the name of the scope that leaves nothing to others

_SPACE: Final = 0x6E657773  #: any number will do, as long as every sender uses the same
_WHOLE: Final = 0  #: the key within it that is taken by a sender of everything, and shared by those of a part

#: How long a sender may be silent before its lock is taken from it: it is stopped, or its machine is gone, and the
#: server has not noticed.
SILENT_SECONDS: Final = 20

_BUSY: Final = "another sender is running on this database"


class SenderLock:
    """A context manager that holds the lock of a scope.

    Raises SenderRunning when another process has it, StorageUnavailable when it can't be tried.
    """

    def __init__(self, database: Database, scope: str = EVERYTHING) -> None:
        self._database = database
        self._scope = scope
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
            raise SenderRunning(_BUSY) from None
        self._file = descriptor

    def _lock_server(self) -> None:
        with opened():
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            is_taken = self._take(connection) or (self._silence(connection) and self._take(connection))
        if not is_taken:
            connection.invalidate()  # what it may have taken of two locks goes with it
            connection.close()
            raise SenderRunning(_BUSY)
        self._connection = connection

    def _take(self, connection: Connection) -> bool:
        whole = {"space": _SPACE, "key": _WHOLE}
        if self._scope == EVERYTHING:
            return bool(connection.scalar(text("SELECT pg_try_advisory_lock(:space, :key)"), whole))
        if not connection.scalar(text("SELECT pg_try_advisory_lock_shared(:space, :key)"), whole):
            return False
        part = {"space": _SPACE, "key": _key(self._scope)}
        return bool(connection.scalar(text("SELECT pg_try_advisory_lock(:space, :key)"), part))

    def _silence(self, connection: Connection) -> bool:
        """End the connection of a sender of this scope that has been silent for long; whether there was one.

        Waits up to five seconds until its locks are free. It can't write any more then, and learns that it was replaced
        when it tries to (services.runs.tick).
        """
        silent = text(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND classid = :space AND objid = :key AND mode = 'ExclusiveLock' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND EXISTS (SELECT FROM sender_run WHERE id = (SELECT max(id) FROM sender_run WHERE scope = :scope)"
            " AND ended_at IS NULL AND ticked_at < extract(epoch FROM now()) - :seconds)"
        )
        key = _WHOLE if self._scope == EVERYTHING else _key(self._scope)
        given = {"space": _SPACE, "key": key, "scope": self._scope, "seconds": SILENT_SECONDS}
        ended = connection.scalars(silent, given).all()
        return any(ended)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            # Not given back to the pool: the locks belong to the connection, and end with it.
            with suppress(DBAPIError):
                self._connection.execute(text("SELECT pg_advisory_unlock_all()"))
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _key(scope: str) -> int:
    """A number for a scope's name, above 0 and within PostgreSQL's integer."""
    return int.from_bytes(sha256(scope.encode()).digest()[:4]) % (2**31 - 1) + 1
