"""Who a request is from, behind proxies of our own.

Anybody can write X-Forwarded-For. It is read only if whoever is connected is one of TRUSTED_PROXIES, and only as far
as trusted hops wrote it (domain.networks). What isn't believed is taken out, so that nothing below can fall for it; and
the Host header is replaced by BASE_URL's, whoever sends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from newsletter.domain.networks import Network, client_ip, is_trusted

_FORWARDED = ("FORWARDED", "X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "X_FORWARDED_PORT", "X_REAL_IP")
_SCHEMES = frozenset({"http", "https"})


class Proxies:
    """An application whose REMOTE_ADDR is the client's."""

    def __init__(self, app: WSGIApplication, trusted: Sequence[Network], base_url: str) -> None:
        self._app = app
        self._trusted = trusted
        self._host = urlsplit(base_url).netloc

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR") or ""
        told = {name: environ.pop(f"HTTP_{name}", "") for name in _FORWARDED}
        client = client_ip(peer, told["X_FORWARDED_FOR"], self._trusted)
        if client is not None:
            environ["REMOTE_ADDR"] = str(client)
        # The last of several is what our nearest proxy saw.
        scheme = told["X_FORWARDED_PROTO"].rpartition(",")[2].strip().lower()
        if scheme in _SCHEMES and is_trusted(peer, self._trusted):
            environ["wsgi.url_scheme"] = scheme
        environ["HTTP_HOST"] = self._host
        return self._app(environ, start_response)
