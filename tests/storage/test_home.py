"""A database knows where it lives: a copy lives elsewhere, the same one under another name doesn't."""

from __future__ import annotations

import os
import shutil
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from newsletter.storage.database import Database
from newsletter.storage.home import home


def home_of(database):
    with database.writing() as session:
        return home(database, session)


def home_at(url):
    database = Database(url)
    found = home_of(database)
    database.close()
    return found


def test_it_lives_where_it_lived_before(database):
    first = home_of(database)

    assert home_of(database) == first
    assert home_at(database.url) == first


def test_a_file_that_was_renamed_is_the_same(sqlite):
    first = home_of(sqlite)
    sqlite.close()
    moved = sqlite.path.rename(sqlite.path.with_name("other.db"))

    assert home_at(f"sqlite:///{moved}") == first


@pytest.mark.parametrize("way", ["beside it", "in its place"])
def test_a_copy_of_a_file_is_another(sqlite, way):
    first = home_of(sqlite)
    sqlite.close()
    copy = sqlite.path.with_name("copy.db")
    shutil.copy2(sqlite.path, copy)
    if way == "in its place":
        os.replace(copy, sqlite.path)
        copy = sqlite.path

    assert home_at(f"sqlite:///{copy}") != first


@pytest.fixture
def server(postgresql_url):
    """Runs a statement on the server."""
    engine = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")

    def run(statement):
        with engine.connect() as connection:
            connection.execute(text(statement))

    yield run
    engine.dispose()


@pytest.fixture
def another(server):
    """A name for a database or a role of the test's own, that is gone at the end."""
    name = f"another_{uuid4().hex[:12]}"
    yield name
    server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    server(f"DROP ROLE IF EXISTS {name}")


def test_a_database_of_the_same_rows_on_the_same_server_is_another(postgresql, server, another):
    first = home_of(postgresql)
    postgresql.close()
    url = make_url(postgresql.url)
    server(f"CREATE DATABASE {another} TEMPLATE {url.database}")

    assert home_at(url.set(database=another).render_as_string(hide_password=False)) != first


def test_a_database_that_was_made_anew_under_its_name_is_another(postgresql, server, another):
    url = make_url(postgresql.url).set(database=another)
    homes = []
    for _ in range(2):
        server(f"CREATE DATABASE {another}")
        homes.append(home_at(url.render_as_string(hide_password=False)))
        server(f"DROP DATABASE {another}")

    assert homes[0] != homes[1]


def test_it_tells_the_server_too(postgresql):
    with postgresql.reading() as session:
        identifier = session.scalar(text("SELECT system_identifier FROM pg_control_system()"))

    assert str(identifier) in home_of(postgresql)


def test_where_the_server_keeps_its_number_to_itself_the_databases_is_enough(postgresql, server, another):
    server(f"CREATE ROLE {another}")
    with postgresql.writing() as session:
        session.execute(text("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"))
        oid = session.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    with postgresql.writing() as session:
        session.execute(text(f"SET LOCAL ROLE {another}"))
        assert home(postgresql, session) == f"server , database {oid}"
        assert session.scalar(text("SELECT 1")) == 1  # the transaction goes on
