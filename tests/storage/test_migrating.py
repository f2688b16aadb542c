"""The migrations make the tables that the code declares, on both databases, and can be run at any time."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select, text

from newsletter.errors import StorageUnavailable
from newsletter.storage import migrating, update_search
from newsletter.storage.database import WRITES, Database
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Base, Place, Region

#: What compare_metadata passes over, checks and expressions above all; each query names the same things in one order.
POSTGRESQL_CATALOGUE = (
    """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
       FROM information_schema.columns
       WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2""",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%' ORDER BY 1, 2""",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1",
)
#: Of the search index, and of nothing that the code declares: SQLAlchemy knows no such tables, views and triggers.
UNDECLARED = ("update_search", "update_text")
SQLITE_CATALOGUE = """SELECT name, sql FROM sqlite_master
    WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' AND type <> 'trigger' ORDER BY 1"""


def catalogue(connection: Connection) -> list[object]:
    """All tables, columns, constraints and indexes, as the database itself tells them."""
    if connection.dialect.name == "postgresql":
        rows = [tuple(row) for query in POSTGRESQL_CATALOGUE for row in connection.execute(text(query))]
        return [row for row in rows if not any(name in str(word) for word in row for name in UNDECLARED)]
    rows = connection.execute(text(SQLITE_CATALOGUE))
    return [
        (name, sorted(_declarations(sql)))
        for name, sql in rows
        if name != "alembic_version" and not name.startswith(UNDECLARED)
    ]


def _declarations(sql: str) -> list[str]:
    """Column by column; SQLite keeps the words as they were written, and adds a column behind a comma."""
    found = re.split(r"\n|, (?=\w+ [A-Z]{4,})", sql.replace('"', ""))
    return [each.strip().rstrip(",)") for each in found if each.strip(" ,)")]


def differences(database: Database) -> list[object]:
    """What alembic would put into the next migration."""
    with database.engine.connect() as connection, warnings.catch_warnings():
        # SQLite can't tell of expressions in indexes; the catalogue below can.
        warnings.filterwarnings("ignore", message=".*expression-based index")
        context = MigrationContext.configure(connection, opts={"include_name": _is_declared})
        return list(compare_metadata(context, Base.metadata))


def _is_declared(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or not str(name).startswith(UNDECLARED)


def test_the_migrations_make_the_tables_that_are_declared(database):
    assert differences(database) == []


def test_the_migrations_make_every_check_and_index_that_is_declared(database, empty):
    if database.engine.dialect.name != empty.engine.dialect.name:
        return
    Base.metadata.create_all(empty.engine)

    with database.engine.connect() as migrated, empty.engine.connect() as declared:
        assert catalogue(migrated) == catalogue(declared)


def test_an_empty_database_is_brought_to_this_version(empty):
    with pytest.raises(StorageUnavailable, match="run 'newsletter db upgrade'"):
        migrating.require_current(empty)

    migrating.upgrade(empty)

    migrating.require_current(empty)
    with empty.reading() as session:
        assert session.scalar(select(func.count()).select_from(Place)) == len(gazetteer().places)


def test_upgrading_twice_changes_nothing(database):
    with database.engine.connect() as connection:
        before = catalogue(connection)

    migrating.upgrade(database)
    migrating.upgrade(database)

    migrating.require_current(database)
    with database.engine.connect() as connection:
        assert catalogue(connection) == before
    assert differences(database) == []


def test_updates_that_were_there_before_the_index_of_words_are_found_with_it(database):
    with database.engine.execution_options(**WRITES).begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
    with database.writing() as session:
        session.execute(
            text(
                """INSERT INTO country_update
                   (place_code, month, trend, alerts, headline, developments, quotes, links, state,
                    created_at, changed_at)
                   VALUES ('KZ', '2022-11', 'unchanged', '[]', 'A vote was held.', '[]', '[]', '[]', 'ready',
                    '2022-12-01 06:00:00+00:00', '2022-12-01 06:00:00+00:00')"""
            )
        )

    migrating.upgrade(database)

    with database.reading() as session:
        assert update_search.count(session, ["vote"]) == 1


def test_two_processes_may_upgrade_at_once(empty):
    code = (
        "import sys; from newsletter.storage import migrating; from newsletter.storage.database import Database;"
        "database = Database(sys.argv[1]); migrating.upgrade(database); migrating.require_current(database)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, empty.url], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]

    assert [(process.communicate(timeout=60)[1], process.returncode) for process in running] == [("", 0)] * 2


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        pytest.param(None, "not set up for this version; run 'newsletter db upgrade'", id="no migration has run"),
        pytest.param("9999", "belongs to a newer version of this program; install that", id="one that is not known"),
    ],
)
def test_a_database_of_another_version_is_not_used(database, revision, message):
    with database.engine.begin() as connection:
        if revision is None:
            connection.execute(text("DELETE FROM alembic_version"))
        else:
            connection.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": revision})

    with pytest.raises(StorageUnavailable, match=message):
        migrating.require_current(database)


def test_a_newer_database_is_not_downgraded_by_an_upgrade(database):
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StorageUnavailable, match="belongs to a newer version of this program"):
        migrating.upgrade(database)


def test_places_follow_the_list_and_those_that_left_it_stay(database):
    with database.writing() as session:
        session.get_one(Place, "KZ").name = "An old name"
        session.add(Region(code="gone", name="Gone", position=99))
        session.flush()
        session.add(Place(code="ATLANTIS", name="Atlantis", region_code="gone"))

    migrating.upgrade(database)

    with database.reading() as session:
        assert session.get_one(Place, "KZ").name == "Kazakhstan"
        assert session.get_one(Place, "ATLANTIS").name == "Atlantis"
