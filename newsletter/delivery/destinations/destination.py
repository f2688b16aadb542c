"""What a sender knows of one destination: a part is kept in the database, the rest lasts as long as the sender."""

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from newsletter.delivery.destinations import learning
from newsletter.delivery.destinations.learning import Taken
from newsletter.delivery.destinations.signals import Signal
from newsletter.delivery.destinations.slots import HORIZON, Slots

PROBE_SECONDS: Final = 120.0  #: for the answer to the one message after a pause; then another one is let through
WATCHED_SECONDS: Final = 300.0  #: how long after its last complaint a destination is watched


@dataclass(frozen=True, slots=True)
class DestinationState:
    """What outlives a sender."""

    name: str  #: a provider's name, or a domain in ASCII
    rate: float | None = None  #: messages a second from all senders; None: no limit was met
    paused_until: int | None = None  #: seconds since 1970; set from the first pause until mail is taken again
    pauses: int = 0  #: in a row
    note: str | None = None  #: why it is paused, for an admin

    @property
    def is_neutral(self) -> bool:
        """Whether there is nothing to be remembered."""
        return self.rate is None and self.paused_until is None


@dataclass(frozen=True, slots=True)
class Pause:
    """The beginning of a time in which nothing is sent to a destination."""

    name: str  #: of the destination
    until: int  #: seconds since 1970


def merged(ours: DestinationState, before: DestinationState, stored: DestinationState) -> DestinationState:
    """Ours, with what others changed in the database between `before` and `stored`."""
    rate = stored.rate if stored.rate != before.rate else ours.rate
    was_paused_by_others = (stored.paused_until, stored.pauses) != (before.paused_until, before.pauses)
    return replace(stored if was_paused_by_others else ours, rate=rate)


class Destination:
    """One destination, for one sender. Times are seconds since 1970."""

    def __init__(self, state: DestinationState, ceiling: float | None, now: float) -> None:
        """`ceiling` is the rate, in messages a second from all senders, that the settings allow; None: any."""
        self.state = state
        self._ceiling = ceiling
        self._stored = state  # what the database has, as far as we know
        self._handed: DestinationState | None = None  # what it will have, if the commit works
        self._replies: deque[Signal] = deque(maxlen=learning.REMEMBERED)
        self._taken = Taken(now)
        self._watched_since = now
        self._complained_at = now
        self._rate_changed_at = -math.inf
        self._is_felt = False  # somebody had to wait for the limit since it last changed
        self._slots: Slots | None = None
        self._probe_until = 0.0
        self._spread = 0

    # What is kept

    @property
    def is_kept(self) -> bool:
        """Whether the database has it all, as far as we know."""
        return self.state == self._stored

    def is_over(self, now: float) -> bool:
        """Whether it can be forgotten."""
        is_quiet = now - self._complained_at > WATCHED_SECONDS
        return is_quiet and self._ceiling is None and self.state.is_neutral and self.is_kept

    def hand_over(self) -> DestinationState | None:
        """What is to be saved; None where all is saved, or was handed over."""
        if self.state in (self._stored, self._handed):
            return None
        self._handed = self.state
        return self.state

    def adopt(self, stored: DestinationState, now: float) -> None:
        """Take in what the database has now: what we handed over, and what others changed."""
        state = merged(self.state, self._stored if stored != self._handed else stored, stored)
        if state.rate != self.state.rate:
            self._rate_changed_at = now
        if state.paused_until is None:
            self._probe_until = 0.0
        self.state, self._stored, self._handed = state, stored, None

    # When mail may go

    def slot(self, now: float, share: int) -> int | None:
        """None for now; else the second to ask again."""
        if self.state.paused_until is not None:
            return self._around_pause(self.state.paused_until, now)
        rate = self._rate
        if rate is None:
            self._slots = None
            return None
        if self._slots is None:
            self._slots = Slots(rate / share, now)
        elif self._slots.rate != rate / share:
            self._slots.change(rate / share, now)
        due = self._slots.take(now)
        self._is_felt |= due is not None
        return due

    @property
    def _rate(self) -> float | None:
        """The limit in force for all senders together."""
        limits = [limit for limit in (self._ceiling, self.state.rate) if limit is not None]
        return min(limits, default=None)

    def _around_pause(self, until: int, now: float) -> int | None:
        """The first goes at the end, alone: its answer shows whether the others may follow."""
        if now >= max(until, self._probe_until):
            self._probe_until = now + PROBE_SECONDS
            return None
        behind, self._spread = self._spread, (self._spread + 1) % HORIZON
        return max(until, math.ceil(self._probe_until)) + behind

    # What replies mean

    def hear(self, signal: Signal, now: float, *, share: int, speed: float) -> Pause | None:
        """Learn from a reply; the pause that it begins, if it does.

        `speed` is in messages a second, to everybody from all senders; 0 if it is not known.
        """
        if self.state.paused_until is not None:
            return self._hear_probe(signal, now) if now >= self.state.paused_until else None
        self._replies.append(signal)
        match signal:
            case Signal.TAKEN:
                self._taken.add(now)
                self._rise(now, share)
            case Signal.BUSY | Signal.TOO_FAST:
                self._complained_at = now
                self._drop(signal, now, share, speed)
            case Signal.DOUBTFUL | Signal.REFUSED:
                self._complained_at = now
                return self._pause(now) if learning.is_refusal(self._replies) else None
        return None

    def describe(self, words: str) -> None:
        """Keep, for an admin, why it is paused."""
        self.state = replace(self.state, note=words)

    def _hear_probe(self, signal: Signal, now: float) -> Pause | None:
        if signal in (Signal.REFUSED, Signal.DOUBTFUL):
            return self._pause(now)
        if signal is Signal.TAKEN:
            self.state = replace(self.state, paused_until=None, pauses=0, note=None)
            self._complained_at = now
        self._probe_until = 0.0  # it showed nothing, or all that there is to know
        return None

    def _pause(self, now: float) -> Pause:
        until = int(now) + learning.pause_seconds(self.state.pauses)
        self.state = replace(self.state, paused_until=until, pauses=self.state.pauses + 1, note=None)
        self._replies.clear()
        self._probe_until, self._spread = 0.0, 0
        return Pause(self.state.name, until)

    def _drop(self, signal: Signal, now: float, share: int, speed: float) -> None:
        if signal is Signal.BUSY and not learning.is_too_busy(self._replies):
            return
        if now - self._rate_changed_at < learning.DROP_SECONDS:
            return
        rate, taken = self._rate, self._taken.rate(now) * share
        if rate is None and (not taken or now - self._watched_since < learning.WATCHED_SECONDS):
            # It can't have been more than went to everybody; if it was less, the next drop is from what was taken.
            taken = speed
        self._replies.clear()
        self._change_rate(learning.dropped(rate, taken, signal), now)

    def _rise(self, now: float, share: int) -> None:
        if self.state.rate is None or now - self._rate_changed_at < learning.RISE_SECONDS:
            return
        is_felt = self._is_felt or (self._slots is not None and self._slots.is_in_use)
        rate = learning.risen(self.state.rate, self._taken.rate(now) * share, is_felt=is_felt)
        is_no_limit = rate is None or (self._ceiling is not None and rate >= self._ceiling)
        self._change_rate(None if is_no_limit else rate, now)

    def _change_rate(self, rate: float | None, now: float) -> None:
        self.state = replace(self.state, rate=rate)
        self._rate_changed_at = now
        self._is_felt = False
