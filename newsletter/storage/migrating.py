"""Bring a database to this program's version, or say that it is not there yet.

Alembic is used directly, not through Flask-Migrate: the tables are no business of Flask's.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from newsletter.errors import StorageOutdated
from newsletter.storage import places
from newsletter.storage.database import WRITES, Database, opened

_FOLDER = Path(__file__).resolve().parent / "migrations"
_ADVISORY_KEY = 0x6E65776D  #: any number that no other lock here has


def upgrade(database: Database) -> None:
    """Run the migrations that are missing, and bring the list of places up to date. Safe to run at any time.

    Raises StorageUnavailable when the database is newer than this program.
    """
    with opened(), database.engine.execution_options(**WRITES).begin() as connection:
        if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
        _refuse_newer(_revision(connection))
        command.upgrade(_config(connection), "head")
        with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
            places.synchronise(session)


def require_current(database: Database) -> None:
    """Raises StorageOutdated when the database is older or newer than this program."""
    with opened(), database.engine.connect() as connection:
        found = _revision(connection)
    _refuse_newer(found)
    if found != ScriptDirectory(str(_FOLDER)).get_current_head():
        raise StorageOutdated("the database is not set up for this version; run 'newsletter db upgrade'")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
    if revision is not None and revision not in known:
        raise StorageOutdated("the database belongs to a newer version of this program; install that")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
