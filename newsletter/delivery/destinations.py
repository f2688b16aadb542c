"""Where mail ends up, and how much may go there now.

A destination is a large provider, known by its domains or its MX records, or else a domain of its own. One that asks
for less speed gets a rate, which is halved when it asks again and grows slowly while it takes all; one that refuses us
gets nothing for an hour or more, and then one message as a probe. Whoever has to wait gets a time: the slots of a
destination are as far apart as its rate says.

Approximate on purpose: slots reach HORIZON_SECONDS ahead, and are not moved when the rate changes. Who comes up too
early gets another one; who comes up late has lost some minutes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from newsletter.delivery import advice, learning
from newsletter.delivery.mx import MxLookup
from newsletter.delivery.outcome import Verdict
from newsletter.delivery.reply import Reply

HORIZON_SECONDS: Final = 900
WATCH_SECONDS: Final = 600.0  #: how long a destination is watched after a refusal that may be about one reader
REMEMBERED: Final = 20  #: replies, of which REFUSALS pause a destination
REFUSALS: Final = 3
FIRST_SPEED: Final = 10.0  #: messages a second, where nobody knows how fast mail went

_GOLDEN: Final = 0.6180339887  #: its multiples fill an interval evenly

PROVIDERS: Final = {
    "gmail": ("gmail.com", "googlemail.com"),
    "outlook": ("outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.co.uk", "hotmail.fr", "outlook.fr"),
    "yahoo": ("yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de"),
    "icloud": ("icloud.com", "me.com", "mac.com"),
    "gmx": ("gmx.net", "gmx.de", "gmx.com", "gmx.at", "gmx.ch", "web.de"),
    "mail.ru": ("mail.ru", "bk.ru", "inbox.ru", "list.ru"),
}
_BY_DOMAIN: Final = {domain: provider for provider, domains in PROVIDERS.items() for domain in domains}


class Pause(NamedTuple):
    """A destination gets nothing for a while."""

    name: str
    until: int  #: seconds since 1970


@dataclass(frozen=True, slots=True)
class DestinationState:
    """What is kept of a destination."""

    name: str
    rate: float | None = None  #: messages a second that all senders together may send there; None: no limit was met
    paused_until: int | None = None  #: seconds since 1970; also while probes go out after it
    pauses: int = 0  #: in a row
    note: str | None = None


@dataclass(slots=True)
class _Destination:
    """A destination that is treated differently, as one sender sees it."""

    state: DestinationState
    fixed: float | None = None
    free_at: float = 0.0  # when the next message may go
    slot_at: float = 0.0  # the next slot that nobody has
    spread: float = 0.0
    lowered_at: float = -math.inf
    raised_at: float = -math.inf
    watched_until: float = -math.inf
    refusals: deque[bool] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def rate(self) -> float | None:
        """Messages a second, of all senders."""
        rates = [each for each in (self.state.rate, self.fixed) if each is not None]
        return min(rates) if rates else None

    def matters(self, now: float) -> bool:
        """Whether its mail is treated differently, or its replies are counted."""
        return self.rate is not None or self.state.paused_until is not None or now < self.watched_until


class Pacer:
    """Says for each message whether it may go now. One a sender; times are seconds since 1970."""

    def __init__(
        self,
        *,
        fixed: Iterable[tuple[str, float]] = (),
        known: Iterable[DestinationState] = (),
        lookup: MxLookup | None = None,
    ) -> None:
        """`fixed` are limits that were set, `known` what was learnt before."""
        self.share = 1  #: how many senders share the rates
        self.speed = FIRST_SPEED  #: messages a second of all senders, to all destinations, as of late
        self._lookup = lookup
        self._all: dict[str, _Destination] = {}
        self._changed: set[str] = set()
        self._seen: dict[str, DestinationState] = {}  # as others have kept it
        for name, rate in fixed:
            self._named(group(name)).fixed = rate
        self.refresh(known)

    @property
    def is_free(self) -> bool:
        """Whether mail may go anywhere at once, and nobody's replies are counted."""
        return not self._all

    def slot(self, domain: str, now: float) -> int | None:
        """None if a message may go to this domain now, which is counted; else the second at which to ask again."""
        found = self._find(domain)
        if found is None:
            return None
        until = found.state.paused_until
        if until is not None and now < until:
            return self._wait(found, until, learning.PROBE_SECONDS)
        rate = found.rate
        if until is None and rate is None:
            return None
        interval = learning.PROBE_SECONDS if until is not None or rate is None else self.share / rate
        if now < found.free_at:
            return self._wait(found, max(now, found.free_at), interval)
        # Slots are whole seconds, so what may go in one second comes up at once.
        found.free_at = max(found.free_at, now - 1.0 if interval < 1.0 else now) + interval
        return None

    def learn(self, domain: str, verdict: Verdict, reply: Reply | None, now: float) -> Pause | None:
        """Take in what a domain's server said; a pause if it gets nothing from now on."""
        self._forget(now)
        if verdict is Verdict.SENT:
            self._accept(domain, now)
        elif verdict is Verdict.LATER and reply is not None and learning.is_too_fast(reply):
            self._slow_down(domain, now)
        elif verdict is Verdict.REFUSED and reply is not None:
            return self._refuse(domain, reply, now)
        return None

    def describe(self, name: str, note: str) -> None:
        """Keep the words for an admin with a destination."""
        found = self._named(name)
        self._keep(found, replace(found.state, note=note))

    def take_changes(self) -> list[DestinationState]:
        """What changed since the last call, to be kept."""
        changes = [self._all[name].state for name in sorted(self._changed) if name in self._all]
        self._seen |= {state.name: state for state in changes}
        self._changed.clear()
        return changes

    def refresh(self, states: Iterable[DestinationState]) -> None:
        """Take over what other senders have learnt since, and what an admin has decided."""
        for state in states:
            if self._seen.get(state.name) != state and state.name not in self._changed:
                self._seen[state.name] = state
                self._named(state.name).state = state
        self._all = {name: each for name, each in self._all.items() if each.matters(0.0) or each.watched_until > 0}

    def _find(self, domain: str) -> _Destination | None:
        return self._all.get(group(domain, self._lookup))

    def _named(self, name: str) -> _Destination:
        if name not in self._all:
            self._all[name] = _Destination(self._seen.get(name) or DestinationState(name))
        return self._all[name]

    def _forget(self, now: float) -> None:
        """Destinations that are treated like all others again."""
        if any(not each.matters(now) for each in self._all.values()):
            kept = {name: each for name, each in self._all.items() if each.matters(now) or name in self._changed}
            self._all = kept

    def _keep(self, found: _Destination, state: DestinationState) -> None:
        found.state = state
        self._changed.add(state.name)

    def _wait(self, found: _Destination, since: float, interval: float) -> int:
        """The next free slot from `since` on; behind the horizon, somewhere within as much time again."""
        found.slot_at = max(found.slot_at, since)
        if found.slot_at - since <= HORIZON_SECONDS:
            slot = found.slot_at
            found.slot_at += interval
            return math.ceil(slot)
        found.spread = (found.spread + _GOLDEN) % 1.0
        return math.ceil(since + HORIZON_SECONDS * (1 + found.spread))

    def _accept(self, domain: str, now: float) -> None:
        found = self._find(domain)
        if found is None:
            return
        found.refusals.append(False)
        if found.state.paused_until is not None and now >= found.state.paused_until:
            self._keep(found, replace(found.state, paused_until=None, pauses=0, note=None))
            found.watched_until = now + WATCH_SECONDS
        rate = found.state.rate
        if rate is not None and now - max(found.lowered_at, found.raised_at) >= learning.RAISE_SECONDS:
            # After a restart nothing is known of before: the first word of acceptance begins the minute.
            if found.raised_at > -math.inf or found.lowered_at > -math.inf:
                self._keep(found, replace(found.state, rate=learning.raised(rate)))
            found.raised_at = now

    def _slow_down(self, domain: str, now: float) -> None:
        found = self._named(group(domain, self._lookup))
        if now - found.lowered_at < learning.DECREASE_SECONDS:
            return
        found.lowered_at = now
        rate = found.state.rate if found.state.rate is not None else min(self.speed, found.fixed or math.inf)
        self._keep(found, replace(found.state, rate=learning.lowered(rate)))

    def _refuse(self, domain: str, reply: Reply, now: float) -> Pause | None:
        found = self._named(group(domain, self._lookup))
        found.watched_until = now + WATCH_SECONDS
        found.refusals.append(True)
        until = found.state.paused_until
        if until is not None and now < until:
            return None  # of what was under way when the pause began
        if not (advice.is_about_us(reply) or until is not None or sum(found.refusals) >= REFUSALS):
            return None
        until = int(now) + learning.pause_seconds(found.state.pauses)
        self._keep(found, replace(found.state, paused_until=until, pauses=found.state.pauses + 1))
        found.refusals.clear()
        found.slot_at = found.free_at = 0.0
        return Pause(found.state.name, until)


def group(domain: str, lookup: MxLookup | None = None) -> str:
    """The destination of a domain: the provider that is known to take its mail, or the domain itself."""
    domain = domain.lower()
    found = _BY_DOMAIN.get(domain)
    if found is None and lookup is not None:
        found = lookup.provider(domain)
    return found or domain
