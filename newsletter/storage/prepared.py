"""Statements that are compiled once, and run past SQLAlchemy's own execution.

A sender runs ten statements in each of some hundred ticks a second. Each costs SQLAlchemy 30 to 100 microseconds of
Python, whatever it does; run on the driver's cursor it costs what the database takes. Bound values must be of kinds
that every driver knows: numbers, text, booleans, and lists of text for `any_of`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Executable, String, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

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

    def bind(self, given: Mapping[str, object]) -> Sequence[object] | Mapping[str, object]:
        values = {**self.values, **given}
        if not self.is_positional:
            return values
        return [
            json.dumps(value) if isinstance(value, list) else value for value in map(values.__getitem__, self.names)
        ]

    def bind_many(self, rows: Iterable[Mapping[str, object]]) -> list[Any]:
        if not self.is_positional:
            return [{**self.values, **row} for row in rows]
        pick = itemgetter(*self.names)
        return [pick({**self.values, **row}) for row in rows]


def execute_plainly(connection: Connection, sql: str) -> None:
    """Run a statement without parameters and without results on the driver's cursor."""
    with _cursor(connection, sql) as cursor:
        cursor.execute(sql)


class Prepared:
    """One statement. Its parameters are named as in SQLAlchemy, by bindparam."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, session: Session, **values: object) -> list[Row]:
        """Run it; what it found."""
        connection = session.connection()
        compiled = self._for(connection)
        with _cursor(connection, compiled.sql) as cursor:
            cursor.execute(compiled.sql, compiled.bind(values))
            found: list[Row] = cursor.fetchall()
            return found

    def first(self, session: Session, **values: object) -> Any:
        """The first value of the first row; None if there is none."""
        found = self.rows(session, **values)
        return found[0][0] if found else None

    def change(self, session: Session, **values: object) -> int:
        """Run it; how many rows it changed."""
        connection = session.connection()
        compiled = self._for(connection)
        with _cursor(connection, compiled.sql) as cursor:
            cursor.execute(compiled.sql, compiled.bind(values))
            return int(cursor.rowcount)

    def change_many(self, session: Session, rows: Sequence[Mapping[str, object]]) -> int:
        """Run it once for each of `rows`; how many rows were changed in all."""
        if not rows:
            return 0
        if len(rows) == 1:  # on PostgreSQL, executemany sends more than one message
            return self.change(session, **rows[0])
        connection = session.connection()
        compiled = self._for(connection)
        with _cursor(connection, compiled.sql) as cursor:
            cursor.executemany(compiled.sql, compiled.bind_many(rows))
            return int(cursor.rowcount)

    def _for(self, connection: Connection) -> _Compiled:
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = _Compiled(self._statement, connection.dialect)
        return self._compiled[name]


@contextmanager
def _cursor(connection: Connection, sql: str) -> Iterator[Any]:
    """The driver's cursor, and its errors as SQLAlchemy's, so that storage.database can tell what they mean."""
    driver = connection.connection
    cursor = driver.cursor()
    try:
        yield cursor
    except connection.dialect.loaded_dbapi.Error as error:
        if connection.dialect.is_disconnect(error, driver, cursor):
            connection.invalidate(error)
            connection.engine.dispose()  # the others that wait in the pool are as old
        base = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(sql, None, error, base, hide_parameters=True, dialect=connection.dialect) from error
    finally:
        cursor.close()
