"""The application factory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # ships no types

from newsletter.config import Settings
from newsletter.config.settings import Switch
from newsletter.mail import templates
from newsletter.mail.caught import Inbox
from newsletter.services import admin_sessions
from newsletter.web import (
    access,
    database,
    desk,
    embed,
    entrance,
    errors,
    inbox,
    once_more,
    preview,
    proof,
    readers,
    rendering,
    security,
    site,
)
from newsletter.web.converters import IdConverter, MonthConverter
from newsletter.web.proxies import Proxies
from newsletter.web.wiring import Wiring

#: Bytes of a request's body. The largest form, all places ticked, has 8 kB.
LARGEST_BODY = 1_000_000


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now, inbox: Inbox | None = None) -> Flask:
    """The whole site. With an `inbox` it has the demo's page of caught mail."""
    app = Flask(
        "newsletter.web",
        template_folder=str(templates.folder() / "web"),
        static_folder="static",
        instance_path=str(settings.instance),
    )
    _configure(app, settings)
    Wiring(settings, clock, settings.tokens, settings.publication, inbox).keep(app)
    database.register(app, settings)
    rendering.register(app)
    errors.register(app)
    once_more.register(app, is_logged_in=access.is_logged_in)
    security.register(app)
    _add_pages(app, with_inbox=inbox is not None)
    if settings.proof_of_work is Switch.ON:
        app.register_blueprint(proof.proof)
    app.wsgi_app = Proxies(app.wsgi_app, settings.trusted_proxies, settings.base_url)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        # Flask's own session only carries the desk's CSRF token and its messages; logins are rows.
        SECRET_KEY=settings.tokens.digest("flask session"),
        SESSION_COOKIE_NAME="newsletter_desk",
        SESSION_COOKIE_PATH="/admin",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=urlsplit(settings.base_url).scheme == "https",
        WTF_CSRF_TIME_LIMIT=int(admin_sessions.LIFETIME.total_seconds()),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        SEND_FILE_MAX_AGE_DEFAULT=300,
    )
    # Both would redirect to an absolute address made from the Host header, which anybody can forge.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.converters["month"] = MonthConverter
    app.url_map.converters["id"] = IdConverter


def _add_pages(app: Flask, *, with_inbox: bool) -> None:
    csrf = CSRFProtect(app)
    csrf.exempt(desk.imports.upload_import)  # looks for the token itself, once it is known who asks
    for public in (site.site, readers.readers, embed.embed):
        csrf.exempt(public)
        app.register_blueprint(public)
    for private in (entrance.entrance, desk.desk, preview.preview):
        app.register_blueprint(private)
    if with_inbox:
        app.register_blueprint(inbox.inbox)
