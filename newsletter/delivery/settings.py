"""How to reach a relay, and how hard to press it. `relay_urls` reads the part of it that a URL tells."""

import math
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from ipaddress import ip_address
from typing import Final

from newsletter.delivery.outcome import Phase
from newsletter.errors import SettingsError

SUBMISSION_PORT: Final = 587  #: RFC 6409
LARGEST_WEIGHT: Final = 100

_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_HELO_NAME: Final = re.compile(rf"(?:{_HOST_NAME.pattern})|\[[A-Za-z0-9:.]+\]")
EXAMPLE: Final = "write smtp://user:password@relay.example.org:587?tls=required"


class TlsMode(StrEnum):
    """When the connection is encrypted (RFC 3207, RFC 8314)."""

    NONE = "none"  #: never
    OPPORTUNISTIC = "opportunistic"  #: if STARTTLS is offered; the certificate is not checked
    REQUIRED = "required"  #: by STARTTLS, with a valid certificate, or no mail is sent
    IMPLICIT = "implicit"  #: from the first byte, with a valid certificate


class Mechanism(StrEnum):
    """How to log in (RFC 4954)."""

    PLAIN = "plain"  #: RFC 4616
    LOGIN = "login"
    XOAUTH2 = "xoauth2"  #: with an access token that somebody else renews, in place of a password


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step may take, in seconds: the least that RFC 5321, 4.5.3.2 asks of a client."""

    connect: float = 30.0  #: the RFC names no figure for TCP; also for the TLS handshake
    greeting: float = 300.0  #: 4.5.3.2.1
    command: float = 300.0  #: EHLO, AUTH, MAIL, RCPT, RSET: 4.5.3.2.2 and .3
    data: float = 120.0  #: the 354: 4.5.3.2.4
    block: float = 180.0  #: no progress while content is being written: 4.5.3.2.5
    dot: float = 600.0  #: the reply to the content: 4.5.3.2.6
    quit: float = 10.0  #: the reply to QUIT, on which nothing depends

    def __post_init__(self) -> None:
        if any(not 0 < getattr(self, item.name) < math.inf for item in fields(self)):
            raise SettingsError("a timeout of the relay must be a number of seconds above 0")

    @property
    def by_phase(self) -> tuple[float, ...]:
        """Seconds for each Phase, by its number."""
        others = {
            Phase.CONNECT: self.connect,
            Phase.TLS: self.connect,
            Phase.GREETING: self.greeting,
            Phase.DATA: self.data,
            Phase.DOT: self.dot,
            Phase.QUIT: self.quit,
        }
        return tuple(others.get(phase, self.command) for phase in Phase)


@cache
def default_helo_name() -> str:
    """This machine's full name for EHLO, or an address literal where it has none (RFC 5321, 4.1.4)."""
    name = socket.getfqdn().rstrip(".")
    is_full = "." in name and not name.startswith("localhost")
    return name if is_full and _HOST_NAME.fullmatch(name) else "[127.0.0.1]"


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """A relay, and what it may be asked to bear."""

    host: str
    port: int = SUBMISSION_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsMode = TlsMode.REQUIRED
    connections: int = 8  #: open at once, at most
    messages_per_connection: int = 0  #: then QUIT and a new one; 0: no limit
    weight: int = 1  #: its part in the mail is this, of the sum over all relays
    auth: Mechanism | None = None  #: None: PLAIN or LOGIN, whichever the relay offers
    token_file: str | None = None  #: the access token for XOAUTH2, read at each login
    helo_name: str = field(default_factory=default_helo_name)
    timeouts: Timeouts = Timeouts()
    ca_file: str | None = None  #: certificates to trust besides the system's, PEM

    def __post_init__(self) -> None:
        if not is_address(self.host) and not _HOST_NAME.fullmatch(self.host):
            raise SettingsError(f"the relay's host is not a name or an address; {EXAMPLE}")
        if not 1 <= self.port <= 65535:
            raise SettingsError("the relay's port must be from 1 to 65535")
        if self.connections < 1:
            raise SettingsError("at least 1 connection to the relay is needed")
        if self.messages_per_connection < 0:
            raise SettingsError("messages a connection must be 0 (no limit) or more")
        if not 1 <= self.weight <= LARGEST_WEIGHT:
            raise SettingsError(f"a relay's weight must be a whole number from 1 to {LARGEST_WEIGHT}")
        check_helo_name(self.helo_name)
        self._check_login()

    def _check_login(self) -> None:
        if "\0" in f"{self.username}{self.password}":
            raise SettingsError("the relay's user and password may not contain a zero byte")
        if self.auth is Mechanism.XOAUTH2:
            if not self.username or "\1" in self.username or self.password is not None:
                raise SettingsError("with auth=xoauth2 the relay needs a user and no password: a token takes its place")
            return
        if (self.username is None) != (self.password is None):
            raise SettingsError("the relay needs both a user and a password, or neither")
        if self.auth is not None and self.username is None:
            raise SettingsError(f"with auth={self.auth} the relay needs a user and a password")

    @property
    def name(self) -> str:
        """Host and port, as they are told to a person."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def may_go_plain(self) -> bool:
        """Whether to do without encryption where it fails: no password may go over the network in plain text."""
        return self.tls is TlsMode.OPPORTUNISTIC and (self.username is None or self.is_loopback)

    @property
    def is_loopback(self) -> bool:
        """Whether the relay is on this machine, so that nobody listens in between."""
        return is_loopback(self.host)


def check_helo_name(name: str) -> None:
    """Raises SettingsError for what can't follow EHLO (RFC 5321, 4.1.1.1)."""
    if not _HELO_NAME.fullmatch(name):
        raise SettingsError("the name for EHLO must be a host name, or an address such as [127.0.0.1]")


def is_address(host: str) -> bool:
    """Whether the host is an IP address rather than a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its name or address."""
    return host.lower() == "localhost" or (is_address(host) and ip_address(host).is_loopback)


def share_out(connections: int, weights: Sequence[int]) -> list[int]:
    """Connections for each of several relays, in proportion to their weights: at least one each."""
    shares = [1 for _ in weights]
    while sum(shares) < connections:
        furthest_behind = min(range(len(weights)), key=lambda at: (shares[at] + 1) / weights[at])
        shares[furthest_behind] += 1
    return shares
