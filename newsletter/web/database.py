"""The request's database session.

Whoever will write says so before the first read (see storage.database), and a request's method says it: a safe one
(RFC 9110, 9.2.1) only reads, any other begins with the write lock. The view of an unsafe request commits once, at its
end; what was not committed is rolled back when the request is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.storage.database import BUSY_MILLISECONDS, WRITES, configure
from newsletter.storage.tables import Base

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestSession(FlaskSession):
    """Reads for safe requests, and takes the write lock for the others."""

    _writing: Engine | None = None

    def get_bind(
        self, mapper: Any = None, clause: Any = None, bind: Engine | Connection | None = None, **kwargs: Any
    ) -> Engine | Connection:
        engine = super().get_bind(mapper, clause, bind, **kwargs)
        if not isinstance(engine, Engine) or _is_safe():
            return engine
        if self._writing is None:
            # One for the session's life: a session opens a connection for each engine that it is given, and this
            # makes a new one.
            self._writing = engine.execution_options(**WRITES)
        return self._writing

    def commit(self) -> None:
        """Link scanners fetch every address that they find, so following a link must never change anything."""
        if _is_safe():
            raise RuntimeError(f"a {request.method} request changes nothing")
        super().commit()


def _is_safe() -> bool:
    return has_request_context() and request.method in SAFE_METHODS


db = SQLAlchemy(metadata=Base.metadata, session_options={"class_": RequestSession})


def register(app: Flask, settings: Settings) -> None:
    """Connect the application with the settings' database."""
    # Parameters hold addresses, and an error's text ends up in a log.
    options: dict[str, object] = {"hide_parameters": True}
    if settings.database_url.startswith("postgresql"):
        options |= {"pool_pre_ping": True, "connect_args": {"connect_timeout": BUSY_MILLISECONDS // 1000}}
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        configure(db.engine)


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads, whatever the request, and that is over before what takes long begins."""
    with Session(db.engine) as session:
        yield session


def current_session() -> Session:
    """The session of the request, as services take it."""
    return db.session()
