"""How far editions are, as the desk shows it, and the one thing to do next."""

from __future__ import annotations

from enum import StrEnum

from flask import current_app

from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.services.progress import Looks, Standing
from newsletter.storage.tables import Edition
from newsletter.web.database import current_session
from newsletter.web.wiring import now

_NAME = "newsletter_looks"


class NextStep(StrEnum):
    """What an edition waits for."""

    APPROVE = "approve"
    SEND = "send"
    WATCH = "watch"
    RESUME = "resume"
    DECIDE = "decide"  #: on the deliveries that are held
    NOTHING = "nothing"


_NEXT = {
    EditionState.DRAFT: NextStep.APPROVE,
    EditionState.APPROVED: NextStep.SEND,
    EditionState.SENDING: NextStep.WATCH,
    EditionState.PAUSED: NextStep.RESUME,
}


def standing(edition: Edition) -> Standing:
    """How far an edition is now."""
    return _looks().at(current_session(), edition, now=now())


def next_step(standing: Standing) -> NextStep:
    """What is to be done about an edition."""
    if standing.state is EditionState.SENT and standing.count.held:
        return NextStep.DECIDE
    return _NEXT.get(standing.state, NextStep.NOTHING)


def forget(month: Month) -> None:
    """After a change of an edition's rows: the next page shows it."""
    _looks().forget(month)


def _looks() -> Looks:
    """The application's, so that a large edition isn't counted for each page."""
    found = current_app.extensions.setdefault(_NAME, Looks())
    if not isinstance(found, Looks):
        raise TypeError(f"another extension has the name {_NAME}")
    return found
