"""Statements that are compiled once, and run past SQLAlchemy's own execution.

A sender runs ten statements in each of some hundred ticks a second. Each costs SQLAlchemy 30 to 100 microseconds of
Python, whatever it does; run past it, it costs what the database takes. Bound values must be of kinds that every driver
knows: numbers, text, booleans, and lists of text for `any_of`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Executable, String, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from newsletter.storage import libpq

Row = tuple[Any, ...]


class any_of(ColumnElement[bool]):
    """Whether a column is one of the texts in a list that is bound by `name`: of any length, with one compiled text."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.name = name


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **options: Any) -> str:
    bound = compiler.process(bindparam(element.name, type_=String))
    return f"{compiler.process(element.column, **options)} IN (SELECT value FROM json_each({bound}))"  # noqa: S608


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: any_of, compiler: SQLCompiler, **options: Any) -> str:
    bound = compiler.process(bindparam(element.name, type_=ARRAY(String)))
    return f"{compiler.process(element.column, **options)} = ANY({bound})"


class _Compiled:
    """A statement as one driver takes it."""

    __slots__ = ("is_positional", "names", "sql", "values")

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self.is_positional = compiled.positiontup is not None
        self.names: list[str] = list(compiled.positiontup or ())
        self.values: dict[str, object] = dict(compiled.params)  #: of what the statement itself holds

    def in_order(self, given: Mapping[str, object]) -> list[object]:
        values = {**self.values, **given}
        return [values[name] for name in self.names]

    def bind_many(self, rows: Iterable[Mapping[str, object]]) -> list[Any]:
        if not self.is_positional:
            return [{**self.values, **row} for row in rows]
        pick = itemgetter(*self.names)
        return [pick({**self.values, **row}) for row in rows]


def execute_plainly(connection: Connection, sql: str) -> None:
    """Run a statement without parameters and without results."""
    with _errors(connection, sql):
        if connection.dialect.name == "postgresql":
            libpq.execute_plainly(connection, sql)
        else:
            connection.connection.cursor().execute(sql)


class Prepared:
    """One statement. Its parameters are named as in SQLAlchemy, by bindparam."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, session: Session, **values: object) -> list[Row]:
        """Run it; what it found."""
        return self._run(session.connection(), values)[0]

    def first(self, session: Session, **values: object) -> Any:
        """The first value of the first row; None if there is none."""
        found = self.rows(session, **values)
        return found[0][0] if found else None

    def change(self, session: Session, **values: object) -> int:
        """Run it; how many rows it changed."""
        return self._run(session.connection(), values)[1]

    def change_many(self, session: Session, rows: Sequence[Mapping[str, object]]) -> int:
        """Run it once for each of `rows`; how many rows were changed in all."""
        if not rows:
            return 0
        if len(rows) == 1:  # on PostgreSQL, executemany sends more than one message
            return self.change(session, **rows[0])
        connection = session.connection()
        compiled = self._for(connection.dialect.name, connection.dialect)
        with _errors(connection, compiled.sql), closing(connection.connection.cursor()) as cursor:
            cursor.executemany(compiled.sql, compiled.bind_many(rows))
            return int(cursor.rowcount)

    def _run(self, connection: Connection, values: Mapping[str, object]) -> tuple[list[Row], int]:
        """What it found, and how many rows it changed."""
        if connection.dialect.name == "postgresql":
            compiled = self.for_libpq()
            with _errors(connection, compiled.sql):
                return libpq.execute(connection, compiled.sql, compiled.in_order(values))
        compiled = self._for(connection.dialect.name, connection.dialect)
        given = [json.dumps(value) if isinstance(value, list) else value for value in compiled.in_order(values)]
        with _errors(connection, compiled.sql), closing(connection.connection.cursor()) as cursor:
            cursor.execute(compiled.sql, given)
            return list(cursor.fetchall()), int(cursor.rowcount)

    def for_libpq(self) -> _Compiled:
        """As libpq takes it."""
        return self._for("libpq", libpq.DIALECT)

    def _for(self, name: str, dialect: Dialect) -> _Compiled:
        if name not in self._compiled:
            self._compiled[name] = _Compiled(self._statement, dialect)
        return self._compiled[name]


#: A statement with its values.
Bound = tuple[Prepared, Mapping[str, object]]


def together(session: Session, statements: Sequence[Bound]) -> None:
    """Run statements whose rows nobody asks for; PostgreSQL gets all of them in one message.

    The first error is raised; none of the statements after it was run.
    """
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        for statement, values in statements:
            statement.change(session, **values)
        return
    compiled = [(statement.for_libpq(), values) for statement, values in statements]
    with _errors(connection, "; ".join(each.sql for each, _ in compiled)):
        libpq.execute_together(connection, [(each.sql, each.in_order(values)) for each, values in compiled])


@contextmanager
def _errors(connection: Connection, sql: str) -> Iterator[None]:
    """The driver's errors as SQLAlchemy's, so that storage.database can tell what they mean."""
    dialect, driver = connection.dialect, connection.connection
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        if dialect.is_disconnect(error, driver, None):
            connection.invalidate(error)
            connection.engine.dispose()  # the others that wait in the pool are as old
        base = dialect.loaded_dbapi.Error
        raise DBAPIError.instance(sql, None, error, base, hide_parameters=True, dialect=dialect) from error
