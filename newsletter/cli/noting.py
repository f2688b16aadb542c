"""What the command line does, in the audit log: see services.audit."""

from __future__ import annotations

import getpass
import os
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.services import audit


def user() -> str:
    """Who types the command, by the name on this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user needs no name
        return f"user {os.getuid()}"


def note(session: Session, act: str, subject: str, detail: str = "", *, now: datetime) -> None:
    """Add an event, in the transaction of what it tells of."""
    words = "; ".join(part for part in (f"by {user()}", detail) if part)
    audit.record(session, audit.COMMAND_LINE, act, subject, words, now=now)
