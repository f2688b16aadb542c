"""The desk's door: logins, and one table of who may use which page.

A login is a row, so that it can be ended from outside; the cookie holds its token. A page of the desk that is not in
the table is closed to everyone.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from newsletter.domain.role import Act, Role, may
from newsletter.errors import LoginFailed
from newsletter.services import admins
from newsletter.storage.tables import Admin
from newsletter.web.database import SAFE_METHODS, current_session, reading
from newsletter.web.wiring import now, wiring

COOKIE = "newsletter_admin"
_COOKIE_PATH = "/admin"

#: What an admin does by opening a page or pressing its button.
ACTS: Mapping[str, Act] = {
    "desk.editions": Act.VIEW,
    "desk.edition": Act.VIEW,
    "desk.progress_json": Act.VIEW,
    "desk.log_out": Act.VIEW,
    "preview.show": Act.VIEW,
    "preview.body": Act.VIEW,
    "desk.assemble": Act.APPROVE,
    "desk.approve": Act.APPROVE,
    "desk.write_overview": Act.APPROVE,
    "desk.send_form": Act.SEND,
    "desk.send": Act.SEND,
    "desk.pause": Act.SEND,
    "desk.resume": Act.SEND,
    "desk.cancel": Act.SEND,
    "desk.send_held_again": Act.SEND,
    "desk.give_up_held": Act.SEND,
    "desk.accept": Act.SEND,
}

#: The page of the login, which stands open.
entrance = Blueprint("access", __name__, url_prefix="/admin")


def guard() -> Response | None:
    """Before each page of the desk: find out who asks, and whether they may."""
    token = request.cookies.get(COOKIE, "")
    admin = admins.of_token(current_session(), token, now=now()) if token else None
    if admin is None:
        if request.method not in SAFE_METHODS:
            abort(403)
        return redirect(url_for("access.log_in_form", next=request.path))
    act = ACTS.get(request.endpoint or "")
    if act is None or not may(Role(admin.role), act):
        abort(403)
    g.admin = admin
    return None


def current_admin() -> Admin:
    """Whoever passed the guard."""
    admin = g.admin
    if not isinstance(admin, Admin):
        raise TypeError("no admin passed the guard")
    return admin


def facts() -> dict[str, object]:
    """For the desk's templates: who looks at them, and what they may do."""
    if "admin" not in g:
        return {}
    role = Role(current_admin().role)
    return {"admin": current_admin(), "can": {act.value: may(role, act) for act in Act}}


@entrance.get("/login")
def log_in_form() -> str:
    return _login_page("", None)


@entrance.post("/login")
def log_in() -> Response | tuple[str, int]:
    address = request.form.get("address", "")
    with reading() as looking:
        credentials = admins.credentials(looking, address)
    try:
        admin_id = credentials.check(request.form.get("password", ""))
    except LoginFailed:
        return _login_page(address, "No admin has this address and password"), 403
    database = current_session()
    token = admins.begin_session(database, admin_id, now=now())
    database.commit()
    # A CSRF token that somebody knew before the login is worth nothing after it.
    session.clear()
    response = redirect(_inside(request.form.get("next", "")), 303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=admins.SESSION_LIFETIME,
        path=_COOKIE_PATH,
        secure=wiring().settings.base_url.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
    return response


def end_login() -> Response:
    """Forget the login on both sides."""
    database = current_session()
    admins.log_out(database, request.cookies.get(COOKIE, ""))
    database.commit()
    session.clear()
    response = redirect(url_for("access.log_in_form"), 303)
    response.delete_cookie(COOKIE, path=_COOKIE_PATH)
    return response


def _login_page(address: str, error: str | None) -> str:
    following = request.values.get("next", "")
    return render_template("desk/login.html", address=address, error=error, following=following)


def _inside(path: str) -> str:
    """Where to go after the login: a page of the desk, and never another site's."""
    return path if path.startswith("/admin/") and "\\" not in path else url_for("desk.editions")
