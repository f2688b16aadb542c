"""How fast digests go out: the rate of all senders, what destinations take, quiet hours, a new domain's warm-up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.config.settings import Switch
from newsletter.delivery.destinations.advice import advise
from newsletter.delivery.destinations.mx import MxLookup
from newsletter.delivery.destinations.pacer import Pacer
from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.jobs.dispatch import Dispatch
from newsletter.services import consequences, destinations, runs
from newsletter.services.claims import Claim, Slot
from newsletter.storage.tables import Edition

WAITS: Final = "Waits for "  #: begins what an edition's note says while none of its digests may go out


class Pace:
    """One sender's share in what may be sent."""

    def __init__(self, settings: Settings, dispatch: Dispatch) -> None:
        self._settings = settings
        self._dispatch = dispatch
        lookup = MxLookup() if settings.mx_lookup is Switch.ON else None
        self._pacer = Pacer(fixed=settings.destination_rates, lookup=lookup)
        self._refreshed = 0  # the second in which others were looked at
        self._sent = 0  # messages, not counted in the day yet
        self._sent_today = 0
        self._counted = 0  # messages since the last refresh, for the speed
        self._said: str | None = ""  # what the editions' notes say of waiting; at first, who knows

    def slot(self, now: datetime) -> Slot | None:
        """Asks when mail may go to a domain; None where it may go anywhere."""
        if self._pacer.is_free:
            return None
        return lambda domain: self._pacer.slot(domain, now.timestamp())

    def learn(self, session: Session, told: Sequence[tuple[Claim, Outcome]], *, now: datetime) -> None:
        """Take in what came back. It comes first in a tick: what is known by now holds for all that is armed in it."""
        self._refresh(session, now)
        sent = sum(outcome.verdict is Verdict.SENT for _, outcome in told)
        self._sent += sent
        self._counted += sent
        if self._pacer.is_free:
            told = [each for each in told if each[1].verdict is not Verdict.SENT]
        if told:
            consequences.learn(session, told, lambda domain, outcome: self._teach(domain, outcome, now))

    def _teach(self, domain: str, outcome: Outcome, now: datetime) -> str | None:
        pause = self._pacer.learn(domain, outcome.verdict, outcome.reply, now.timestamp())
        if pause is None or outcome.reply is None:
            return None
        until = datetime.fromtimestamp(pause.until, self._settings.zone)
        words = (
            f"{pause.name} refuses this sender: {consequences.told(outcome.reply)}. {advise(outcome.reply)} Only its "
            f"readers wait, until {until:%H:%M} or 'newsletter destination resume {pause.name}'."
        )
        self._pacer.describe(pause.name, words)
        return words

    def room(self, session: Session, sending: Iterable[int], *, now: datetime) -> int:
        """How many digests may be armed now; where none may, the editions say until when."""
        local = now.astimezone(self._settings.zone)
        quiet = self._settings.quiet_hours
        over_at = quiet.over_at(local) if quiet is not None else None
        warm_up = self._settings.warm_up
        limit = warm_up.limit(local.date()) if warm_up is not None else None
        left = math.inf if limit is None else limit - self._sent_today - self._sent
        words = None
        if over_at is not None:
            words = f"{WAITS}the end of the quiet hours, at {over_at:%H:%M}."
        elif left <= 0:
            words = f"{WAITS}tomorrow: {limit:,} messages a day is what the warm-up allows so far."
        self._say(session, sending, words)
        under_way = self._dispatch.waiting + self._dispatch.in_flight
        return 0 if words is not None else int(min(max(0, left - under_way), 2**31))

    def save(self, session: Session, *, now: datetime) -> None:
        """Keep what was learnt and counted, in the tick's transaction."""
        changes = self._pacer.take_changes()
        if changes:
            destinations.save(session, changes, now=now)
        if self._sent and self._settings.warm_up is not None:
            destinations.add_sent(session, now.astimezone(self._settings.zone).date(), self._sent)
            self._sent_today += self._sent
        self._sent = 0

    def _refresh(self, session: Session, now: datetime) -> None:
        """Once a second: what other senders learnt, and how many they are."""
        second = int(now.timestamp())
        if second == self._refreshed:
            return
        if self._counted:
            self._pacer.speed = self._counted / max(1, second - self._refreshed) * self._pacer.share
        self._refreshed, self._counted = second, 0
        self._pacer.refresh(destinations.load(session))
        share = runs.at_work(session, now=now)
        self._pacer.share = share
        if self._settings.rate:
            self._dispatch.rate = self._settings.rate / share
        if self._settings.warm_up is not None:
            self._sent_today = destinations.sent_on(session, now.astimezone(self._settings.zone).date())

    def _say(self, session: Session, sending: Iterable[int], words: str | None) -> None:
        if words == self._said:
            return
        self._said = words
        for edition_id in sending:
            edition = session.get_one(Edition, edition_id, with_for_update=True)
            if words is not None or (edition.note or "").startswith(WAITS):
                edition.note = words
        session.flush()
