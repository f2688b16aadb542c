"""The request's database session.

Whoever will write says so before the first read (see storage.database), and a request's method says it: a safe one
(RFC 9110, 9.2.1) only reads, any other begins with the write lock. The view of an unsafe request commits once, at its
end; what was not committed is rolled back when the request is over.

SQLite has one writer at a time, and who waits for it looks whether it is free, ever less often: of many at once some
would wait for seconds. The threads of this process take turns before they ask for it (OneWriter).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from flask import Flask, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import CoreExecuteOptionsParameter, DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

from newsletter.config import Settings
from newsletter.errors import StorageUnavailable
from newsletter.storage import erasing
from newsletter.storage.database import BUSY_MILLISECONDS, WRITES, configure
from newsletter.storage.prepared import execute_plainly
from newsletter.storage.tables import Base

_log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_KEPT_OPEN = 16  #: connections, at most; above the pool's size each request would open one of its own
_IDLE_SECONDS = 1.0  #: PostgreSQL takes about as long to start anew
#: In the information about a connection.
_HAS_TURN, _USED_AT = "newsletter_has_turn", "newsletter_used_at"


class RequestSession(FlaskSession):
    """Reads for safe requests, and takes the write lock for the others."""

    _writing: Engine | None = None
    _found: tuple[SessionTransaction | None, Connection] | None = None  #: the connection of a transaction

    def get_bind(
        self, mapper: Any = None, clause: Any = None, bind: Engine | Connection | None = None, **kwargs: Any
    ) -> Engine | Connection:
        # Asked for each statement. There is one database, so what was found once is so again.
        if self._writing is not None and bind is None and not _is_safe():
            return self._writing
        engine = super().get_bind(mapper, clause, bind, **kwargs)
        if not isinstance(engine, Engine) or _is_safe():
            return engine
        if self._writing is None:
            # One for the session's life: a session opens a connection for each engine that it is given, and this
            # makes a new one.
            self._writing = engine.execution_options(**WRITES)
        return self._writing

    def connection(
        self, bind_arguments: Any = None, execution_options: CoreExecuteOptionsParameter | None = None
    ) -> Connection:
        """The connection of this transaction; found once, as each prepared statement asks for it."""
        if bind_arguments or execution_options:
            return super().connection(bind_arguments, execution_options)
        if self._found is None or self._found[0] is not self.get_transaction():
            connection = super().connection()
            self._found = self.get_transaction(), connection
        return self._found[1]

    def commit(self) -> None:
        """Link scanners fetch every address that they find, so following a link must never change anything."""
        if _is_safe():
            raise RuntimeError(f"a {request.method} request changes nothing")
        super().commit()


class OneWriter:
    """Lets one thread at a time ask SQLite for its write lock; the others are woken when it is done."""

    def __init__(self, engine: Engine) -> None:
        """To be called before storage.database.configure: its listener begins the transaction."""
        self._turn = Lock()
        event.listen(engine, "begin", self._wait)
        event.listen(engine, "checkin", self._leave)

    def _wait(self, connection: Connection) -> None:
        if connection.get_execution_options().get("sqlite_begin") != WRITES["sqlite_begin"]:
            return
        began = time.monotonic()
        if not self._turn.acquire(timeout=BUSY_MILLISECONDS / 1000):
            raise StorageUnavailable("too many wait for the database")
        connection.info[_HAS_TURN] = True
        # Who waited here waits so much less for other processes: no form may take longer than these two together.
        waited = int((time.monotonic() - began) * 1000)
        execute_plainly(connection, f"PRAGMA busy_timeout = {max(BUSY_MILLISECONDS - waited, 0)}")

    def _leave(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        if entry.info.pop(_HAS_TURN, False):
            self._turn.release()


class Pinger:
    """Looks whether a connection that was idle for long still leads to PostgreSQL, and has a new one made if not.

    As pool_pre_ping does, but not for connections in steady use: one message in each request is a tenth of its cost.
    """

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        event.listen(engine, "checkout", self._look)
        event.listen(engine, "checkin", self._note)

    def _look(self, connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - entry.info.get(_USED_AT, time.monotonic()) < _IDLE_SECONDS:
            return
        try:
            self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error as error:
            # The pool makes new connections in place of all that are as old.
            raise InvalidatePoolError("PostgreSQL has gone away") from error

    def _note(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info[_USED_AT] = time.monotonic()


def _is_safe() -> bool:
    return has_request_context() and request.method in SAFE_METHODS


db = SQLAlchemy(metadata=Base.metadata, session_options={"class_": RequestSession})


def register(app: Flask, settings: Settings) -> None:
    """Connect the application with the settings' database."""
    # Parameters hold addresses, and an error's text ends up in a log.
    options: dict[str, object] = {"hide_parameters": True, "pool_size": _KEPT_OPEN}
    if settings.database_url.startswith("postgresql"):
        options["connect_args"] = {"connect_timeout": BUSY_MILLISECONDS // 1000}
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            OneWriter(db.engine)
        else:
            Pinger(db.engine)
        configure(db.engine)


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads, whatever the request, and that is over before what takes long begins."""
    with Session(db.engine) as session:
        yield session


def current_session() -> Session:
    """The session of the request, as services take it."""
    return db.session()


def cut_log() -> None:
    """Let nothing of who was just erased stay in SQLite's log; to be called after the commit."""
    try:
        erasing.cut_log(db.engine)
    except StorageUnavailable as error:  # they are erased all the same, and the scheduler tries again
        _log.warning("the log was not cut after an erasure: %s", error)
