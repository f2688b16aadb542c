"""What admins have typed and not saved: kept so that a closed window loses nothing, and so that others see it.

It is no update: it may break every rule, and nobody is shown it but who typed it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.domain.formats.typed import Typed
from newsletter.domain.month import Month
from newsletter.storage.tables import Admin, UnsavedUpdate

#: How long after the last word somebody counts as being at work.
AT_WORK = timedelta(hours=2)
#: After the last word: whoever comes back to a month later than this begins anew.
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A form as somebody left it."""

    typed: Typed
    version: int  #: of the update that it changes; 0: there was none
    typed_at: datetime


@dataclass(frozen=True, slots=True)
class AtWork:
    """Somebody who has typed lately, and not saved."""

    place_code: str
    address: str  #: the admin's
    typed_at: datetime


def keep(session: Session, admin_id: int, place_code: str, month: Month, left: Unsaved) -> None:
    """Keep it in place of what the admin had there before."""
    # Escaped, as PostgreSQL takes no NUL in a text.
    values = {"version": left.version, "typed_at": left.typed_at, "content": json.dumps(left.typed.to_json())}
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(UnsavedUpdate).values(admin_id=admin_id, place_code=place_code, month=str(month), **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=["admin_id", "place_code", "month"], set_=values),
        execution_options={"synchronize_session": False},
    )


def get(session: Session, admin_id: int, place_code: str, month: Month) -> Unsaved | None:
    """What the admin left there."""
    row = session.get(UnsavedUpdate, (admin_id, place_code, str(month)), populate_existing=True)
    return None if row is None else Unsaved(Typed.from_json(json.loads(row.content)), row.version, row.typed_at)


def drop(session: Session, admin_id: int, place_code: str, month: Month) -> None:
    """Forget it: it was saved, or thrown away."""
    session.execute(
        delete(UnsavedUpdate)
        .filter_by(admin_id=admin_id, place_code=place_code, month=str(month))
        .execution_options(synchronize_session=False)
    )


def due(now: datetime) -> Select[int]:
    """What nobody has come back to."""
    return select(UnsavedUpdate.admin_id).where(UnsavedUpdate.typed_at < now - KEPT)


def forget(session: Session, *, now: datetime) -> int:
    """Forget all of it: one row an admin and update, so never many; how many it were."""
    found = session.execute(delete(UnsavedUpdate).where(UnsavedUpdate.typed_at < now - KEPT))
    return found.rowcount if isinstance(found, CursorResult) else 0


def at_work(session: Session, month: Month, *, but: int, now: datetime) -> Sequence[AtWork]:
    """Who else works on the month's updates, without the admin `but`; who typed last comes first."""
    query = (
        select(UnsavedUpdate.place_code, Admin.address, UnsavedUpdate.typed_at)
        .join(Admin, Admin.id == UnsavedUpdate.admin_id)
        .where(UnsavedUpdate.month == str(month), UnsavedUpdate.admin_id != but)
        .where(UnsavedUpdate.typed_at > now - AT_WORK)
        .order_by(UnsavedUpdate.typed_at.desc())
    )
    return [AtWork(*row) for row in session.execute(query)]
