"""The host that takes a domain's mail, looked up in DNS beside the sending and never waited for.

It is asked for once in a sender's life; again only when DNS gave no answer, or when so many domains were met that the
answers had to be forgotten.
"""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Final, Protocol

import dns.exception
import dns.name
import dns.resolver
from dns.rdtypes.ANY.MX import MX

from newsletter.delivery.destinations.providers import may_be_asked

LIFETIME: Final = 3.0  #: seconds for one question, with all its tries
MOST_WAITING: Final = 1_000  #: domains; what comes on top is asked for when it comes again
MOST_KNOWN: Final = 100_000  #: domains; then all are forgotten
SILENCES: Final = 3  #: questions in a row without an answer, after which nothing is asked for REST
REST: Final = 300.0  #: seconds


class Resolver(Protocol):
    """Answers about MX records."""

    def host(self, domain: str) -> str | None:
        """The most preferred host of a domain; "" where it has no MX record; None where no answer came."""


class DnsResolver:
    """Asks the servers that this machine is set up to ask, or those of `resolver`."""

    def __init__(self, resolver: dns.resolver.Resolver | None = None, *, lifetime: float = LIFETIME) -> None:
        self._resolver = resolver
        self._lifetime = lifetime

    def host(self, domain: str) -> str | None:
        try:
            resolver = self._resolver or dns.resolver.Resolver()
            answer = resolver.resolve(
                dns.name.from_text(domain), "MX", raise_on_no_answer=False, lifetime=self._lifetime, search=False
            )
        except dns.resolver.NXDOMAIN:
            return ""
        except (dns.exception.DNSException, OSError):
            return None
        found = [record for record in answer.rrset or () if isinstance(record, MX)]
        if not found:
            return ""
        return min(found, key=lambda record: record.preference).exchange.to_text(omit_final_dot=True).lower()


class MxLookup:
    """Knows hosts by their domains, some time after it was first asked. A thread of its own asks DNS."""

    def __init__(self, resolver: Resolver | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._resolver = resolver or DnsResolver()
        self._clock = clock
        self._lock = Lock()  # for all below
        self._known: dict[str, str] = {}
        self._waiting: deque[str] = deque()
        self._asked: set[str] = set()  # those that wait, and the one that is being asked for
        self._is_at_work = False
        self._silences = 0
        self._rests_until = 0.0

    def host(self, domain: str) -> str | None:
        """The most preferred host for a domain in ASCII; "" where there is none; None until it is known."""
        known = self._known.get(domain)
        if known is not None:
            return known
        if not may_be_asked(domain):
            return ""
        with self._lock:
            self._ask(domain)
        return None

    def _ask(self, domain: str) -> None:
        if domain in self._asked or len(self._asked) >= MOST_WAITING or self._clock() < self._rests_until:
            return
        self._waiting.append(domain)
        self._asked.add(domain)
        if not self._is_at_work:
            self._is_at_work = True
            Thread(target=self._work, name="mx", daemon=True).start()

    def _work(self) -> None:
        """Ask for all that waits; the thread ends when nothing does."""
        while (domain := self._next()) is not None:
            host = self._resolver.host(domain)
            with self._lock:
                self._note(domain, host)

    def _next(self) -> str | None:
        with self._lock:
            self._is_at_work = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _note(self, domain: str, host: str | None) -> None:
        self._asked.discard(domain)
        if host is not None:
            self._silences = 0
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[domain] = host
            return
        self._silences += 1
        if self._silences >= SILENCES:
            # One more question after the rest shows whether DNS is back.
            self._rests_until = self._clock() + REST
            self._waiting.clear()
            self._asked.clear()
