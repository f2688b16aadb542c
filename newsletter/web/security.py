"""Headers of every response: what a page may load, who may keep it, and what it tells the next site.

A page behind a token is a secret that lies in somebody's mail: it is never stored, its address is never passed on, and
no search engine lists it. Public pages are the same for everyone, so anybody may keep them for five minutes.
"""

from __future__ import annotations

from flask import Flask, Response, request

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

_CACHED = frozenset({"site", "readers"})
_KEPT_STATUSES = frozenset({200, 301})


def mail_policy(*allowed: str) -> str:
    """For a mail's HTML in a frame of ours: it is shown as a mail program would, and runs and fetches nothing."""
    sandbox = " ".join(("sandbox", *allowed))
    return (
        f"{sandbox}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
        "frame-ancestors 'self'; base-uri 'none'"
    )


def register(app: Flask) -> None:
    """Add the headers to whatever the application answers."""
    app.after_request(_harden)


def _harden(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer" if _is_token_page() else "same-origin"
    if _is_token_page() or request.blueprint not in {"site", "readers", None}:
        headers["X-Robots-Tag"] = "noindex, nofollow"
    if request.endpoint == "static":
        return response
    if not _may_be_kept(response):
        headers["Cache-Control"] = "no-store"
        return response
    headers["Cache-Control"] = "public, max-age=300"
    if response.status_code == 200:
        response.add_etag()
        response.make_conditional(request)
    return response


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
