"""Mail that a catcher has taken in: what the demo's relay hands to its inbox page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One message as it came over SMTP."""

    number: int  #: counted from 1 in the order of arrival
    received_at: datetime
    mail_from: str  #: the envelope's sender
    rcpt_to: tuple[str, ...]  #: the envelope's recipients
    data: bytes  #: header and body, as after DATA, without the dots


class Inbox(Protocol):
    """Whatever keeps caught mail."""

    def messages(self) -> Sequence[CaughtMail]:
        """All of it, in the order of arrival: the newest is the last."""
