"""How far an edition is, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from newsletter.domain.states import OPEN_STATES, DeliveryState, EditionState
from newsletter.services import deliveries
from newsletter.storage.tables import Edition


class NextStep(StrEnum):
    """What an edition waits for."""

    APPROVE = "approve"
    SEND = "send"
    WATCH = "watch"
    RESUME = "resume"
    NOTHING = "nothing"


_NEXT = {
    EditionState.DRAFT: NextStep.APPROVE,
    EditionState.APPROVED: NextStep.SEND,
    EditionState.SENDING: NextStep.WATCH,
    EditionState.PAUSED: NextStep.RESUME,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """An edition's deliveries, counted."""

    state: EditionState
    counts: dict[DeliveryState, int]

    @classmethod
    def of(cls, session: Session, edition: Edition) -> Progress:
        """Count the rows; an edition that was never sent has none."""
        planned = edition.send_started_at is not None
        counts = deliveries.counts(session, edition.id) if planned else dict.fromkeys(DeliveryState, 0)
        return cls(EditionState(edition.state), counts)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def sent(self) -> int:
        return self.counts[DeliveryState.SENT]

    @property
    def left(self) -> int:
        """Still to be sent, now or later."""
        return sum(self.counts[state] for state in OPEN_STATES)

    @property
    def done(self) -> int:
        return self.total - self.left

    @property
    def percent(self) -> int:
        """Of all deliveries; never 100 while one is left."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def next_step(self) -> NextStep:
        return _NEXT.get(self.state, NextStep.NOTHING)
