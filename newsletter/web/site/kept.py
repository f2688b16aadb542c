"""Pages that many ask for, kept as they were answered until something public changes.

They are answered before Flask is asked, as a proxy in front would do it: most of what a page costs is what Flask and
the templates do for every request. Which version is public is asked of the database: after each change that this
process makes, so that who edits sees it at once, and for what others change after ASKED_AFTER. A change that this can't
tell, such as a place's new name, shows after LONGEST, which is well within the time that proxies may keep a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request
from flask.sansio.app import App
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.http import parse_etags
from werkzeug.wrappers import Response as AnyResponse

from newsletter.storage.public_version import public_version
from newsletter.web.database import SAFE_METHODS, db
from newsletter.web.wiring import wiring

LONGEST = timedelta(minutes=1)
ASKED_AFTER = timedelta(milliseconds=50)  #: on PostgreSQL, to ask for each page would double what a page costs
_MOST = 300  #: pages; some 50 kB each

_KEY = "newsletter.kept"  #: in a request's environment
#: Not of a 304 (RFC 9110, 15.4.5).
_OF_CONTENT = {"content-type", "content-length"}

Arguments = ParamSpec("Arguments")
View = Callable[Arguments, str | AnyResponse]


@dataclass(frozen=True, slots=True)
class Freshness:
    """When a page was begun, of which version, and how both are found out again."""

    version: str
    begun_at: datetime
    engine: Engine
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class KeptPage:
    """An answer, whole."""

    freshness: Freshness
    headers: list[tuple[str, str]]
    body: bytes
    etag: str

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The page; or that it is the one that the client has (RFC 9110, 13.1.2)."""
        if parse_etags(environ.get("HTTP_IF_NONE_MATCH")).contains_raw(self.etag):
            start_response("304 NOT MODIFIED", [each for each in self.headers if each[0].lower() not in _OF_CONTENT])
            return [b""]
        start_response("200 OK", list(self.headers))
        return [self.body]


class KeptPages:
    """A WSGI application in front of another."""

    def __init__(self, behind: WSGIApplication) -> None:
        self._behind = behind
        self._pages: dict[str, KeptPage] = {}
        self._lock = Lock()
        self._version: tuple[str, datetime] | None = None  #: and when it was asked for
        self._changes = 0  #: that this process may have made

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in SAFE_METHODS:
            return self._change(environ, start_response)
        if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
            return self._behind(environ, start_response)
        path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        page = self._pages.get(path)
        if page is not None and self._holds(page.freshness):
            return page.answer(environ, start_response)
        return self._ask(path, environ, start_response)

    def _change(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._behind(environ, start_response)
        finally:
            self._changes += 1
            self._version = None

    def _holds(self, page: Freshness) -> bool:
        """Whether a page would be made the same now."""
        now = page.clock()
        if not timedelta(0) <= now - page.begun_at < LONGEST:
            return False
        known = self._version
        if known is not None and timedelta(0) <= now - known[1] < ASKED_AFTER:
            return page.version == known[0]
        changes = self._changes
        try:
            version = public_version(page.engine)
        except (DBAPIError, PoolTimeout):  # the application behind knows what to say
            return False
        if changes == self._changes:  # else it may be what was before the change
            self._version = version, now
        return page.version == version

    def _ask(self, path: str, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The answer of the application behind, kept if a view said so."""
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            told.append((status, headers))
            return start_response(status, headers, exc_info)

        answer = self._behind(environ, note)
        freshness = environ.get(_KEY)
        status, headers = told[-1] if told else ("", [])
        etag = next((value for name, value in headers if name.lower() == "etag"), None)
        if freshness is None or not status.startswith("200") or etag is None:
            return answer
        body = b"".join(answer)
        if (close := getattr(answer, "close", None)) is not None:
            close()
        self._add(path, KeptPage(freshness, list(headers), body, etag))
        return [body]

    def _add(self, path: str, page: KeptPage) -> None:
        """Keep a page, and forget the one that was made first when there are too many."""
        with self._lock:
            self._pages.pop(path, None)
            while len(self._pages) >= _MOST:
                del self._pages[next(iter(self._pages))]
            self._pages[path] = page


def keep_pages(app: App) -> None:
    """Put the kept pages in front of an application."""
    if not isinstance(app, Flask):
        raise TypeError("not a Flask application")
    app.wsgi_app = KeptPages(app.wsgi_app)  # type: ignore[method-assign]


def kept(view: View[Arguments]) -> View[Arguments]:
    """A view whose pages are kept, but for those with words behind a question mark."""

    @wraps(view)
    def answer(*args: Arguments.args, **kwargs: Arguments.kwargs) -> str | AnyResponse:
        clock = wiring().clock
        # Asked before anything is read: what changes meanwhile makes the page outdated.
        request.environ[_KEY] = Freshness(public_version(db.engine), clock(), db.engine, clock)
        return view(*args, **kwargs)

    return answer
