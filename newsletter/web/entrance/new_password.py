"""A password is chosen by the link of a mail: an invitation, or the answer to who has forgotten theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from newsletter.domain.networks import askers, read_ip
from newsletter.errors import InvalidInput, LinkError
from newsletter.mail.links import Purpose
from newsletter.services import admins, invitations, passwords
from newsletter.services.limits import Limit, Limits
from newsletter.storage.tables import Admin
from newsletter.web.database import current_session, reading
from newsletter.web.entrance.blueprint import entrance, note
from newsletter.web.forms import LONGEST_TYPED
from newsletter.web.wiring import now, wiring

MOST_ASKED = 20  #: for new passwords in an hour, by one address (IPv6: /64)
MOST_ASKED_IN_ALL = 1000

Page = Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What differs between the two links."""

    title: str
    endpoint: str
    act: str  #: for the audit log


_KINDS: Mapping[Purpose, _Kind] = {
    Purpose.INVITATION: _Kind("Choose your password", "access.invitation", "invitation.taken_up"),
    Purpose.PASSWORD_RESET: _Kind("Choose a new password", "access.password_reset", "password.set_by_link"),
}


@entrance.get("/forgotten")
def forgotten_form() -> str:
    return render_template("desk/forgotten.html", is_asked=False)


@entrance.post("/forgotten")
def ask_for_reset() -> str:
    """Whoever asks, and for whatever address: the answer is the same."""
    database = current_session()
    limits = _limits()
    if limits.reached(database) is None:
        address = request.form.get("address", "")[:LONGEST_TYPED]
        admin = invitations.ask_for_reset(database, address, tokens=wiring().tokens, now=now())
        if admin is not None:
            # Whoever asks has not shown who they are.
            note(admin, "password.reset_asked", by="somebody")
        limits.count(database)
        database.commit()
    return render_template("desk/forgotten.html", is_asked=True)


def _limits() -> Limits:
    limits = [Limit("all", "", MOST_ASKED_IN_ALL)]
    ip = read_ip(request.remote_addr or "")
    if ip is not None and not ip.is_loopback:
        limits.insert(0, Limit("ip", str(askers(ip)[0]), MOST_ASKED))
    return Limits("reset", limits, tokens=wiring().tokens, now=now())


# The part of the address is not called a token: pages with one send no Referer, and a form of the desk needs it.
@entrance.get("/invitation/<key>")
def invitation(key: str) -> Page:
    return _form(Purpose.INVITATION, key)


@entrance.post("/invitation/<key>")
def take_up_invitation(key: str) -> Page:
    return _choose(Purpose.INVITATION, key)


@entrance.get("/reset/<key>")
def password_reset(key: str) -> Page:
    return _form(Purpose.PASSWORD_RESET, key)


@entrance.post("/reset/<key>")
def reset_password(key: str) -> Page:
    return _choose(Purpose.PASSWORD_RESET, key)


def _form(purpose: Purpose, key: str) -> Page:
    try:
        admin = invitations.opened(current_session(), purpose, key, tokens=wiring().tokens, now=now())
    except LinkError:
        return _dead()
    return _password_page(purpose, key, admin, None), 200


def _choose(purpose: Purpose, key: str) -> Page:
    """Hash the password before the transaction: that takes long."""
    tokens, problem, password_hash = wiring().tokens, None, ""
    try:
        with reading() as looking:
            invitations.opened(looking, purpose, key, tokens=tokens, now=now())
        password_hash = passwords.hashed(request.form.get("password", ""))
    except InvalidInput as error:
        problem = str(error)
    except LinkError:
        return _dead()
    database = current_session()
    try:
        admin = invitations.opened(database, purpose, key, tokens=tokens, now=now(), to_change=True)
    except LinkError:
        return _dead()
    if problem is not None:
        return _password_page(purpose, key, admin, f"{problem[:1].upper()}{problem[1:]}"), 400
    admins.set_password(database, admin, password_hash)
    note(admin, _KINDS[purpose].act)
    database.commit()
    session.clear()
    flash("Your password is set. Log in with it.")
    return redirect(url_for("access.log_in_form"), 303)


def _password_page(purpose: Purpose, key: str, admin: Admin, error: str | None) -> str:
    return render_template(
        "desk/new_password.html",
        kind=_KINDS[purpose],
        key=key,
        address=admin.address,
        error=error,
        shortest=passwords.SHORTEST,
        longest=passwords.LONGEST,
    )


def _dead() -> tuple[str, int]:
    return render_template("desk/dead_link.html"), 410
