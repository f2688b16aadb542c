"""Which version of what is public the database holds.

It is asked before each page that is kept, most often for the whole answer. On the driver's own connection that costs a
tenth of what a session takes, and the page that was kept costs little else.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

_SQL = (
    "SELECT (SELECT max(changed_at) FROM country_update), (SELECT max(id) FROM country_update), "
    "(SELECT max(approved_at) FROM edition), (SELECT count(approved_at) FROM edition), "
    "(SELECT sum(revision) FROM edition)"
)


def public_version(engine: Engine) -> str:
    """Another text after each change to updates and to the archive of editions.

    A change may be missed whose transaction was long in coming, as its time then lies before the last one's.
    """
    try:
        connection = engine.raw_connection()
        try:
            found = _ask(connection, engine.dialect)
        finally:
            connection.close()
    except engine.dialect.loaded_dbapi.Error as error:
        base = engine.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(_SQL, None, error, base, hide_parameters=True, dialect=engine.dialect) from error
    return repr(found)


def _ask(connection: PoolProxiedConnection, dialect: Dialect) -> object:
    if dialect.name == "postgresql":
        return _ask_plainly(connection.driver_connection, dialect.loaded_dbapi)
    cursor = connection.cursor()
    cursor.execute(_SQL)
    found = cursor.fetchone()
    cursor.close()
    return found


def _ask_plainly(driver: Any, psycopg: Any) -> object:
    """By libpq itself: psycopg would put a transaction around it, and that takes two more messages."""
    result = driver.pgconn.exec_(_SQL.encode())
    if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise psycopg.OperationalError("PostgreSQL doesn't say which version is public")
    return [result.get_value(0, column) for column in range(result.nfields)]
