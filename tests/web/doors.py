"""The desk's doors: every route, walked from the application's own map, and what stands in its path."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.conftest import BASE_URL, NOVEMBER

SAFE = {"GET", "HEAD", "OPTIONS"}

#: The way in: open to everyone.
OPEN = {
    "access.log_in_form",
    "access.log_in",
    "access.code_form",
    "access.log_in_by_code",
    "access.forgotten_form",
    "access.ask_for_reset",
    "access.invitation",
    "access.take_up_invitation",
    "access.password_reset",
    "access.reset_password",
    "access.ask_provider",
    "access.back_from_provider",
    "access.log_in_by_provider",
}

#: What stands in paths. No row is there for most: a door is passed before anything is looked for.
VALUES = {
    "month": NOVEMBER,
    "place": "KZ",
    "code": "KZ",
    "admin_id": 999,
    "subscriber_id": 999,
    "import_id": 999,
    "handle": "0" * 16,
    "key": "forged",
    "kind": "csv",
    "number": 1,
    "version": 1,
    "name": "digest",
    "revision": 1,
}


@dataclass(frozen=True)
class Route:
    """A page, or what a button does."""

    endpoint: str
    method: str
    path: str

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE


def routes(app: Flask) -> list[Route]:
    """All of the desk's, those that end the login last."""
    urls = app.url_map.bind("updates.example.org")
    found = []
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/admin"):
            continue
        missing = rule.arguments - set(VALUES)
        assert not missing, f"{rule.rule}: give {missing} a value in VALUES"
        path = urls.build(rule.endpoint, {name: VALUES[name] for name in rule.arguments})
        found += [Route(rule.endpoint, method, path) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return sorted(found, key=lambda route: (route.endpoint == "desk.log_out", route.path))


def ask(client: FlaskClient, route: Route, form: dict[str, str] | None) -> TestResponse:
    """Open a page, or press its button."""
    data = None if route.is_safe else form
    return client.open(
        route.path, method=route.method, data=data, buffered=True, headers={"Referer": f"{BASE_URL}/admin/"}
    )
