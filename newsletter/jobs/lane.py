"""One edition on its way to the relay: who comes next, the first wave and the rest, the deadline, the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from newsletter.domain.states import EditionState, SkipReason
from newsletter.mail.splicing import Splicer
from newsletter.services import claims, deliveries
from newsletter.services.claims import ArmedDelivery, Arming, HasNews
from newsletter.services.runs import Scope
from newsletter.services.shards import LAST
from newsletter.storage.tables import Edition

ROUNDS: Final = 10  #: looks for readers in one tick: where nearly all have to wait, a tick must end all the same


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an edition says of its sending, as of a second."""

    deadline_at: datetime | None
    first_wave: int | None
    rest_at: datetime | None
    second: int


class Lane:
    """The readers of one edition, in the order of subscribers, as far as they are in the sender's scope."""

    def __init__(self, edition_id: int, scope: Scope, canary_wait: timedelta) -> None:
        self.is_alone = False  #: what was armed last may bring down the sender, and goes alone
        self._edition_id = edition_id
        self._scope = scope
        self._canary_wait = canary_wait
        self._position = scope.first - 1  # nobody up to here waits, but for a time of their own
        self._due_second = 0  # in which nobody is left whose time has come
        self._facts: _Facts | None = None
        self._touched = 0  # rows that were looked at in this tick, and are locked
        self._is_too_late = False  # the deadline has passed, and who was waiting was skipped

    def comes_back(self, subscriber_id: int) -> None:
        """A reader behind whom we are waits again."""
        self._position = min(self._position, subscriber_id - 1)
        self._is_too_late = False

    def arm(
        self, session: Session, arming: Arming, splicer: Splicer, *, room: int, is_idle: bool
    ) -> list[ArmedDelivery]:
        """Arm up to `room` readers; note when the first wave is out, and when all is done.

        `is_idle`: nothing is under way.
        """
        facts = self._current(session, arming)
        self.is_alone = False
        self._touched = 0
        if facts.deadline_at is not None and arming.now > facts.deadline_at and not self._is_too_late:
            reason = SkipReason.TOO_LATE
            self._touched += deliveries.skip_the_rest(session, self._edition_id, now=arming.now, reason=reason)
            self._is_too_late = True

        def has_news(follows: Sequence[str]) -> bool:
            return splicer.chosen(follows) != 0

        found = self._arm_due(session, arming, has_news, room, is_idle=is_idle)
        is_through = self._arm_pending(session, arming, has_news, found, room=room, is_idle=is_idle)
        # Whoever cancels has the edition, and waits for its deliveries: a tick that has some must not wait for it.
        if is_through and is_idle and not self._touched:
            self._end(session, facts, arming.now)
        return found

    def _arm_due(
        self, session: Session, arming: Arming, has_news: HasNews, room: int, *, is_idle: bool
    ) -> list[ArmedDelivery]:
        if self._due_second == arming.second:
            return []
        due = claims.arm_due(session, arming, self._edition_id, has_news=has_news, limit=room, is_idle=is_idle)
        if due.seen < room and not due.waits:
            self._due_second = arming.second
        self._touched += due.seen
        self.is_alone = due.is_alone
        return due.deliveries

    def _arm_pending(
        self,
        session: Session,
        arming: Arming,
        has_news: HasNews,
        found: list[ArmedDelivery],
        *,
        room: int,
        is_idle: bool,
    ) -> bool:
        """Add to `found`; whether everybody was looked at."""
        for _ in range(ROUNDS):
            limit = room - len(found)
            if limit <= 0 or self.is_alone:
                return False
            armed = claims.arm_pending(
                session,
                arming,
                self._edition_id,
                between=(self._position, self._last),
                has_news=has_news,
                limit=limit,
                is_idle=is_idle and not found,
            )
            found += armed.deliveries
            self._touched += armed.seen
            self._position = armed.last_id or self._position
            self.is_alone = armed.is_alone
            if armed.waits:
                return False
            if armed.seen < limit:
                return True
        return False

    @property
    def _last(self) -> int:
        wave = self._facts.first_wave if self._facts is not None else None
        return min(self._scope.last, LAST if wave is None else wave)

    def _current(self, session: Session, arming: Arming) -> _Facts:
        """What the edition says now, looked up once a second."""
        if self._facts is None or self._facts.second != arming.second:
            edition = session.get_one(Edition, self._edition_id, populate_existing=True)
            if edition.rest_at is not None and arming.now >= edition.rest_at and edition.first_wave is not None:
                session.refresh(edition, with_for_update=True)
                if edition.state == EditionState.SENDING.value:
                    edition.first_wave, edition.note = None, None
                session.flush()
            self._facts = _Facts(edition.deadline_at, edition.first_wave, edition.rest_at, arming.second)
        return self._facts

    def _end(self, session: Session, facts: _Facts, now: datetime) -> None:
        """Everybody whose turn it is was sent to: the first wave is out, or the edition is sent."""
        edition = session.get_one(Edition, self._edition_id, populate_existing=True)
        if facts.first_wave is None:
            deliveries.finish(session, edition, now=now)
            return
        if facts.rest_at is not None or deliveries.is_wave_under_way(session, self._edition_id, facts.first_wave):
            return
        session.refresh(edition, with_for_update=True)
        if edition.state == EditionState.SENDING.value and edition.rest_at is None:
            edition.rest_at = now + self._canary_wait
            edition.note = (
                f"The first wave is out; the rest follows at {edition.rest_at:%H:%M} UTC unless this is paused."
            )
            session.flush()
        self._facts = None
