"""Which database this is: a copy that was restored somewhere else is another one, although it holds the same rows."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from newsletter.storage.database import Database

_SERVER = text("SELECT system_identifier::text FROM pg_control_system()")
_OID = text("SELECT oid::text FROM pg_database WHERE datname = current_database()")


def home(database: Database, session: Session) -> str:
    """The file of a SQLite database, by its number in the file system; the server's and the database's in PostgreSQL.

    A file keeps its number when it is renamed or its disk is mounted elsewhere. A copy beside it has another; one that
    is made after it was removed may get the same, and only its witnesses can tell (services.guard).
    """
    if database.path is not None:
        return f"file {database.path.stat().st_ino}"
    return f"server {_system_identifier(session)}, database {session.scalar(_OID)}"


def _system_identifier(session: Session) -> str:
    """The cluster's number; empty where a server keeps it to itself."""
    try:
        with session.begin_nested():
            return str(session.scalar(_SERVER))
    except ProgrammingError:
        return ""
