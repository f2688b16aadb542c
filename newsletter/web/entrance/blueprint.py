"""What the pages of the way in have in common."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, request, url_for

from newsletter.domain.networks import read_ip
from newsletter.services import audit
from newsletter.services.audit import Actor
from newsletter.services.logins import Attempts
from newsletter.storage.tables import Admin
from newsletter.web.database import current_session
from newsletter.web.wiring import now, wiring

entrance = Blueprint("access", __name__, url_prefix="/admin")

HOUR = timedelta(hours=1)


def attempts() -> Attempts:
    """Tries to log in from where the request comes from."""
    return Attempts(read_ip(request.remote_addr or ""), wiring().tokens, now())


def note(admin: Admin, act: str, detail: str = "", *, by: str | None = None) -> None:
    """Add to the audit log what an admin does who is not logged in yet, in the transaction that does it.

    `by` is who did it if that is not known to be the admin.
    """
    actor = Actor(by or admin.address, request.remote_addr)
    audit.record(current_session(), actor, act, f"admin {admin.id}", detail, now=now())


def inside(path: str) -> str:
    """Where to go after the login: a page of the desk, and never another site's."""
    return path if path.startswith("/admin/") and "\\" not in path else url_for("desk.editions")


def minutes_left() -> int:
    """Until the hour by the clock is over, in which wrong tries are counted."""
    return 60 - int(now().timestamp()) % int(HOUR.total_seconds()) // 60
