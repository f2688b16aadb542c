"""Pacing by destination: when mail may go to a domain, and what its replies teach.

    pacer = Pacer(fixed=(("gmail", 20.0),), known=states, lookup=MxLookup())
    pacer.slot("example.org", now)    None: go now, and a token was taken; else the second to ask again
    pacer.learn("example.org", outcome.verdict, outcome.reply, now)    a Pause when one begins
    pacer.take_changes()              what is to be saved, in the transaction of the tick
    pacer.refresh(states)             what the database has: what we saved, and what others did

One a sender, in memory. Senders share each rate evenly, learn each for themselves, and hear of each other within a
second or so. After a pause each of them lets one message through.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from newsletter.delivery.destinations import providers, signals
from newsletter.delivery.destinations.destination import Destination, DestinationState, Pause
from newsletter.delivery.destinations.providers import ascii_domain
from newsletter.delivery.destinations.signals import Signal
from newsletter.delivery.outcome import Verdict
from newsletter.delivery.reply import Reply

MOST_NAMES: Final = 100_000  #: domains whose destination is kept in mind; then all are looked up again
TIDY_SECONDS: Final = 30.0  #: between two looks for destinations that can be forgotten

_COMPLAINTS: Final = (Signal.BUSY, Signal.TOO_FAST, Signal.DOUBTFUL, Signal.REFUSED)


class Lookup(Protocol):
    """Knows where a domain's mail goes, sooner or later; see delivery.destinations.mx."""

    def host(self, domain: str) -> str | None:
        """The most preferred MX host; "" where there is none; None while it is not known. It never waits."""


class Pacer:
    """All destinations, for one sender. Times are seconds since 1970."""

    def __init__(
        self,
        fixed: Iterable[tuple[str, float]] = (),
        known: Iterable[DestinationState] = (),
        lookup: Lookup | None = None,
    ) -> None:
        """`fixed` are destinations, or domains, with the messages a second that they get at most from all senders.

        Without `lookup`, large providers are known by their own domains alone.
        """
        self.share = 1  #: how many senders share every rate
        self.speed = 0.0  #: messages a second to everybody, from all senders; 0 while it is not known
        self._fixed: dict[str, float] = {}
        for name, rate in fixed:
            found = providers.destination(name)
            self._fixed[found] = min(rate, self._fixed.get(found, rate))
        self._lookup = lookup
        self._names: dict[str, str] = {}  # of domains, where it is final
        self._active: dict[str, Destination] = {}  # with a limit, a pause, or a complaint not long ago
        self._changed: set[str] = set()
        self._now = 0.0
        self._tidied_at = 0.0
        self.refresh(known)

    @property
    def is_free(self) -> bool:
        """Whether no destination has any limit or pause, nor complained of late: then nobody need ask for slots.

        Nor need anything be taught then but complaints: mail that was taken counts once a destination is watched.
        """
        return not self._fixed and not self._active

    def slot(self, domain: str, now: float) -> int | None:
        """None if mail may go to the domain now: a token was taken. Else the second at which to ask again."""
        self._see(now)
        name = self.destination(domain)
        found = self._active.get(name)
        if found is None and name in self._fixed:
            found = self._begin(DestinationState(name))
        return found.slot(now, self.share) if found is not None else None

    def learn(self, domain: str, verdict: Verdict, reply: Reply | None, now: float) -> Pause | None:
        """Take in what came back for a message to the domain; the pause that it begins, if it does.

        Only what answers RCPT, DATA or the end of the message is about the destination: the caller sees to that.
        """
        if reply is None:
            return None
        signal = signals.read(verdict, reply)
        self._see(now)
        name = self.destination(domain)
        found = self._active.get(name)
        if found is None and (signal in _COMPLAINTS or name in self._fixed):
            found = self._begin(DestinationState(name))
        if found is None:
            return None
        pause = found.hear(signal, now, share=self.share, speed=self.speed)
        if not found.is_kept:
            self._changed.add(name)
        return pause

    def describe(self, name: str, words: str) -> None:
        """Keep, for an admin, why a destination is paused."""
        self._active[name].describe(words)
        self._changed.add(name)

    def destination(self, domain: str) -> str:
        """Where mail for the domain ends up, as far as it is known by now."""
        known = self._names.get(domain)
        if known is not None:
            return known
        name = ascii_domain(domain)
        found = name if name in self._fixed else providers.of_domain(name)
        if found is None and self._lookup is not None:
            host = self._lookup.host(name)
            if host is None:
                return name
            found = providers.of_server(host)
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        self._names[domain] = found or name
        return found or name

    def take_changes(self) -> list[DestinationState]:
        """What changed since the last call. It is told again, after a refresh, if it didn't get into the database."""
        changes = [self._active[name].hand_over() for name in self._changed if name in self._active]
        self._changed.clear()
        return [change for change in changes if change is not None]

    def refresh(self, states: Iterable[DestinationState]) -> None:
        """Take in all that the database has of destinations."""
        stored = {state.name: state for state in states}
        for name, state in stored.items():
            if name not in self._active and not state.is_neutral:
                self._begin(state)
        for name, found in self._active.items():
            found.adopt(stored.get(name, DestinationState(name)), self._now)
            if not found.is_kept:
                self._changed.add(name)

    def _begin(self, state: DestinationState) -> Destination:
        found = self._active[state.name] = Destination(state, self._fixed.get(state.name), self._now)
        return found

    def _see(self, now: float) -> None:
        self._now = max(now, self._now)
        if now - self._tidied_at < TIDY_SECONDS:
            return
        self._tidied_at = now
        self._active = {name: found for name, found in self._active.items() if not found.is_over(now)}
