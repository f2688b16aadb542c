"""Open the database, and hand out transactions.

SQLite is opened in WAL mode with synchronous FULL: a commit that returned survives a power cut. There is one writer at
a time, so whoever will write says so first (BEGIN IMMEDIATE): a transaction that starts by reading and then wants to
write would fail at once when another has written in between, however long busy_timeout is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from newsletter.errors import SettingsError, StorageUnavailable
from newsletter.storage.prepared import execute_plainly

#: Execution options of a connection whose transaction will write.
WRITES = {"sqlite_begin": "IMMEDIATE"}

#: How long a transaction waits for SQLite's write lock. A form must answer within 5 s (T4), so it waits less.
BUSY_MILLISECONDS = 4000

EXAMPLE_URLS = "write sqlite:////folder/newsletter.db or postgresql://user@host/name"

#: Would be another database in each thread.
_IN_MEMORY = (Path(), Path(":memory:"))

#: What a wrong statement or a rule of the tables brings about; all other errors are the database's own state.
_NOT_ITS_FAULT = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def configure(engine: Engine) -> None:
    """Set up an engine's connections the way this service needs them."""
    if engine.dialect.name != "sqlite":
        event.listen(engine, "connect", _on_connect_to_postgresql)
        return
    event.listen(engine, "connect", _on_connect_to_sqlite)
    event.listen(engine, "begin", _on_begin)


def _on_connect_to_postgresql(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # psycopg would prepare what it has seen five times, and at each rollback forget all that the connection has
    # prepared, storage.libpq's statements too.
    connection.prepare_threshold = None


def _on_connect_to_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: _on_begin does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten. In all connections, not only those that erase: of a row that an update moves to
    # another page, a copy would stay behind, out of reach of whoever deletes the row. It did of one in seven.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    execute_plainly(connection, f"BEGIN {mode}")


class Database:
    """One database, by its URL."""

    def __init__(self, url: str) -> None:
        """Raises SettingsError for a URL that is none; connects at the first transaction."""
        self.url = url
        try:
            # Parameters may be addresses, and the texts of errors get into logs.
            self.engine = create_engine(url, hide_parameters=True)
        except (ArgumentError, ImportError, ValueError):
            raise SettingsError(f"DATABASE_URL can't be used; {EXAMPLE_URLS}") from None
        if self.engine.dialect.name not in ("sqlite", "postgresql") or self.path in _IN_MEMORY:
            raise SettingsError(f"DATABASE_URL can't be used; {EXAMPLE_URLS}")
        configure(self.engine)
        self._writes = self.engine.execution_options(**WRITES)
        # SQLite's transactions always see one state; PostgreSQL's, by default, one for each statement.
        is_sqlite = self.engine.dialect.name == "sqlite"
        self._snapshots = self.engine if is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(make_url(self.url).database or "") if self.engine.dialect.name == "sqlite" else None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads, and waits for nobody."""
        with opened(), Session(self._snapshots) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that writes, committed at the end and rolled back on an error."""
        with opened(), Session(self._writes) as session, session.begin():
            yield session

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


@contextmanager
def opened() -> Iterator[None]:
    """Turn a database that can't be reached, is damaged, read-only or busy for too long, into StorageUnavailable."""
    try:
        yield
    except DatabaseError as error:
        if isinstance(error, _NOT_ITS_FAULT):
            raise
        raise StorageUnavailable(f"the database can't be used: {_reason(error)}") from error


def _reason(error: DatabaseError) -> str:
    """The driver's first line, without SQL or parameters: those may hold addresses."""
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else "no reason given"
