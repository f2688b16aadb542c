"""A form of the desk whose login is over, or new since its page was opened: nothing is done, and nothing is lost.

The answer holds what was sent, and one button sends it once more: a person's press, on a page of ours, under the login
of now. Another site can't bring that about: its requests come without the login's cookie (SameSite).
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]  # ships no types

from newsletter.web import errors

_NEVER_SHOWN = ("password", "code")  #: in a field's name: what is in it is typed anew


def register(app: Flask, *, is_logged_in: Callable[[], bool]) -> None:
    """Answer a form whose token is not that of the login."""

    def on_foreign_token(error: CSRFError) -> Response:
        is_of_desk = request.blueprint == "desk" and request.method == "POST"
        return ask(is_logged_in=is_logged_in()) if is_of_desk else errors.on_http_error(error)

    app.register_error_handler(CSRFError, on_foreign_token)


def ask(*, is_logged_in: bool) -> Response:
    """The page that holds what was sent."""
    fields = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name != "csrf_token" and not any(each in name for each in _NEVER_SHOWN)
    ]
    page = render_template(
        "desk/once_more.html", fields=fields, url=request.full_path.rstrip("?"), is_logged_in=is_logged_in
    )
    return make_response(page, 400 if is_logged_in else 403)
