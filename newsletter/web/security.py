"""Headers of every response: what a page may load, who may keep it, and what it tells the next site.

A page behind a token is a secret that lies in somebody's mail: it is never stored, its address is never passed on, and
no search engine lists it. That holds for errors as well, where nothing says which page was meant. So no page passes its
address on, to other sites or to ours, but for the desk's own: there the guard against forged requests looks at it.
Public pages are the same for everyone, so anybody may keep them for five minutes. A picture's name has a hash of its
content in it, so anybody may keep it for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, request

_OF_ALL_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors"
)
PAGE_POLICY = f"{_OF_ALL_PAGES} 'none'"

_CACHED = frozenset({"site", "readers", "embed"})
_KEPT_STATUSES = frozenset({200, 301})
_DESK = "/admin"
_KEPT_FOR_EVER = frozenset({"site.picture", "site.logo"})


def framed_policy(origins: Sequence[str]) -> str:
    """For a page of ours that sites of these origins may show in a frame; without any, no site may."""
    return f"{_OF_ALL_PAGES} {' '.join(origins)}" if origins else PAGE_POLICY


def mail_policy(*allowed: str, pictures: Sequence[str] = ()) -> str:
    """For a mail's HTML in a frame of ours: it is shown as a mail program would, and runs and fetches nothing.

    But for images that lie below the addresses `pictures`. These are named in full, where 'self' would let a mail reach
    every page of ours.
    """
    sandbox = " ".join(("sandbox", *allowed))
    return (
        f"{sandbox}; default-src 'none'; style-src 'unsafe-inline'; img-src {' '.join(('data:', *pictures))}; "
        "form-action 'none'; frame-ancestors 'self'; base-uri 'none'"
    )


def picture_policy() -> str:
    """For a picture by itself: a browser that opens one alone lays it out with styles of its own."""
    return "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def register(app: Flask) -> None:
    """Add the headers to whatever the application answers."""
    app.after_request(_harden)


def _harden(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin" if _is_desk() else "no-referrer"
    if _is_hidden() or response.status_code >= 400:
        headers["X-Robots-Tag"] = "noindex, nofollow"
    if request.endpoint == "static":
        return response
    if not _may_be_kept(response):
        headers["Cache-Control"] = "no-store"
        return response
    headers["Cache-Control"] = _lifetime(response)
    if response.status_code == 200:
        response.add_etag()
        response.make_conditional(request)
    return response


def _lifetime(response: Response) -> str:
    is_for_ever = request.endpoint in _KEPT_FOR_EVER and response.status_code == 200
    return "public, max-age=31536000, immutable" if is_for_ever else "public, max-age=300"


def _is_desk() -> bool:
    """Not by blueprint: a request that is refused as such, for its method or its length, has none."""
    return request.path == _DESK or request.path.startswith(f"{_DESK}/")


def _is_hidden() -> bool:
    """Whether no search engine lists the page."""
    return _is_token_page() or request.blueprint not in {"site", "readers", None}


def _is_token_page() -> bool:
    return "token" in (request.view_args or {})


def _may_be_kept(response: Response) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and request.blueprint in _CACHED
        and request.endpoint != "site.health"
        and not _is_token_page()
        and response.status_code in _KEPT_STATUSES
    )
