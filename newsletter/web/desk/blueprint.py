"""What the pages of the desk have in common: their blueprint, whom it lets in, and how an act ends."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.month import Month
from newsletter.services import audit, guard
from newsletter.web import access, progress
from newsletter.web.database import current_session
from newsletter.web.desk import rooms
from newsletter.web.security import PAGE_POLICY
from newsletter.web.wiring import now

desk = Blueprint("desk", __name__, url_prefix="/admin")
desk.before_request(access.guard)
desk.app_context_processor(access.facts)
desk.app_context_processor(rooms.facts)

ACCEPT = "accept"  #: what is typed to send from a database that may be a restored backup


@desk.after_request
def let_scripts_ask(response: Response) -> Response:
    """The desk's own scripts ask the desk for news, and nobody else."""
    response.headers.setdefault("Content-Security-Policy", f"{PAGE_POLICY}; connect-src 'self'")
    return response


@desk.app_context_processor
def halt() -> dict[str, object]:
    """For all pages of the desk: why nothing is sent at all, if a page asks."""
    return {"halted": lambda: guard.halted(current_session()), "accept_word": ACCEPT}


def note(act: str, subject: str, detail: str = "") -> None:
    """Add to the audit log what the admin does, in the transaction that does it: see services.audit."""
    actor = audit.Actor(access.current_admin().address, request.remote_addr)
    audit.record(current_session(), actor, act, subject, detail, now=now())


def is_confirmed(month: Month) -> bool:
    """Whether the month was typed: what can't be taken back asks for it."""
    return request.form.get("month", "").strip() == str(month)


def done(month: Month, message: str) -> Response:
    """Keep what was done to an edition, and show it on its page."""
    current_session().commit()
    progress.forget(month)
    flash(message)
    return redirect(url_for("desk.edition", month=month), 303)


@desk.post("/logout")
def log_out() -> Response:
    return access.end_login()
