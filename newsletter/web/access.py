"""The desk's door: logins, and one table of who may use which page.

A login is a row, so that it can be ended from outside; the cookie holds its token. A page of the desk that is not in
the table is closed to everyone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from flask import abort, g, redirect, request, session, url_for
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter.config.settings import SecondFactor
from newsletter.domain.role import Act, Role, may
from newsletter.services import admin_sessions, second_factor
from newsletter.services.admin_sessions import Place
from newsletter.storage.database import WRITES
from newsletter.storage.tables import Admin, AdminSession
from newsletter.web import once_more
from newsletter.web.database import SAFE_METHODS, current_session, db
from newsletter.web.wiring import now, wiring

_log = logging.getLogger(__name__)

COOKIE = "newsletter_admin"
_COOKIE_PATH = "/admin"

#: What an admin does by opening a page or pressing its button.
ACTS: Mapping[str, Act] = {
    "desk.board": Act.VIEW,
    "desk.add_place": Act.VIEW,
    "desk.carry_over": Act.WRITE,
    "desk.mark_ready": Act.WRITE,
    "desk.mark_ticked_ready": Act.WRITE,
    "desk.mark_reviewed": Act.REVIEW,
    "desk.update": Act.VIEW,
    "desk.save_update": Act.WRITE,
    "desk.keep_unsaved": Act.WRITE,
    "desk.discard_unsaved": Act.WRITE,
    "desk.compare_update": Act.VIEW,
    "desk.preview_update": Act.VIEW,
    "desk.history": Act.VIEW,
    "desk.restore": Act.WRITE,
    "desk.paste_form": Act.WRITE,
    "desk.paste": Act.WRITE,
    "desk.editions": Act.VIEW,
    "desk.edition": Act.VIEW,
    "desk.progress_json": Act.VIEW,
    "desk.shown_json": Act.VIEW,
    "desk.events": Act.VIEW,
    "desk.log_out": Act.VIEW,
    "preview.show": Act.VIEW,
    "preview.body": Act.VIEW,
    "desk.assemble": Act.APPROVE,
    "desk.checks_page": Act.VIEW,
    "desk.check_links": Act.APPROVE,
    "desk.propose": Act.APPROVE,
    "desk.approve": Act.APPROVE,
    "desk.take_back": Act.APPROVE,
    "desk.release": Act.VIEW,
    "desk.make_dry_run": Act.APPROVE,
    "desk.call_off": Act.SEND,
    "desk.copies": Act.APPROVE,
    "desk.send_copies": Act.APPROVE,
    "desk.report": Act.VIEW,
    "desk.count_report": Act.APPROVE,
    "desk.resend": Act.SEND,
    "desk.correction": Act.VIEW,
    "desk.begin_correction": Act.WRITE,
    "desk.correct_form": Act.VIEW,
    "desk.correct": Act.WRITE,
    "desk.describe_correction": Act.WRITE,
    "desk.drop_correction": Act.APPROVE,
    "desk.propose_correction": Act.APPROVE,
    "desk.publish_correction": Act.APPROVE,
    "desk.correction_mail": Act.SEND,
    "desk.count_correction": Act.SEND,
    "desk.mail_correction": Act.SEND,
    "desk.write_overview": Act.APPROVE,
    "desk.send_form": Act.SEND,
    "desk.send": Act.SEND,
    "desk.pause": Act.SEND,
    "desk.resume": Act.SEND,
    "desk.cancel": Act.SEND,
    "desk.send_held_again": Act.SEND,
    "desk.give_up_held": Act.SEND,
    "desk.accept": Act.SEND,
    "desk.account": Act.VIEW,
    "desk.change_password": Act.VIEW,
    "desk.second_factor": Act.VIEW,
    "desk.switch_on_second_factor": Act.VIEW,
    "desk.switch_off_second_factor": Act.VIEW,
    "desk.renew_recovery_codes": Act.VIEW,
    "desk.end_login": Act.VIEW,
    "desk.end_other_logins": Act.VIEW,
    "desk.people": Act.ADMINISTER,
    "desk.invite": Act.ADMINISTER,
    "desk.person": Act.ADMINISTER,
    "desk.change_role": Act.ADMINISTER,
    "desk.close": Act.ADMINISTER,
    "desk.reopen": Act.ADMINISTER,
    "desk.mail_link": Act.ADMINISTER,
    "desk.drop_second_factor": Act.ADMINISTER,
    "desk.end_login_of": Act.ADMINISTER,
    "desk.audit_log": Act.ADMINISTER,
    "desk.audit_export": Act.ADMINISTER,
    "desk.subscribers": Act.SUBSCRIBERS,
    "desk.find_subscribers": Act.SUBSCRIBERS,
    "desk.add_subscriber_form": Act.SUBSCRIBERS,
    "desk.add_subscriber": Act.SUBSCRIBERS,
    "desk.export_subscribers": Act.SUBSCRIBERS,
    "desk.growth": Act.SUBSCRIBERS,
    "desk.subscriber": Act.SUBSCRIBERS,
    "desk.follow_form": Act.SUBSCRIBERS,
    "desk.follow": Act.SUBSCRIBERS,
    "desk.suppress_subscriber": Act.SUBSCRIBERS,
    "desk.lift_suppression": Act.SUBSCRIBERS,
    "desk.end_subscriber": Act.SUBSCRIBERS,
    "desk.erase_subscriber": Act.SUBSCRIBERS,
    "desk.export_subscriber": Act.SUBSCRIBERS,
    "desk.imports": Act.SUBSCRIBERS,
    "desk.upload_import": Act.SUBSCRIBERS,
    "desk.import_page": Act.SUBSCRIBERS,
    "desk.confirm_import": Act.SUBSCRIBERS,
    "desk.cancel_import": Act.SUBSCRIBERS,
    "desk.import_rejects_file": Act.SUBSCRIBERS,
    "desk.forget_rejects": Act.SUBSCRIBERS,
}

#: What is open to who has to set up a second factor first.
_BEFORE_SECOND_FACTOR = frozenset({"desk.second_factor", "desk.switch_on_second_factor", "desk.log_out"})


def guard() -> Response | None:
    """Before each page of the desk: find out who asks, and whether they may."""
    login = _login()
    if login is None:
        if request.method not in SAFE_METHODS:
            return once_more.ask(is_logged_in=False)
        return redirect(url_for("access.log_in_form", next=request.path))
    act = ACTS.get(request.endpoint or "")
    if act is None or not may(Role(login.admin.role), act):
        abort(403)
    if must_set_up(login.admin) and request.endpoint not in _BEFORE_SECOND_FACTOR:
        if request.method not in SAFE_METHODS:
            abort(403)
        return redirect(url_for("desk.second_factor"))
    g.admin, g.login = login.admin, login
    _see(login)
    return None


def is_logged_in() -> bool:
    """Whether the request comes with a login that goes on."""
    return _login() is not None


def _login() -> AdminSession | None:
    token = request.cookies.get(COOKIE, "")
    return admin_sessions.of_token(current_session(), token, now=now()) if token else None


def _see(login: AdminSession) -> None:
    """Write down every few minutes that a login is in use: the one thing that a look at a page writes."""
    if not admin_sessions.is_worth_noting(login, now=now()):
        return
    if request.method not in SAFE_METHODS:  # it writes anyway
        admin_sessions.see(current_session(), login.token_sha256, now=now())
        return
    try:
        with Session(db.engine.execution_options(**WRITES)) as noting, noting.begin():
            admin_sessions.see(noting, login.token_sha256, now=now())
    except OperationalError:
        _log.info("the database was busy: a login's last use is not written down")


def is_required() -> bool:
    """Whether nobody works at the desk without a second factor."""
    return wiring().settings.second_factor is SecondFactor.REQUIRED


def must_set_up(admin: Admin) -> bool:
    """Whether an admin can do nothing before they have one."""
    return is_required() and not second_factor.is_on(admin)


def current_admin() -> Admin:
    """Whoever passed the guard."""
    admin = g.admin
    if not isinstance(admin, Admin):
        raise TypeError("no admin passed the guard")
    return admin


def current_login() -> AdminSession:
    """By which login they did."""
    login = g.login
    if not isinstance(login, AdminSession):
        raise TypeError("no login passed the guard")
    return login


def facts() -> dict[str, object]:
    """For the desk's templates: who looks at them, and what they may do."""
    if "admin" not in g:
        return {}
    role = Role(current_admin().role)
    return {"admin": current_admin(), "can": {act.value: may(role, act) for act in Act}}


def begin_login(admin_id: int) -> str:
    """Let an admin in who was checked, and return the token for `keep_login`."""
    # A CSRF token that somebody knew before the login is worth nothing after it.
    session.clear()
    place = Place(request.remote_addr, request.user_agent.string)
    return admin_sessions.begin(current_session(), admin_id, place, now=now())


def keep_login(response: Response, token: str) -> Response:
    """Give the browser the token, once it is committed."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=admin_sessions.LIFETIME,
        path=_COOKIE_PATH,
        secure=wiring().settings.base_url.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
    return response


def end_login() -> Response:
    """Forget the login on both sides."""
    database = current_session()
    admin_sessions.end(database, request.cookies.get(COOKIE, ""))
    database.commit()
    session.clear()
    response = redirect(url_for("access.log_in_form"), 303)
    response.delete_cookie(COOKIE, path=_COOKIE_PATH)
    return response
