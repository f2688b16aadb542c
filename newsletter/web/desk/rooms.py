"""The desk's navigation: its rooms in their order, each shown to who may enter it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, g, request, url_for

from newsletter.domain.role import Role, may
from newsletter.web.access import ACTS, current_admin

#: Endpoint and name. What is done there stands in web.access.
ROOMS = (
    ("desk.board", "Month"),
    ("desk.editions", "Editions"),
    ("desk.subscribers", "Subscribers"),
    ("desk.people", "People"),
    ("desk.audit_log", "Audit log"),
    ("desk.account", "Account"),
)


@dataclass(frozen=True, slots=True)
class Room:
    """A link of the navigation."""

    name: str
    url: str
    current: str | None  #: what aria-current says of it: "page", "true" for a page within, None elsewhere


def facts() -> dict[str, object]:
    """For the desk's templates: the rooms that an admin may enter."""
    return {"rooms": _rooms(Role(current_admin().role))} if "admin" in g else {}


def _rooms(role: Role) -> list[Room]:
    there = [(endpoint, name) for endpoint, name in ROOMS if endpoint in current_app.view_functions]
    open_ones = [(url_for(endpoint), name) for endpoint, name in there if may(role, ACTS[endpoint])]
    # The nearest room above the page: one room's address can lie below another's.
    within = max((url for url, _ in open_ones if _is_within(url)), key=len, default=None)
    return [Room(name, url, _current(url, within)) for url, name in open_ones]


def _is_within(url: str) -> bool:
    return f"{request.path.rstrip('/')}/".startswith(f"{url.rstrip('/')}/")


def _current(url: str, within: str | None) -> str | None:
    if url != within:
        return None
    return "page" if request.path.rstrip("/") == url.rstrip("/") else "true"
