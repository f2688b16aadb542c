"""What is left of rows that were deleted, and how that goes too.

SQLite overwrites what is deleted (secure_delete, see storage.database), but the pages as they were before stay in its
write-ahead log until that is cut. And of one row in a thousand there is a copy in the unused part of a page: it had
grown, and was moved; only to write the whole file anew removes that. PostgreSQL keeps dead rows until a VACUUM.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from newsletter.storage.database import BUSY_MILLISECONDS, opened
from newsletter.storage.prepared import execute_plainly

#: How long readers and writers are waited for: a page waits for this, and all writers do meanwhile.
PATIENCE_MILLISECONDS = 200

SMALL_BYTES = 64 * 2**20

#: Where addresses, networks and the relay's words are kept.
_PERSONAL = ("subscriber", "address_change", "subscription", "consent", "notice", "delivery", "import_row")


def cut_log(engine: Engine) -> bool:
    """Write SQLite's log into the file and cut it to nothing; whether it is. Call it after the commit that deleted.

    It can't be done while somebody reads an older state: False then, and the scheduler's next tick tries again. There
    is nothing to do on PostgreSQL. Raises StorageUnavailable.
    """
    if engine.dialect.name != "sqlite" or _is_empty(Path(f"{engine.url.database}-wal")):
        return True
    with opened(), engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE_MILLISECONDS}")
        try:
            is_busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    return not is_busy


def scrub(engine: Engine) -> bool:
    """Do what the database needs to let go of deleted rows; whether it has. Raises StorageUnavailable.

    PostgreSQL's VACUUM runs beside reading and writing, but looks through each table that has changed: it is no work
    for a request.
    """
    if engine.dialect.name == "sqlite":
        return cut_log(engine)
    with opened(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM {', '.join(_PERSONAL)}")
    return True


def is_small(engine: Engine) -> bool:
    """Whether SQLite's file is written anew within a second or two; there is no need to on PostgreSQL."""
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return False
    return Path(engine.url.database).stat().st_size <= SMALL_BYTES


def rebuild(engine: Engine) -> bool:
    """Write SQLite's whole file anew; whether the log could be cut then. Nobody else writes meanwhile.

    It takes the room of the file twice more on the disk. Raises StorageUnavailable.
    """
    if engine.dialect.name == "sqlite":
        with opened(), engine.connect() as connection:
            execute_plainly(connection, "VACUUM")
    return scrub(engine)


def _is_empty(log: Path) -> bool:
    try:
        return log.stat().st_size == 0
    except FileNotFoundError:
        return True
