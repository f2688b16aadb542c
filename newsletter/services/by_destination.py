"""How far a send is for each destination: where its mail goes well, and where it waits.

To look at a million deliveries would take seconds, and slow down whoever sends: of a large edition a sample is told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from newsletter.delivery.destinations import providers
from newsletter.domain.states import DeliveryState
from newsletter.services.sampling import sample
from newsletter.storage.tables import Delivery, Edition, Subscriber

SAMPLE: Final = 3_000  #: deliveries that are looked at, at most
MOST: Final = 8  #: destinations that are told; the others are added up
OTHERS: Final = "all others"


@dataclass(frozen=True, slots=True)
class Share:
    """One destination's part of an edition."""

    name: str
    deliveries: Mapping[DeliveryState, int]  #: that were looked at

    @property
    def total(self) -> int:
        return sum(self.deliveries.values())

    def percent(self, *states: str) -> int:
        """How much of its deliveries is in these states."""
        number = sum(self.deliveries.get(DeliveryState(state), 0) for state in states)
        return round(number * 100 / self.total) if self.total else 0


@dataclass(frozen=True, slots=True)
class Shares:
    """All destinations, the largest first."""

    of: tuple[Share, ...]
    looked_at: int
    is_sample: bool


def shares(session: Session, edition: Edition, total: int) -> Shares:
    """Look at the `total` deliveries of an edition, or at some of them, by the destination of their reader."""
    rows = _all(session, edition.id) if total <= SAMPLE else _sample(session, edition.id)
    found: defaultdict[str, Counter[DeliveryState]] = defaultdict(Counter)
    for state, address in rows:
        found[providers.destination(address.rpartition("@")[2])][DeliveryState(state)] += 1
    ordered = sorted(found, key=lambda name: (-found[name].total(), name))
    told = [Share(name, found[name]) for name in ordered[:MOST]]
    rest = sum((found[name] for name in ordered[MOST:]), Counter[DeliveryState]())
    told += [Share(OTHERS, rest)] if rest else []
    return Shares(tuple(told), len(rows), total > SAMPLE)


def _query(edition_id: int) -> Select[str, str]:
    return (
        select(Delivery.state, Subscriber.address)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.edition_id == edition_id)
    )


def _all(session: Session, edition_id: int) -> Sequence[Any]:
    return session.execute(_query(edition_id)).all()


def _sample(session: Session, edition_id: int) -> Sequence[Any]:
    """Deliveries at random."""
    ends = select(func.min(Delivery.subscriber_id), func.max(Delivery.subscriber_id))
    first, last = session.execute(ends.where(Delivery.edition_id == edition_id)).one()
    column = Delivery.subscriber_id
    return sample(session, _query(edition_id), column, first=first, last=last, size=SAMPLE, seed=edition_id)
