"""When an edition's deliveries were sent, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState
from newsletter.storage.tables import Delivery

_SECONDS: Final = 60
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)  #: minutes that are told as one


@dataclass(frozen=True, slots=True)
class Minute:
    """A span of time in which messages were sent; a minute, unless it is told of several as one."""

    at: int  #: its beginning, in seconds since 1970
    sent: int
    minutes: int = 1  #: how long it is

    @property
    def rate(self) -> float:
        """Messages a minute."""
        return self.sent / self.minutes


def by_minute(session: Session, edition_id: int) -> tuple[Minute, ...]:
    """The minutes in which anything was sent, in their order."""
    minute = Delivery.changed_at // _SECONDS
    query = (
        select(minute, func.count())
        .where(
            Delivery.edition_id == edition_id,
            Delivery.state == DeliveryState.SENT.value,
            Delivery.changed_at.is_not(None),
        )
        .group_by(minute)
        .order_by(minute)
    )
    return tuple(Minute((number or 0) * _SECONDS, sent) for number, sent in session.execute(query))


def seconds(session: Session, edition_id: int) -> int:
    """From the first message that was sent to the last."""
    query = select(func.min(Delivery.changed_at), func.max(Delivery.changed_at)).where(
        Delivery.edition_id == edition_id, Delivery.state == DeliveryState.SENT.value
    )
    first, last = session.execute(query).one()
    return last - first if first is not None and last is not None else 0


def merged(minutes: Sequence[Minute], most: int) -> list[Minute]:
    """The same in at most `most` spans of equal length, the empty ones between them too."""
    if not minutes:
        return []
    whole = (minutes[-1].at - minutes[0].at) // _SECONDS + 1
    step = next((each for each in _STEPS if whole <= each * most), -(-whole // most))
    length = step * _SECONDS
    begin = minutes[0].at - minutes[0].at % length
    found = [0] * ((minutes[-1].at - begin) // length + 1)
    for each in minutes:
        found[(each.at - begin) // length] += each.sent
    return [Minute(begin + number * length, sent, step) for number, sent in enumerate(found)]
