"""One table from error to page: what it is called, its status, and what the reader can do next.

A page never shows a traceback, SQL or an error's text, but for those texts that are written for whoever caused it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import Flask, Response, make_response, render_template
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from newsletter import errors

_log = logging.getLogger(__name__)

#: Seconds, sent with a 503: SQLite's writer is done by then.
RETRY_AFTER = "5"

_HOME = ("site.home", "Go to the latest updates")
_SUBSCRIBE = ("readers.subscribe_form", "Subscribe")
_MANAGE_LINK = ("readers.manage_link_form", "Get a new link to your own page")
_DESK = ("desk.editions", "Back to the editions")
_LOGIN = ("access.log_in_form", "Log in")


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What an error looks like from outside."""

    status: int
    title: str
    advice: str
    way_out: tuple[str, str] = _HOME  #: endpoint and words of the link
    other_way: tuple[str, str] | None = None
    tells: bool = False  #: whether the error's own text is shown: it is written for this reader


#: By class; a class that is not here looks like the nearest of its parents.
PAGES: dict[type[Exception], ErrorPage] = {
    errors.InvalidInput: ErrorPage(400, "This can’t be taken", "Go back, change it, and send it again.", tells=True),
    errors.UnknownPlace: ErrorPage(
        404,
        "Page not found",
        "No place has this code or name; the list has them all.",
        ("site.places", "See all places"),
    ),
    errors.NotFound: ErrorPage(404, "Page not found", "There is nothing at this address. It may be mistyped."),
    errors.Conflict: ErrorPage(
        409, "Not possible now", "Look at where things stand, and decide again.", _DESK, tells=True
    ),
    errors.LinkInvalid: ErrorPage(
        404,
        "This link doesn’t work",
        "It may not be whole: open it from the mail again, or copy all of it.",
        _MANAGE_LINK,
        _SUBSCRIBE,
    ),
    # Of a confirmation: behind other links, pages of their own say what to do.
    errors.LinkExpired: ErrorPage(
        410,
        "This link is too old",
        "Links like this one are good for 7 days. Subscribe again to get a new one.",
        _SUBSCRIBE,
    ),
    errors.SubscriptionEnded: ErrorPage(
        410,
        "This subscription has ended",
        "You get no more mail from us. Subscribe again if you would like to.",
        _SUBSCRIBE,
    ),
    errors.AddressSuppressed: ErrorPage(
        410,
        "This address gets no mail from us",
        "Mail to it came back or was reported, or somebody asked us to send it none. Write to us if you would like it"
        " all the same.",
        _HOME,
    ),
    errors.TemplateError: ErrorPage(
        500, "A template can’t be used", "Mend it, and start the service anew.", _DESK, tells=True
    ),
    errors.StorageUnavailable: ErrorPage(
        503, "Busy just now", "Nothing was lost, and nothing was changed. Try again in a few seconds."
    ),
    errors.NewsletterError: ErrorPage(500, "Something went wrong", "The fault is ours. Try again in a few minutes."),
}
_OF_DATABASE: tuple[type[Exception], ...] = (OperationalError, InterfaceError, InternalError, PoolTimeout)

#: Of HTTP itself, by status.
_HTTP_PAGES = {
    400: ErrorPage(
        400, "This can’t be taken", "The page was open for too long, or is not ours. Load it again, and send it again."
    ),
    403: ErrorPage(
        403, "Not allowed", "Your role doesn’t allow this. Ask an owner, or log in as somebody else.", _LOGIN
    ),
    404: PAGES[errors.NotFound],
    405: ErrorPage(405, "Not possible this way", "Use the button on the page that leads here."),
    413: ErrorPage(413, "Too large", "Send less at once."),
    500: PAGES[errors.NewsletterError],
}


def page_of(error: Exception) -> ErrorPage:
    """The row for an error of ours or of the database."""
    if isinstance(error, _OF_DATABASE):
        return PAGES[errors.StorageUnavailable]
    return next(PAGES[kind] for kind in type(error).__mro__ if kind in PAGES)


def register(app: Flask) -> None:
    """Answer every error with its page."""
    app.register_error_handler(errors.NewsletterError, _on_error)
    for kind in _OF_DATABASE:
        app.register_error_handler(kind, _on_error)
    app.register_error_handler(HTTPException, on_http_error)


def _on_error(error: Exception) -> Response:
    page = page_of(error)
    if page.status >= 500:
        _log.error("request failed: %s: %s", type(error).__name__, _first_line(error))
    response = _render(page, detail=_sentence(str(error)) if page.tells else None)
    if page.status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response


def on_http_error(error: HTTPException) -> Response:
    """The page of one of HTTP's own errors."""
    if error.code is None or error.code < 400:
        return make_response(error.get_response())
    plain = ErrorPage(error.code, error.name, "Go back, and try it another way.")
    response = _render(_HTTP_PAGES.get(error.code, plain), detail=None)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _render(page: ErrorPage, *, detail: str | None) -> Response:
    return make_response(render_template("error.html", page=page, detail=detail), page.status)


def _first_line(error: Exception) -> str:
    """Without the statement that a database error goes on with."""
    cause = error.orig if isinstance(error, OperationalError | InterfaceError | InternalError) else error
    return (str(cause).strip().splitlines() or [""])[0]


def _sentence(text: str) -> str:
    """An error's text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"
