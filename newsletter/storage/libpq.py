"""Statements on one of psycopg's connections, run by libpq itself.

psycopg's cursor makes each statement ready to be awaited, fetched in parts and asked about; that takes a multiple of
the processor's time that libpq takes for it. Values are brought into form and read by psycopg here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from psycopg import Connection as Driver
from psycopg import Error, OperationalError, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

#: Compiles statements with parameters as libpq takes them: $1, $2 and so on.
DIALECT: Dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's

_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)
_PREPARED = "newsletter_prepared"  #: in the information about a connection
_MOST_PREPARED = 300  #: on a connection; one statement is several if its values are of different types

Row = tuple[Any, ...]


def execute(connection: Connection, sql: str, values: Sequence[object]) -> tuple[list[Row], int]:
    """Run a statement with `values` for $1 and so on; what it found, and how many rows it found or changed.

    It is prepared when it is run for the first time on a connection. Raises psycopg.Error.
    """
    driver = _begun(connection)
    transformer = Transformer(driver)
    result = _check(driver.pgconn, driver.pgconn.exec_prepared(*_ready(connection, driver, transformer, sql, values)))
    found: list[Row] = []
    if result.ntuples:
        transformer.set_pgresult(result)
        found = transformer.load_rows(0, result.ntuples, tuple)
    return found, result.command_tuples or 0


def execute_together(connection: Connection, statements: Sequence[tuple[str, Sequence[object]]]) -> None:
    """Run statements, each as `execute` does, in one message (libpq's pipeline). Raises psycopg.Error for the first
    that fails; those after it are not run."""
    driver = _begun(connection)
    # Before the pipeline, as a statement is prepared in a message of its own.
    ready = [_ready(connection, driver, Transformer(driver), sql, values) for sql, values in statements]
    driver.pgconn.enter_pipeline_mode()
    try:
        for each in ready:
            driver.pgconn.send_query_prepared(*each)
        driver.pgconn.pipeline_sync()
        _check_all(driver.pgconn)
    finally:
        driver.pgconn.exit_pipeline_mode()


def _check_all(driver: pq.abc.PGconn) -> None:
    """Read the results of a pipeline up to its end; raise the first error."""
    errors: list[Error] = []
    result = None
    while result is None or result.status != pq.ExecStatus.PIPELINE_SYNC:
        result = driver.get_result()  # None after each statement's
        if driver.status == pq.ConnStatus.BAD:
            raise OperationalError(driver.get_error_message())
        if result is not None and result.status == pq.ExecStatus.FATAL_ERROR:
            errors.append(error_from_result(result))
    if errors:
        raise errors[0]


def _ready(
    connection: Connection, driver: Driver[Any], transformer: Any, sql: str, values: Sequence[object]
) -> tuple[bytes, Any, Any]:
    """The name of a prepared statement, and its values and their formats for libpq."""
    given = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
    return _prepare(connection, driver.pgconn, sql, transformer.types or ()), given, transformer.formats


def execute_plainly(connection: Connection, sql: str) -> None:
    """Run a statement without parameters and without results. Raises psycopg.Error."""
    driver = _begun(connection).pgconn
    _check(driver, driver.exec_(sql.encode()))


def _begun(connection: Connection) -> Driver[Any]:
    """psycopg's own connection, in a transaction: its cursor would begin one too."""
    driver = cast("Driver[Any]", connection.connection.driver_connection)
    if driver.pgconn.transaction_status == pq.TransactionStatus.IDLE and not driver.autocommit:
        level = driver.isolation_level
        begin = "BEGIN" if level is None else f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}"
        _check(driver.pgconn, driver.pgconn.exec_(begin.encode()))
        if len(_names(connection)) >= _MOST_PREPARED:
            _check(driver.pgconn, driver.pgconn.exec_(b"DEALLOCATE ALL"))
            _names(connection).clear()
    return driver


def _names(connection: Connection) -> dict[tuple[str, Sequence[int]], bytes]:
    """What is prepared on a connection, by text and types."""
    names: dict[tuple[str, Sequence[int]], bytes] = connection.info.setdefault(_PREPARED, {})
    return names


def _prepare(connection: Connection, driver: pq.abc.PGconn, sql: str, types: Sequence[int]) -> bytes:
    """The name of a prepared statement."""
    names = _names(connection)
    name = names.get((sql, types))
    if name is None:
        name = b"newsletter_%d" % len(names)
        _check(driver, driver.prepare(name, sql.encode(), types))
        names[sql, types] = name
    return name


def _check(driver: pq.abc.PGconn, result: PGresult) -> PGresult:
    if result.status in _DONE:
        return result
    if driver.status == pq.ConnStatus.BAD:  # libpq made the result up, and gives it no SQLSTATE
        raise OperationalError(result.get_error_message())
    raise error_from_result(result)
