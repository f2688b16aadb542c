"""The database: reachable, at this program's version, healthy, with room on its disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from newsletter.errors import StorageUnavailable
from newsletter.jobs.checkup.finding import Finding, bad, ok, sentence, warn
from newsletter.storage import migrating
from newsletter.storage.database import Database

OLDEST_SERVER = 14  #: PostgreSQL 13 got its last fixes in November 2025
LOW_DISK = 1_000_000_000  #: octets: SQLite's log, a backup and a year's editions of 100,000 readers (150 each) fit
FULL_DISK = 100_000_000  #: octets: an edition and SQLite's log of it may not fit
RESTORE = "Stop the service, and put the last backup in its place."
_DAMAGE = ("malformed", "not a database")  #: SQLite's words


@contextmanager
def opened(url: str, *, timeout: float) -> Iterator[Database]:
    """The database, which gives up when a server doesn't answer."""
    parts = make_url(url)
    if parts.get_backend_name() == "postgresql" and "connect_timeout" not in parts.query:
        parts = parts.update_query_dict({"connect_timeout": str(max(2, round(timeout)))})  # libpq's least is 2
    database = Database(parts.render_as_string(hide_password=False))
    try:
        yield database
    finally:
        database.close()


def check(database: Database) -> Iterator[Finding]:
    """What there is to say about the database itself. Raises what `explain` explains."""
    if database.path is not None and database.path.parent.is_dir():
        yield disk(shutil.disk_usage(database.path.parent).free)
    migrating.require_current(database)
    with database.writing():
        pass  # a file or a disk that can't be written, or a lock that is never freed, is told here
    with database.reading() as session:
        yield sqlite(session) if database.path is not None else postgresql(_server_version(session))


def explain(error: StorageUnavailable | DBAPIError) -> Finding:
    """A database that can't be used, as a finding."""
    if isinstance(error, DBAPIError):
        told = f"It refuses to be looked at: {str(error.orig).strip().partition(chr(10))[0]}"
        return bad("database", sentence(told), "Give this service's user the rights of the tables' owner.")
    # Where the error knows what to do, it says so after a semicolon.
    words, _, remedy = str(error).partition("; ")
    if any(damage in words for damage in _DAMAGE):
        return bad("database", sentence(words), RESTORE)
    return bad("database", sentence(words), sentence(remedy or "see that DATABASE_URL is right and the database runs"))


def missing() -> Finding:
    """No SQLite file yet."""
    return warn(
        "database", "There is none yet.", "'newsletter serve' sets it up, or run 'newsletter db upgrade' to do it now."
    )


def disk(free: int) -> Finding:
    """The room on the disk that SQLite writes to."""
    told = f"{free / 1_000_000_000:.1f} GB are free beside the database."
    remedy = "Make room, or move the instance folder to a larger disk: without room, sending stops."
    if free < FULL_DISK:
        return bad("disk", told, remedy)
    if free < LOW_DISK:
        return warn("disk", told, remedy)
    return ok("disk", told)


def sqlite(session: Session) -> Finding:
    """SQLite's file: intact, and in WAL mode."""
    found = session.execute(text("PRAGMA quick_check(1)")).scalars().all()
    if found != ["ok"]:
        return bad("database", "The SQLite file is damaged.", RESTORE)
    if session.scalar(text("PRAGMA journal_mode")) != "wal":
        return warn(
            "database",
            "SQLite can't keep its log beside the file (WAL), so pages wait while mail is sent.",
            "Put the instance folder on a local disk, not on one that is shared over the network.",
        )
    return ok("database", "SQLite, set up for this version, intact, in WAL mode.")


def postgresql(version: int) -> Finding:
    """The server, by its number, such as 160004 for 16.4."""
    told = f"PostgreSQL {version // 10_000}.{version % 10_000}, set up for this version"
    if version // 10_000 < OLDEST_SERVER:
        return warn("database", f"{told}; this server gets no fixes any more.", f"Move to {OLDEST_SERVER} or newer.")
    return ok("database", f"{told}.")


def _server_version(session: Session) -> int:
    return int(session.scalar(text("SHOW server_version_num")) or 0)
