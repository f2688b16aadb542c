"""An edition on its way in shards that are small enough for a test."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, text

from newsletter.config import Settings
from newsletter.services import shards
from newsletter.storage.database import Database
from newsletter.storage.tables import Shard
from tests.readers import approve_sample


def start_in_shards(database: Database, settings: Settings, *, now: datetime, readers: int) -> int:
    """Start the sample month's edition in shards of so many readers, each with its job; its id."""
    edition_id = approve_sample(database, settings, now=now)
    cut_anew(database, edition_id, readers=readers)
    return edition_id


def cut_anew(database: Database, edition_id: int, *, readers: int) -> None:
    """Cut an edition that was started into shards of so many readers, each with its job."""
    with database.writing() as session:
        session.execute(delete(Shard))
        session.execute(text("DELETE FROM procrastinate.procrastinate_jobs"))
        shards.cut(session, edition_id, readers=readers)
        shards.hand_out(session, edition_id)
