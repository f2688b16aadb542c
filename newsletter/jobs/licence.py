"""A sender's right to send: its run, which the next one in its scope ends, and the guard against restored backups."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.jobs.witness import WitnessFile, read_all
from newsletter.services import guard, runs
from newsletter.services.guard import Witness
from newsletter.services.runs import Scope
from newsletter.storage.database import Database
from newsletter.storage.home import home

log = logging.getLogger(__name__)

HALTED_SECONDS: Final = 1.0  #: between two looks whether an admin has said so
COUNTED_SECONDS: Final = 0.5  #: between two ticks that are counted, where there is no other sender to be told
RENEWAL_SECONDS: Final = 5.0  #: a sender of several shows that it lives at least so often


class Licence:
    """Begins a run, and counts its ticks in the database and in the witness outside of it."""

    def __init__(self, database: Database, settings: Settings, scope: Scope) -> None:
        self.owner = 0  #: of what is armed
        self.halted: str | None = None  #: why nothing may be sent, until an admin says so
        self._database = database
        self._within = timedelta(hours=settings.resume_within)
        self._instance = settings.instance
        self._scope = scope
        self._witness = WitnessFile(settings.instance, scope)
        self._timeline = ""
        self._ticks = 0
        self._ticked_at = time.monotonic()
        self._counted_at = 0.0  # when a tick was last counted
        self._is_counted = False  # the tick under way is
        self._looked_at = time.monotonic()

    @contextmanager
    def begun(self, *, now: datetime) -> Iterator[None]:
        """A run, from its beginning on."""
        with self._witness:
            with self._database.writing() as session:
                place, witnesses = home(self._database, session), read_all(self._instance)
                self.halted = guard.check(session, home=place, witnesses=witnesses, within=self._within, now=now)
                self._timeline = guard.timeline(session)
                self.owner = runs.begin(session, self._scope, now=now)
            if self.halted:
                log.error("nothing is sent: %s", self.halted)
            yield

    @property
    def is_to_be_renewed(self) -> bool:
        """Whether others might think that this sender is dead: only where there can be others."""
        return self._database.path is None and time.monotonic() - self._ticked_at > RENEWAL_SECONDS

    def tick(self, session: Session, *, now: datetime, is_last: bool = False) -> None:
        """Begin a tick's transaction. Raises SenderRunning when another sender has taken over.

        A lock on a file lasts as long as the process, so on SQLite nobody can take over: a tick is counted now and
        then, for the witness.
        """
        if is_last or self._database.path is None or time.monotonic() - self._counted_at > COUNTED_SECONDS:
            runs.tick(session, self.owner, seen=self._ticks, now=now)
            self._is_counted = True

    def ticked(self, *, now: datetime) -> None:
        """The tick was committed."""
        self._ticked_at = time.monotonic()
        if not self._is_counted:
            return
        self._is_counted = False
        self._counted_at = self._ticked_at
        self._ticks += 1
        if not self.halted:
            self._witness.note(Witness(self._timeline, self.owner, self._ticks, int(now.timestamp())))

    def is_halted(self, session: Session) -> bool:
        """Whether nothing may be sent; looks from time to time whether an admin has said otherwise."""
        if self.halted and time.monotonic() - self._looked_at > HALTED_SECONDS:
            self._looked_at = time.monotonic()
            self.halted = guard.halted(session)
            self._timeline = guard.timeline(session)
        return self.halted is not None
