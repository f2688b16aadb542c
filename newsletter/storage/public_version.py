"""Which version of what is public the database holds.

It is asked before each page that is kept, most often for the whole answer. On the driver's own connection that costs a
tenth of what a session takes, and the page that was kept costs little else.
"""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

_SQL = (
    "SELECT (SELECT max(changed_at) FROM country_update), (SELECT max(id) FROM country_update), "
    "(SELECT max(approved_at) FROM edition)"
)


def public_version(engine: Engine) -> str:
    """Another text after each change to updates and to the archive of editions.

    A change may be missed whose transaction was long in coming, as its time then lies before the last one's.
    """
    try:
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(_SQL)
            found = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
    except engine.dialect.loaded_dbapi.Error as error:
        base = engine.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(_SQL, None, error, base, hide_parameters=True, dialect=engine.dialect) from error
    return repr(found)
