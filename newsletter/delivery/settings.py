"""How to reach the relay, and how hard to press it.

The relay is named by a URL: smtp://user:password@host:port?tls=required, or smtps:// for TLS from the first byte
(RFC 8314). User and password are percent-encoded.
"""

import math
import re
import socket
from dataclasses import dataclass, field, fields
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from newsletter.errors import SettingsError

SUBMISSION_PORT: Final = 587  #: RFC 6409
SUBMISSIONS_PORT: Final = 465  #: RFC 8314, 3.3

_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_HELO_NAME: Final = re.compile(rf"(?:{_HOST_NAME.pattern})|\[[A-Za-z0-9:.]+\]")
_EXAMPLE: Final = "write smtp://user:password@relay.example.org:587?tls=required"


class TlsMode(StrEnum):
    """When the connection is encrypted (RFC 3207, RFC 8314)."""

    NONE = "none"  #: never
    OPPORTUNISTIC = "opportunistic"  #: if STARTTLS is offered; the certificate is not checked
    REQUIRED = "required"  #: by STARTTLS, with a valid certificate, or no mail is sent
    IMPLICIT = "implicit"  #: from the first byte, with a valid certificate


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


def default_helo_name() -> str:
    """This machine's full name for EHLO, or an address literal where it has none (RFC 5321, 4.1.4)."""
    name = socket.getfqdn().rstrip(".")
    is_full = "." in name and not name.startswith("localhost")
    return name if is_full and _HOST_NAME.fullmatch(name) else "[127.0.0.1]"


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The relay, and what it may be asked to bear."""

    host: str
    port: int = SUBMISSION_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsMode = TlsMode.REQUIRED
    connections: int = 8  #: open at once
    messages_per_connection: int = 0  #: then QUIT and a new one; 0: no limit
    rate: float = 0.0  #: messages a second, over all connections; 0: no limit
    helo_name: str = field(default_factory=default_helo_name)
    timeouts: Timeouts = Timeouts()
    ca_file: str | None = None  #: certificates to trust besides the system's, PEM

    def __post_init__(self) -> None:
        if not is_address(self.host) and not _HOST_NAME.fullmatch(self.host):
            raise SettingsError(f"the relay's host is not a name or an address; {_EXAMPLE}")
        if not 1 <= self.port <= 65535:
            raise SettingsError("the relay's port must be from 1 to 65535")
        if self.connections < 1:
            raise SettingsError("at least 1 connection to the relay is needed")
        if self.messages_per_connection < 0:
            raise SettingsError("messages a connection must be 0 (no limit) or more")
        if not 0 <= self.rate < math.inf:
            raise SettingsError("the rate must be 0 (no limit) or a number of messages a second")
        check_helo_name(self.helo_name)
        if (self.username is None) != (self.password is None):
            raise SettingsError("the relay needs both a user and a password, or neither")
        if "\0" in f"{self.username}{self.password}":
            raise SettingsError("the relay's user and password may not contain a zero byte")

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


def parse_smtp_url(url: str) -> RelaySettings:
    """Read a relay's URL. Raises SettingsError, which never shows the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError(f"the relay's URL has a bad host or a bad port; {_EXAMPLE}") from None
    if parts.scheme not in ("smtp", "smtps"):
        raise SettingsError(f"the relay's URL must begin with smtp:// or smtps://; {_EXAMPLE}")
    if not parts.hostname:
        raise SettingsError(f"the relay's URL names no host; {_EXAMPLE}")
    if parts.path not in ("", "/") or parts.fragment:
        raise SettingsError(f"nothing but ?tls=... may follow the relay's host and port; {_EXAMPLE}")
    if parts.username is not None and (not parts.username or not parts.password):
        raise SettingsError(f"the relay's URL needs both a user and a password, or neither; {_EXAMPLE}")
    is_smtps = parts.scheme == "smtps"
    default_port = SUBMISSIONS_PORT if is_smtps else SUBMISSION_PORT
    return RelaySettings(
        host=parts.hostname,
        port=default_port if port is None else port,
        username=_decode(parts.username),
        password=_decode(parts.password),
        tls=_tls_mode(parts),
    )


def _tls_mode(parts: SplitResult) -> TlsMode:
    options = parse_qsl(parts.query, keep_blank_values=True)
    if parts.scheme == "smtps":
        if options:
            raise SettingsError("smtps:// is always encrypted and takes no option: leave out what follows the '?'")
        return TlsMode.IMPLICIT
    if not options:
        return TlsMode.OPPORTUNISTIC if is_loopback(parts.hostname or "") else TlsMode.REQUIRED
    allowed = (TlsMode.NONE, TlsMode.OPPORTUNISTIC, TlsMode.REQUIRED)
    if len(options) > 1 or options[0][0] != "tls" or options[0][1] not in allowed:
        raise SettingsError("the only option of an smtp:// URL is tls=none, tls=opportunistic or tls=required")
    return TlsMode(options[0][1])


def _decode(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise SettingsError("the relay's user or password is badly percent-encoded; it must be UTF-8") from None
