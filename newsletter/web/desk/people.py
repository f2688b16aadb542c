"""Who works at the desk: invited, given a role, closed and opened again, by an owner."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.errors import Conflict, InvalidAddress, InvalidInput
from newsletter.services import admin_sessions, admins, invitations, second_factor
from newsletter.storage.tables import Admin
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.account import login_rows
from newsletter.web.desk.blueprint import desk, note
from newsletter.web.forms import LONGEST_TYPED
from newsletter.web.wiring import now, wiring

#: In the words of the form that gives a role.
ROLE_WORDS = {
    Role.AUTHOR: "writes updates, and says that they are ready",
    Role.REVIEWER: "also reviews what others wrote, and approves editions",
    Role.SENDER: "also sends editions, and looks after subscribers",
    Role.OWNER: "also invites people, gives roles, and reads the audit log",
}

Page = Response | str | tuple[str, int]


@desk.get("/people")
def people() -> str:
    return _people_page()


def _people_page(*, address: str = "", role: str = Role.AUTHOR.value, **wrong: str) -> str:
    return render_template(
        "desk/people.html",
        people=admins.everybody(current_session()),
        roles=ROLE_WORDS,
        address=address,
        role=role,
        wrong=wrong,
        now=now(),
    )


@desk.post("/people")
def invite() -> Page:
    typed, role = request.form.get("address", "")[:LONGEST_TYPED], request.form.get("role", "")
    try:
        address = Address.parse(typed)
        chosen = _role(role)
        invited = invitations.invite(current_session(), address, chosen, tokens=wiring().tokens, now=now())
    except InvalidAddress as error:
        return _people_page(address=typed, role=role, address_error=_sentence(error)), 400
    except InvalidInput as error:
        return _people_page(address=typed, role=role, role_error=_sentence(error)), 400
    except Conflict as error:
        return _people_page(address=typed, role=role, address_error=_sentence(error)), 409
    note("admin.invited", f"admin {invited.id}", f"{invited.address} as {chosen.value}")
    return _done(f"An invitation is on its way to {invited.address}.")


@desk.get("/people/<id:admin_id>")
def person(admin_id: int) -> str:
    return _person_page(admin_id)


def _person_page(admin_id: int, **wrong: str) -> str:
    found = admins.get(current_session(), admin_id)
    return render_template(
        "desk/person.html",
        person=found,
        is_self=found.id == current_admin().id,
        roles=ROLE_WORDS,
        logins=login_rows(admin_id),
        has_second_factor=second_factor.is_on(found),
        wrong=wrong,
        now=now(),
    )


@desk.post("/people/<id:admin_id>/role")
def change_role(admin_id: int) -> Page:
    try:
        role = _role(request.form.get("role", ""))
        before = admins.get(current_session(), admin_id).role
        changed = admins.change_role(current_session(), admin_id, role, by=current_admin().id)
    except (InvalidInput, Conflict) as error:
        return _person_page(admin_id, role=_sentence(error)), _status(error)
    note("admin.role", f"admin {admin_id}", f"{before} -> {role.value}")
    return _done(f"{changed.address} is {_with_article(role)} now.", admin_id)


@desk.post("/people/<id:admin_id>/close")
def close(admin_id: int) -> Page:
    """Confirmed by typing the address."""
    found = admins.get(current_session(), admin_id)
    if request.form.get("address", "").strip().casefold() != found.address.casefold():
        return _person_page(admin_id, close=f"Type {found.address} to confirm"), 400
    try:
        admins.close(current_session(), admin_id, by=current_admin().id, now=now())
    except Conflict as error:
        return _person_page(admin_id, close=_sentence(error)), 409
    note("admin.closed", f"admin {admin_id}")
    return _done(f"{found.address} can log in no more; all their logins have ended.", admin_id)


@desk.post("/people/<id:admin_id>/reopen")
def reopen(admin_id: int) -> Response:
    found = admins.reopen(current_session(), admin_id)
    note("admin.reopened", f"admin {admin_id}")
    return _done(f"{found.address} may log in again.", admin_id)


@desk.post("/people/<id:admin_id>/link")
def mail_link(admin_id: int) -> Response:
    """Mail a link that sets a password: to who has none yet, or has forgotten it."""
    session, tokens = current_session(), wiring().tokens
    found: Admin = admins.get(session, admin_id)
    if found.password_hash:
        invitations.reset(session, admin_id, tokens=tokens, now=now())
        note("password.reset_sent", f"admin {admin_id}")
        return _done(f"A link that sets a new password is on its way to {found.address}.", admin_id)
    invitations.invite_again(session, admin_id, tokens=tokens, now=now())
    note("admin.invited_again", f"admin {admin_id}")
    return _done(f"Another invitation is on its way to {found.address}.", admin_id)


@desk.post("/people/<id:admin_id>/second-factor/off")
def drop_second_factor(admin_id: int) -> Response:
    """For who has lost the device and the recovery codes."""
    found = admins.locked(current_session(), admin_id)
    second_factor.switch_off(current_session(), found)
    note("second_factor.dropped", f"admin {admin_id}")
    return _done(f"{found.address} logs in by the password alone now.", admin_id)


@desk.post("/people/<id:admin_id>/logins/<handle>/end")
def end_login_of(admin_id: int, handle: str) -> Response:
    found = admins.get(current_session(), admin_id)
    if admin_sessions.end_by_handle(current_session(), admin_id, handle):
        note("login.ended", f"admin {admin_id}")
    return _done(f"That login of {found.address} has ended.", admin_id)


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise InvalidInput("choose one of the roles") from None


def _with_article(role: Role) -> str:
    return f"{'an' if role.value[0] in 'ao' else 'a'} {role.value}"


def _done(message: str, admin_id: int | None = None) -> Response:
    current_session().commit()
    flash(message)
    url = url_for("desk.people") if admin_id is None else url_for("desk.person", admin_id=admin_id)
    return redirect(url, 303)


def _status(error: InvalidInput | Conflict) -> int:
    return 409 if isinstance(error, Conflict) else 400


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}"
