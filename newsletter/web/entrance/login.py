"""Logging in: by a password, and where there is a second factor by a code after it. The first step gives no access."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import NamedTuple

from flask import flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from newsletter.services import admins, second_factor
from newsletter.storage.tables import Admin
from newsletter.web import access
from newsletter.web.database import current_session, reading
from newsletter.web.entrance.blueprint import attempts, entrance, inside, minutes_left, note
from newsletter.web.forms import LONGEST_TYPED
from newsletter.web.wiring import now, wiring

HALF_WAY_LIFETIME = timedelta(minutes=10)  #: between password and code
_HALF_WAY = "half_way"

_WRONG = (
    "No admin has this address and password. Check both, and try again. "
    "After five wrong tries none counts for a while, at most for an hour."
)
_WRONG_CODE = (
    "This code does not fit, or was used. Type the one that the device shows now. "
    "After five wrong tries none counts for a while, at most for an hour."
)

Page = Response | tuple[str, int]


class _HalfWay(NamedTuple):
    """Who has typed the right password and now is asked for a code; kept in a cookie that we sign."""

    admin_id: int
    at: int  #: seconds since 1970
    binding: str  #: to the password, which may be changed meanwhile
    following: str


@entrance.get("/login")
def log_in_form() -> str:
    return login_page("", None)


@entrance.post("/login")
def log_in() -> Page:
    address = request.form.get("address", "")[:LONGEST_TYPED]
    tries = attempts()
    with reading() as looking:
        if tries.are_too_many(looking):
            return login_page(address, _too_many()), 429
        credentials = admins.credentials(looking, address)
    is_right = credentials.accept(request.form.get("password", ""))
    database = current_session()
    admin = tries.by_password(database, credentials, is_right=is_right)
    if admin is None:
        database.commit()
        return login_page(address, _WRONG), 403
    return go_on(admin, request.form.get("next", ""))


def go_on(admin: Admin, following: str) -> Response:
    """To the desk, or to the question for a code; the request's transaction is committed."""
    if second_factor.is_on(admin):
        session.clear()
        half_way = _HalfWay(admin.id, int(now().timestamp()), _binding(admin), following)
        session[_HALF_WAY] = list(half_way)
        current_session().commit()
        return redirect(url_for("access.code_form"), 303)
    return _enter(admin, following)


@entrance.get("/login/code")
def code_form() -> Response | str:
    return _code_page(None) if _half_way() is not None else redirect(url_for("access.log_in_form"))


@entrance.post("/login/code")
def log_in_by_code() -> Page:
    half_way = _half_way()
    if half_way is None:
        return redirect(url_for("access.log_in_form"), 303)
    database, tries = current_session(), attempts()
    if tries.are_too_many(database):
        return _code_page(_too_many()), 429
    left = second_factor.recovery_codes_left(database, half_way.admin_id)
    admin = tries.by_code(database, half_way.admin_id, request.form.get("code", "")[:100])
    if admin is None or not hmac.compare_digest(_binding(admin), half_way.binding):
        database.commit()
        return _code_page(_WRONG_CODE), 403
    message = None
    remain = second_factor.recovery_codes_left(database, admin.id)
    if remain < left:
        note(admin, "recovery_code.used", f"{remain} left")
        message = f"That was a recovery code: {remain} are left. Make new ones on the page of your account."
    return _enter(admin, half_way.following, message)


def _enter(admin: Admin, following: str, message: str | None = None) -> Response:
    note(admin, "login")
    token = access.begin_login(admin.id)
    if message is not None:
        flash(message)
    current_session().commit()
    return access.keep_login(redirect(inside(following), 303), token)


def _half_way() -> _HalfWay | None:
    kept = session.get(_HALF_WAY)
    if kept is None:
        return None
    half_way = _HalfWay._make(kept)
    age = timedelta(seconds=now().timestamp() - half_way.at)
    return half_way if age <= HALF_WAY_LIFETIME else None


def _binding(admin: Admin) -> str:
    return wiring().tokens.digest("half-way login", admin.id, admin.password_hash)


def _too_many() -> str:
    return f"Too many wrong tries came from your network. Try again in {minutes_left()} minutes."


def login_page(address: str, error: str | None) -> str:
    """The form, with what was typed and why it can't be taken."""
    following = request.values.get("next", "")
    has_provider = bool(wiring().settings.oidc_issuer)
    return render_template(
        "desk/login.html", address=address, error=error, following=following, has_provider=has_provider
    )


def _code_page(error: str | None) -> str:
    return render_template("desk/login_code.html", error=error)
