"""INSERT that leaves alone what is there already: how "ensure" and "find or create" stay safe under concurrency."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session


def insert_or_ignore(session: Session, table: type[DeclarativeBase], **values: object) -> bool:
    """Insert one row unless a unique constraint forbids it; whether it was inserted."""
    target = table.__table__
    if not isinstance(target, Table):
        raise TypeError("not a table")
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(target).values(**values).on_conflict_do_nothing()
    # Counted by what comes back: where a key is made by the database, PostgreSQL's rowcount is -1 either way.
    return session.execute(statement.returning(*target.primary_key)).first() is not None
