"""An edition in shards, on PostgreSQL: ranges of readers, each sent by one worker at a time.

They are cut when the edition starts. Which of them have anything to do, the deliveries alone tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Integer, and_, cast, func, insert, literal, or_, select, union
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState, EditionState
from newsletter.storage import job_queue
from newsletter.storage.job_queue import Job
from newsletter.storage.tables import Delivery, Edition, Shard

READERS: Final = 5_000  #: of a shard: some seconds' work for a worker
MOST: Final = 64  #: of an edition; with more readers they grow

SEND_SHARD: Final = "send_shard"  #: the task

LAST: Final = 2**31 - 1  #: no subscriber's id is above it

_NOT_SETTLED = (DeliveryState.PENDING.value, DeliveryState.ARMED.value)


def job(shard: Shard) -> Job:
    """What sends a shard."""
    args = {"edition_id": shard.edition_id, "first": shard.first_id, "last": shard.last_id}
    return Job(SEND_SHARD, job_queue.DIGESTS, args)


def hand_out(session: Session, edition_id: int) -> None:
    """Have workers send an edition, and cut it into shards unless it was; does nothing on SQLite."""
    if not job_queue.is_here(session):
        return
    found = of(session, edition_id) or cut(session, edition_id)
    job_queue.defer(session, *map(job, found))


def cut(session: Session, edition_id: int, *, readers: int = READERS, most: int = MOST) -> list[Shard]:
    """Cut an edition's planned deliveries into shards of at most `readers`, unless that would be more than `most`.

    Every number that a subscriber can have is in exactly one of them. It is one statement, however many they are.
    """
    planned = select(Delivery.subscriber_id).where(Delivery.edition_id == edition_id)
    count = select(func.count()).select_from(planned.subquery()).scalar_subquery()
    wanted = func.least(most, func.greatest(1, (count + readers - 1) // readers))
    tile = func.ntile(cast(wanted, Integer)).over(order_by=Delivery.subscriber_id)
    tiles = planned.add_columns(tile.label("tile")).subquery()
    begins = func.min(tiles.c.subscriber_id).label("first")
    later = select(begins).where(tiles.c.tile > 1).group_by(tiles.c.tile)
    firsts = union(select(literal(0).label("first")), later).subquery()
    before_next = func.lead(firsts.c.first).over(order_by=firsts.c.first) - 1
    rows = select(literal(edition_id), firsts.c.first, func.coalesce(before_next, LAST))
    made = insert(Shard).from_select(["edition_id", "first_id", "last_id"], rows).returning(Shard)
    return sorted(session.scalars(made), key=lambda shard: shard.first_id)


def of(session: Session, edition_id: int) -> Sequence[Shard]:
    """An edition's shards, in the order of readers."""
    return session.scalars(select(Shard).where(Shard.edition_id == edition_id).order_by(Shard.first_id)).all()


def with_work(session: Session, edition_id: int, *, now: datetime, first: int | None = None) -> set[int]:
    """The shards in which somebody is to be sent to now, or was armed by a sender that is gone, by their first reader.

    `first` asks of one shard alone. Where no time is given, it looks through deliveries until it finds one.
    """
    of_shard = (
        Delivery.edition_id == Shard.edition_id,
        Delivery.subscriber_id >= Shard.first_id,
        Delivery.subscriber_id <= Shard.last_id,
    )
    is_due = select(Delivery.subscriber_id).where(*of_shard, Delivery.due_at <= int(now.timestamp()))
    in_turn = or_(Edition.first_wave.is_(None), Delivery.subscriber_id <= Edition.first_wave)
    waits = and_(Delivery.state.in_(_NOT_SETTLED), Delivery.due_at.is_(None), in_turn)
    query = (
        select(Shard.first_id)
        .join(Edition, Edition.id == Shard.edition_id)
        .where(Shard.edition_id == edition_id, Edition.state == EditionState.SENDING.value)
        .where(or_(is_due.exists(), select(Delivery.subscriber_id).where(*of_shard, waits).exists()))
    )
    return set(session.scalars(query if first is None else query.where(Shard.first_id == first)))
