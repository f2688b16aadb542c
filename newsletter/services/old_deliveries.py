"""Deliveries of editions that are long over: their rows are forgotten, how many ended in each state is kept.

Why some were skipped, and who may have got two copies, is forgotten with the rows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, delete, exists, func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState, EditionState
from newsletter.storage.tables import Delivery, Edition, EditionTotal

KEPT: Final = timedelta(days=365)  #: from the end of their edition

ENDED: Final = (EditionState.SENT.value, EditionState.CANCELLED.value)
_FINAL: Final = (DeliveryState.SENT.value, DeliveryState.FAILED.value, DeliveryState.SKIPPED.value)


def due(now: datetime) -> Select[int]:
    """The readers of the rows."""
    return select(Delivery.subscriber_id).join(Edition, Edition.id == Delivery.edition_id).where(_is_over(now))


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Count up to `most` rows of one edition into its totals, and delete them; how many it were."""
    has_rows = exists().where(Delivery.edition_id == Edition.id)
    # Locked, so that two processes never count the same rows.
    edition_id = session.scalar(
        select(Edition.id).where(_is_over(now), has_rows).order_by(Edition.month).limit(1).with_for_update()
    )
    of_edition = Delivery.edition_id == edition_id
    ids = session.scalars(
        select(Delivery.subscriber_id).where(of_edition).order_by(Delivery.subscriber_id).limit(most)
    ).all()
    if edition_id is None or not ids:
        return 0
    these = of_edition & (Delivery.subscriber_id <= ids[-1])
    states = select(Delivery.state, func.count()).where(these).group_by(Delivery.state)
    for state, number in session.execute(states).all():
        _add(session, edition_id, state, number)
    session.execute(delete(Delivery).where(these))
    return len(ids)


def _add(session: Session, edition_id: int, state: str, number: int) -> None:
    # What is held for a year was given up, whether an admin has said so or not.
    final = state if state in _FINAL else DeliveryState.FAILED.value
    total = session.get(EditionTotal, (edition_id, final), populate_existing=True)
    if total is None:
        total = EditionTotal(edition_id=edition_id, state=final, count=0)
        session.add(total)
    total.count += number
    session.flush()


def _is_over(now: datetime) -> ColumnElement[bool]:
    return Edition.state.in_(ENDED) & (Edition.ended_at < now - KEPT)
