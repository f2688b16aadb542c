"""One's own account: password, second factor, logins."""

from __future__ import annotations

from dataclasses import dataclass

import segno
from flask import flash, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from newsletter.domain.networks import read_ip
from newsletter.errors import InvalidInput
from newsletter.services import admin_sessions, admins, logins, passwords, second_factor
from newsletter.services.logins import Attempts
from newsletter.services.passwords import Credentials
from newsletter.storage.tables import AdminSession
from newsletter.web import access
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import desk, note
from newsletter.web.desk.browsers import browser
from newsletter.web.wiring import now, wiring

MOST_FAILED = 5  #: wrong tries that are shown
_NOT_YOURS = "This is not your password, or too many wrong tries came before: then wait a few minutes"
_WRONG_CODE = "This code does not fit, or was used: type the one that the device shows now"

Page = Response | str | tuple[str, int]


@dataclass(frozen=True, slots=True)
class LoginRow:
    """A login in a list."""

    handle: str
    browser: str
    login: AdminSession
    is_this: bool


def login_rows(admin_id: int) -> list[LoginRow]:
    """An admin's logins, as pages list them."""
    this = access.current_login().token_sha256
    found = admin_sessions.of_admin(current_session(), admin_id, now=now())
    return [
        LoginRow(admin_sessions.handle(each), browser(each.agent), each, each.token_sha256 == this) for each in found
    ]


@desk.get("/account")
def account() -> str:
    return _account_page()


def _account_page(**wrong: str) -> str:
    session, admin = current_session(), current_admin()
    return render_template(
        "desk/account.html",
        wrong=wrong,
        logins=login_rows(admin.id),
        failed=logins.failed_lately(session, admin.id, most=MOST_FAILED),
        has_second_factor=second_factor.is_on(admin),
        is_required=access.is_required(),
        codes_left=second_factor.recovery_codes_left(session, admin.id),
        shortest=passwords.SHORTEST,
        longest=passwords.LONGEST,
    )


@desk.post("/account/password")
def change_password() -> Page:
    try:
        password_hash = _hashed(request.form.get("new_password", ""))
    except InvalidInput as error:
        return _account_page(new_password=_sentence(error)), 400
    if not _is_own_password():
        return _account_page(password=_NOT_YOURS), 400
    session, admin_id = current_session(), current_admin().id
    ended = admins.set_password(session, admins.locked(session, admin_id), password_hash)
    note("password.changed", f"admin {admin_id}", f"{ended - 1} other logins ended")
    token = access.begin_login(admin_id)
    session.commit()
    flash("Your password is changed, and all your other logins have ended.")
    return access.keep_login(redirect(url_for("desk.account"), 303), token)


@desk.get("/account/second-factor", endpoint="second_factor")
def second_factor_form() -> Page:
    if second_factor.is_on(current_admin()):
        return redirect(url_for("desk.account"))
    return _setting_up_page(second_factor.new_secret(), None)


def _setting_up_page(secret: str, error: str | None) -> str:
    uri = second_factor.uri(secret, current_admin().address, wiring().settings.title)
    return render_template(
        "desk/second_factor.html",
        secret=secret,
        in_groups=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        picture=_qr_code(uri),
        error=error,
        is_required=access.is_required(),
    )


def _qr_code(text: str) -> Markup:
    """As inline SVG, dark on light in either colour scheme: readers of such codes want it so."""
    drawn = segno.make(text, error="m", micro=False)
    svg = drawn.svg_inline(scale=4, border=4, dark="#000", light="#fff", title="QR code for your device")
    return Markup(svg)  # noqa: S704  # made of squares alone


@desk.post("/account/second-factor")
def switch_on_second_factor() -> Page:
    """The recovery codes are shown by this answer, and never again."""
    session, admin_id = current_session(), current_admin().id
    secret = request.form.get("secret", "")[:64]
    admin = admins.locked(session, admin_id)
    if second_factor.is_on(admin):
        return redirect(url_for("desk.account"), 303)
    try:
        codes = second_factor.switch_on(session, admin, secret, _code(), now=now())
    except InvalidInput as error:
        shown = secret if second_factor.is_secret(secret) else second_factor.new_secret()
        return _setting_up_page(shown, _sentence(error)), 400
    note("second_factor.on", f"admin {admin_id}")
    session.commit()
    return _codes_page(codes, is_new=True)


@desk.post("/account/second-factor/off")
def switch_off_second_factor() -> Page:
    wrong = _wrong_confirmation("off")
    if wrong:
        return _account_page(**wrong), 400
    session, admin_id = current_session(), current_admin().id
    second_factor.switch_off(session, admins.locked(session, admin_id))
    note("second_factor.off", f"admin {admin_id}")
    session.commit()
    flash("You log in by your password alone now.")
    return redirect(url_for("desk.account"), 303)


@desk.post("/account/recovery-codes")
def renew_recovery_codes() -> Page:
    wrong = _wrong_confirmation("renew")
    if wrong:
        return _account_page(**wrong), 400
    session, admin_id = current_session(), current_admin().id
    codes = second_factor.renew_recovery_codes(session, admins.locked(session, admin_id))
    note("recovery_codes.renewed", f"admin {admin_id}")
    session.commit()
    return _codes_page(codes, is_new=False)


def _codes_page(codes: list[str], *, is_new: bool) -> str:
    return render_template("desk/recovery_codes.html", codes=codes, is_new=is_new)


@desk.post("/account/logins/<handle>/end")
def end_login(handle: str) -> Response:
    session, admin_id = current_session(), current_admin().id
    if admin_sessions.end_by_handle(session, admin_id, handle):
        note("login.ended", f"admin {admin_id}")
    session.commit()
    flash("That login has ended.")
    return redirect(url_for("desk.account"), 303)


@desk.post("/account/logins/end-others")
def end_other_logins() -> Response:
    session, admin_id = current_session(), current_admin().id
    ended = admin_sessions.end_all(session, admin_id, but=access.current_login().token_sha256)
    note("login.others_ended", f"admin {admin_id}", f"{ended} logins")
    session.commit()
    flash("All your other logins have ended.")
    return redirect(url_for("desk.account"), 303)


def _attempts() -> Attempts:
    return Attempts(read_ip(request.remote_addr or ""), wiring().tokens, now())


def _hashed(password: str) -> str:
    """Hash it with no transaction open: the guard has begun one, and all who write would wait."""
    current_session().rollback()
    return passwords.hashed(password)


def _is_own_password() -> bool:
    """Whether the password was typed; a wrong one counts as a wrong try to log in, and is committed."""
    session, admin = current_session(), current_admin()
    credentials = Credentials(admin.id, admin.password_hash)
    session.rollback()
    is_right = credentials.accept(request.form.get("password", ""))
    tries = _attempts()
    if not tries.are_too_many(session) and tries.by_password(session, credentials, is_right=is_right) is not None:
        return True
    session.commit()
    return False


def _wrong_confirmation(form: str) -> dict[str, str]:
    """What is wrong with the password and the code that confirm an act; a right code is used up with the act."""
    if not _is_own_password():
        return {f"{form}_password": _NOT_YOURS}
    session = current_session()
    if _attempts().by_code(session, current_admin().id, _code()) is None:
        session.commit()
        return {f"{form}_code": _WRONG_CODE}
    return {}


def _code() -> str:
    return request.form.get("code", "")[:100]


def _sentence(error: InvalidInput) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}"
