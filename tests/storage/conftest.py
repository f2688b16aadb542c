"""Databases that nothing was done to yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from newsletter.storage.database import Database

KINDS = ["sqlite", "postgresql"]
Making = Callable[[str], AbstractContextManager[Database]]


@pytest.fixture(scope="session")
def making(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Making:
    """Makes an empty database of a kind, that is gone at the end."""

    @contextmanager
    def make(kind: str) -> Iterator[Database]:
        if kind == "sqlite":
            database = Database(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'newsletter.db'}")
            yield database
            database.close()
            return
        url = request.getfixturevalue("postgresql_url")
        name = f"empty_{uuid4().hex[:12]}"
        server = create_engine(url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        database = Database(make_url(url).set(database=name).render_as_string(hide_password=False))
        yield database
        database.close()
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()

    return make


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, making: Making) -> Iterator[Database]:
    """An empty database of each kind in turn."""
    with making(request.param) as database:
        yield database
