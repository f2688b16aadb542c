"""The ledger of consent: who agreed to what, when, from where, by which words. Rows are only ever added."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from newsletter.storage import signup_queries
from newsletter.storage.prepared import Bound

#: Characters of the column that says by which form or file it came.
LONGEST_SOURCE = 200


class ConsentAct(StrEnum):
    """What a subscriber did."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    ENDED = "ended"
    RESTORED = "restored"  #: took back that they had left
    PAUSED = "paused"
    RESUMED = "resumed"
    ADDRESS_ASKED = "address_asked"  #: for mail to another address
    ADDRESS_CHANGED = "address_changed"  #: the owner of the other address confirmed it


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an act of a subscriber came from."""

    source: str  #: the form, such as /subscribe, or the file
    text: str  #: the words that were shown beside the button
    ip: str | None = None


def record(session: Session, subscriber_id: int, act: ConsentAct, origin: Origin, *, now: datetime) -> None:
    """Add a row to the ledger."""
    statement, values = recording(session, subscriber_id, act, origin, now=now)
    statement.change(session, **values)


def recording(session: Session, subscriber_id: int, act: ConsentAct, origin: Origin, *, now: datetime) -> Bound:
    """What adds a row to the ledger."""
    return signup_queries.RECORD, {
        "subscriber_id": subscriber_id,
        "now": signup_queries.moment(session, now),
        "act": act.value,
        "source": origin.source[:LONGEST_SOURCE],
        "ip": origin.ip,
        "text": origin.text,
        "text_sha256": hashlib.sha256(origin.text.encode()).hexdigest(),
    }
