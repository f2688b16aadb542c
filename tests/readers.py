"""A database with readers and an edition, for tests that send."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from newsletter.cli.updates import sample_readings
from newsletter.config import Settings
from newsletter.domain import subject as subjects_
from newsletter.domain.month import Month
from newsletter.domain.states import DeliveryState
from newsletter.jobs.sender import utc_now
from newsletter.services import deliveries, editions, editorial
from newsletter.storage.database import Database
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Delivery, Subscriber

MONTH = Month(2022, 11)


def add_readers(database: Database, count: int, *, now: datetime, follows: Sequence[str] | None = None) -> None:
    """Active subscribers with ids from 1 and addresses reader1@example.org and so on.

    What they follow is drawn from the sample's places, the same for the same count, unless it is given.
    """
    dice = random.Random(count)
    codes = sorted({reading.update.place for reading in sample_readings()})
    rows = [
        {
            "address": f"reader{number}@example.org",
            "address_key": f"reader{number}@example.org",
            "state": "active",
            "language": "en",
            "follows": subjects_.join(follows or subjects_.parse(dice.sample(codes, 3), gazetteer())),
            "created_at": now,
            "confirmed_at": now,
        }
        for number in range(1, count + 1)
    ]
    with database.writing() as session:
        session.execute(insert(Subscriber), rows)


def approve_sample(database: Database, settings: Settings, *, now: datetime, start: bool = True) -> int:
    """The sample month's edition, approved and, with `start`, being sent; its id."""
    with database.writing() as session:
        for reading in sample_readings():
            editorial.store(session, reading.update, now=now)
        editions.ensure(session, MONTH, now=now)
        edition = editions.approve(session, MONTH, settings.publication, by="a test", now=now)
        if start:
            deliveries.start(session, MONTH, by="a test", now=utc_now())  # whose sender lives in real time
        return edition.id


def count_states(session: Session, edition_id: int) -> dict[DeliveryState, int]:
    """How many deliveries are in each state, counted from the rows."""
    query = select(Delivery.state, func.count()).where(Delivery.edition_id == edition_id).group_by(Delivery.state)
    found: dict[str, int] = dict(session.execute(query).all())
    return {state: found.get(state.value, 0) for state in DeliveryState}


def count_flagged(session: Session, edition_id: int) -> int:
    """How many readers may have got a second copy, because an outcome was never known."""
    query = select(func.count()).where(Delivery.edition_id == edition_id, Delivery.flagged)
    return session.scalar(query) or 0
