"""How the database is opened, and what transactions see of each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from newsletter.errors import SettingsError, StorageUnavailable
from newsletter.storage import database as module
from newsletter.storage.database import Database
from newsletter.storage.tables import Edition, Subscriber
from tests.conftest import NOW

EDITIONS = select(func.count()).select_from(Edition)


def an_edition(month: str = "2022-11") -> Edition:
    return Edition(month=month, state="draft", created_at=NOW)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        pytest.param("journal_mode", "wal", id="readers and a writer don't wait for each other"),
        pytest.param("synchronous", 2, id="a commit survives a power cut"),
        pytest.param("secure_delete", 1, id="what is deleted is overwritten"),
        pytest.param("foreign_keys", 1, id="foreign keys hold"),
        pytest.param("busy_timeout", 4000, id="a writer waits, and less than a form may take"),
    ],
)
@pytest.mark.parametrize("opens", ["reading", "writing"])
@pytest.mark.usefixtures("no_hurry")
def test_every_connection_to_sqlite_is_set_up(sqlite, pragma, value, opens):
    for _ in range(2):
        with getattr(sqlite, opens)() as session:
            assert session.scalar(text(f"PRAGMA {pragma}")) == value


def test_a_writer_keeps_nobody_from_reading(database):
    with database.writing() as writer:
        writer.add(an_edition())
        writer.flush()
        with database.reading() as reader:
            assert reader.scalar(EDITIONS) == 0
    with database.reading() as reader:
        assert reader.scalar(EDITIONS) == 1


def test_a_reader_keeps_nobody_from_writing_and_sees_one_state_of_things(database):
    with database.reading() as reader:
        assert reader.scalar(EDITIONS) == 0
        with database.writing() as writer:
            writer.add(an_edition())
        assert reader.scalar(EDITIONS) == 0


def test_an_error_undoes_a_transaction(database):
    def fail():
        with database.writing() as session:
            session.add(an_edition())
            session.flush()
            raise EOFError

    with pytest.raises(EOFError):
        fail()
    with database.reading() as session:
        assert session.scalar(EDITIONS) == 0


def test_what_a_reader_changes_is_forgotten(database):
    with database.reading() as session:
        session.add(an_edition())
        session.flush()

    with database.reading() as session:
        assert session.scalar(EDITIONS) == 0


def test_who_waits_too_long_to_write_is_told(sqlite, monkeypatch):
    monkeypatch.setattr(module, "BUSY_MILLISECONDS", 20)
    impatient = Database(sqlite.url)
    with sqlite.writing() as writer:
        writer.add(an_edition())
        writer.flush()
        with pytest.raises(StorageUnavailable) as unavailable, impatient.writing() as session:
            session.scalar(EDITIONS)
    impatient.close()

    assert str(unavailable.value) == "the database can't be used: database is locked"


def a_file(folder: Path, content: bytes) -> str:
    path = folder / "file"
    path.write_bytes(content)
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    ("url_in", "message"),
    [
        pytest.param(lambda folder: f"{a_file(folder, b'')}/newsletter.db", "unable to open", id="below a file"),
        pytest.param(lambda folder: f"sqlite:///{folder}", "unable to open", id="a folder"),
        pytest.param(lambda folder: f"sqlite:///{folder}/gone/newsletter.db", "unable to open", id="no such folder"),
        pytest.param(lambda folder: a_file(folder, b"x" * 9999), "not a database", id="a file that is no database"),
        pytest.param(
            lambda _: "postgresql://ada:hidden@127.0.0.1:1/x", "(?i)connection.*refused", id="no server there"
        ),
    ],
)
@pytest.mark.parametrize("opens", ["reading", "writing"])
def test_a_database_that_can_not_be_opened_is_told_in_one_line(tmp_path, url_in, message, opens):
    database = Database(url_in(tmp_path))
    with pytest.raises(StorageUnavailable, match=message) as unavailable, getattr(database, opens)() as session:
        session.scalar(text("SELECT count(*) FROM edition"))
    database.close()

    assert str(unavailable.value).startswith("the database can't be used: ")
    assert str(unavailable.value).isprintable()
    assert "hidden" not in str(unavailable.value)


def test_an_error_holds_no_address(sqlite):
    with pytest.raises(StorageUnavailable) as unavailable, sqlite.writing() as session:
        session.execute(text("INSERT INTO gone VALUES (:address)"), {"address": "ada@example.org"})

    assert str(unavailable.value) == "the database can't be used: no such table: gone"


def test_a_rule_that_is_broken_is_not_taken_for_a_database_that_is_away(database):
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add_all([an_edition(), an_edition()])


def test_a_wrong_statement_is_not_taken_for_a_database_that_is_away(postgresql):
    with pytest.raises(ProgrammingError), postgresql.writing() as session:
        session.execute(text("SELECT * FROM gone"))


def test_a_database_that_may_only_be_read_is_told(postgresql):
    with postgresql.engine.begin() as connection:
        name = connection.scalar(text("SELECT quote_ident(current_database())"))
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    postgresql.close()

    with pytest.raises(StorageUnavailable, match="read-only transaction"), postgresql.writing() as session:
        session.add(an_edition())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "newsletter.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://host/newsletter.db",
        "postgresql://host:port/name",
        "postgresql+nothing://host/name",
        "mysql://host/name",
        "nothing://host/name",
    ],
)
def test_a_url_that_names_no_database_of_ours_is_refused(url):
    with pytest.raises(SettingsError, match="DATABASE_URL can't be used; write sqlite:////folder"):
        Database(url)


def test_the_file_of_a_database(tmp_path, postgresql_url):
    databases = [Database(f"sqlite:///{tmp_path}/a.db"), Database(postgresql_url)]

    assert [database.path for database in databases] == [tmp_path / "a.db", None]


def test_an_error_of_a_statement_tells_no_address(database):
    values = {
        "address": "secret@example.org",
        "address_key": "secret@example.org",
        "state": "active",
        "created_at": NOW,
    }
    with pytest.raises(IntegrityError) as refused, database.writing() as session:
        session.execute(insert(Subscriber), [values, values])

    # PostgreSQL's own words name the key; what is logged are ours, and SQLAlchemy's without parameters.
    assert "parameters: " not in str(refused.value)
    if database.path is not None:
        assert "secret@" not in str(refused.value)
