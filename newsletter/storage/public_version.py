"""Which version of what is public the database holds.

It is asked for pages that are kept, most often for the whole answer. Past SQLAlchemy's session that costs a tenth, and
the page that was kept costs little else.
"""

from __future__ import annotations

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from newsletter.storage.prepared import Prepared

_VERSION = Prepared(
    text(
        "SELECT (SELECT max(changed_at) FROM country_update), (SELECT max(id) FROM country_update), "
        "(SELECT max(approved_at) FROM edition), (SELECT count(approved_at) FROM edition), "
        "(SELECT sum(revision) FROM edition)"
    )
)


def public_version(engine: Engine) -> str:
    """Another text after each change to updates and to the archive of editions.

    A change may be missed whose transaction was long in coming, as its time then lies before the last one's.
    """
    with Session(engine) as session:
        return repr(_VERSION.rows(session))
