"""Whether a web address answers: its headers are asked for, and nothing of what they belong to is read.

Editors type these addresses, so they may name anything. Only the web's two ports are asked, on addresses that anybody
on the internet can reach: neither this machine nor the network around it ever is, whatever a name or a redirect says.
The address that was looked at is the one that is connected to, so a name that changes in between gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from newsletter.delivery.destinations.providers import ascii_domain, may_be_asked

MOST_REDIRECTS: Final = 5
_MOST_HEADERS: Final = 32_768  #: bytes that are read of an answer
_PORTS: Final = {"http": 80, "https": 443}
#: Of HEAD: servers that answer so may know the page all the same.
_ASK_AGAIN: Final = frozenset({400, 403, 404, 405, 406, 429, 500, 501, 503})
#: The page is there, but not for us: a login, or a guard against programs.
_GUARDED: Final = frozenset({401, 402, 403, 406, 407, 429, 451, 999})
_SAFE: Final = "/?%:@!$&'()*+,;=~-._"  #: of a request's target, as they stand
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_LOCATION: Final = re.compile(rb"\r\nlocation:[ \t]*([^\r\n]*)", re.IGNORECASE)


class _Unreachable(Exception):
    """Why an address doesn't answer, in words that follow it."""


def is_public(address: str) -> bool:
    """Whether an IP address is anybody's to reach (RFC 6890)."""
    found = ipaddress.ip_address(address)
    inside = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (inside is None or inside.is_global)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Asks web addresses, one at a time."""

    seconds: float = 5.0  #: for one address, with all its redirects
    may_ask: Callable[[str], bool] = is_public
    ports: frozenset[int] = frozenset(_PORTS.values())
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    clock: Callable[[], float] = time.monotonic

    def problem(self, url: str) -> str | None:
        """Why an address doesn't answer, in words that follow it; None when it does."""
        over_at = self.clock() + self.seconds
        try:
            for _ in range(MOST_REDIRECTS + 1):
                status, location = self._status(url, over_at)
                if not (300 <= status < 400 and location):
                    return None if status < 400 or status in _GUARDED else f"answers with the error {status}"
                url = urljoin(url, location)
        except _Unreachable as error:
            return str(error)
        except TimeoutError:
            return f"doesn’t answer within {self.seconds:g} seconds"
        except ssl.SSLCertVerificationError:
            return "has a certificate that can’t be trusted"
        except (OSError, UnicodeError, ValueError):
            return "can’t be reached"
        return f"leads on more than {MOST_REDIRECTS} times"

    def _status(self, url: str, over_at: float) -> tuple[int, str]:
        """The status of an address, and where it leads on to."""
        parts = urlsplit(url)
        status, location = self._ask("HEAD", parts, over_at)
        return self._ask("GET", parts, over_at) if status in _ASK_AGAIN else (status, location)

    def _ask(self, method: str, parts: SplitResult, over_at: float) -> tuple[int, str]:
        if parts.scheme not in _PORTS or not parts.hostname:
            raise _Unreachable("leads on to what is no web page")
        host, port = ascii_domain(parts.hostname), parts.port or _PORTS[parts.scheme]
        named = f"[{host}]" if ":" in host else host
        request = (
            f"{method} {_target(parts)} HTTP/1.1\r\nHost: {named if port in self.ports else f'{named}:{port}'}\r\n"
            "User-Agent: Mozilla/5.0 (compatible; newsletter link check)\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
        with self._connect(host, port, over_at) as plain:
            if parts.scheme == "http":
                return self._read(plain, request, over_at)
            plain.settimeout(self._left(over_at))
            with self.context.wrap_socket(plain, server_hostname=host) as secured:
                return self._read(secured, request, over_at)

    def _connect(self, host: str, port: int, over_at: float) -> socket.socket:
        if port not in self.ports:
            raise _Unreachable(f"uses the port {port}, which is not asked")
        if not may_be_asked(host):
            raise _Unreachable("has a name that is for examples or for one network")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise _Unreachable("has a name that DNS doesn’t know") from None
        addresses = [str(info[4][0]) for info in found]
        if not all(self.may_ask(address) for address in addresses):
            raise _Unreachable("leads into a private network, and is not asked")
        return socket.create_connection((addresses[0], port), timeout=self._left(over_at))

    def _read(self, connection: socket.socket, request: str, over_at: float) -> tuple[int, str]:
        """Send a request, and read the headers of its answer."""
        connection.settimeout(self._left(over_at))
        connection.sendall(request.encode("ascii"))
        read = b""
        while b"\r\n\r\n" not in read and len(read) < _MOST_HEADERS:
            connection.settimeout(self._left(over_at))
            data = connection.recv(4096)
            if not data:
                break
            read += data
        headers = read.partition(b"\r\n\r\n")[0]
        status, location = _STATUS.match(headers), _LOCATION.search(headers)
        if status is None:
            raise _Unreachable("answers with what is no web page")
        return int(status[1]), location[1].decode("latin-1").strip() if location else ""

    def _left(self, over_at: float) -> float:
        """Seconds. Raises TimeoutError when none are left."""
        left = over_at - self.clock()
        if left <= 0:
            raise TimeoutError
        return left


def _target(parts: SplitResult) -> str:
    """What a request names (RFC 9112, 3.2.1), in ASCII and without spaces."""
    path = quote(parts.path or "/", safe=_SAFE)
    return f"{path}?{quote(parts.query, safe=_SAFE)}" if parts.query else path
