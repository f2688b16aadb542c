"""One PostgreSQL database for all of these tests, emptied in between: to make one takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, delete, insert, make_url, text

from newsletter.config import Settings
from newsletter.services.claims import Claim
from newsletter.services.results import Recording
from newsletter.storage.database import Database
from newsletter.storage.tables import Base, SendingGuard
from tests.services.stock import arm, begin, start_sending

#: Filled by the migrations.
KEPT = {"region", "place"}

_SEQUENCES = text(
    "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace"
)


@pytest.fixture(scope="session")
def shared_postgresql(postgresql_url: str, postgresql_template: str) -> Iterator[Database]:
    """A database that the tests of one process share."""
    name = f"services_{uuid4().hex[:12]}"
    server = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {postgresql_template}"))
    database = Database(make_url(postgresql_url).set(database=name).render_as_string(hide_password=False))
    yield database
    database.close()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def postgresql(shared_postgresql: Database) -> Database:
    """A PostgreSQL database without rows, but for the places; the first id is 1 again."""
    with shared_postgresql.engine.begin() as connection:
        connection.execute(text("TRUNCATE audit_event"))  # it refuses a DELETE
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in KEPT:
                connection.execute(delete(table))
        connection.execute(insert(SendingGuard).values(id=1, home="", timeline=uuid4().hex))
        sequences = connection.scalars(_SEQUENCES).all()
        for sequence in sequences:
            connection.execute(text(f"ALTER SEQUENCE {sequence} RESTART"))
    return shared_postgresql


@pytest.fixture
def sent(database: Database, settings: Settings) -> tuple[Recording, list[Claim]]:
    """A sender that has armed five digests of an edition for six: how it records, and their claims."""
    edition_id = start_sending(database, settings, ["KZ"] * 6)
    with database.writing() as session:
        arming, recording = begin(session)
        armed = arm(session, arming, edition_id, limit=5)
        return recording, [each.claim for each in armed.deliveries]
