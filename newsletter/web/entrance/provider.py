"""Logging in by an identity provider: there by a link, and back with a code, which is taken by a button.

A look at a page changes nothing, and nobody is made by logging in like this: an admin is found by the address that the
provider has verified the first time, and by the provider's own name for them from then on.
"""

from __future__ import annotations

import hmac
import logging
from datetime import timedelta

from flask import abort, redirect, render_template, request, session, url_for

from newsletter.errors import IdentityUnknown
from newsletter.services import admins
from newsletter.web.database import current_session
from newsletter.web.entrance.blueprint import entrance, note
from newsletter.web.entrance.login import Page, go_on, login_page
from newsletter.web.identity import Begun, Provider
from newsletter.web.wiring import now, wiring

log = logging.getLogger(__name__)

_LIFETIME = timedelta(minutes=15)  #: of a login at the provider
_BEGUN = "provider"
_FAILED = "The provider could not say who you are. Try again; if it stays like this, log in by your password."
_UNKNOWN = "Nobody at this desk is known by that login. Ask an owner to invite the address that you use there."


@entrance.get("/login/provider")
def ask_provider() -> Page:
    try:
        url, begun = _provider().begin()
    except IdentityUnknown as error:
        return _failed(error)
    following = request.args.get("next", "")
    session[_BEGUN] = [begun.state, begun.nonce, begun.verifier, int(now().timestamp()), following]
    return redirect(url)


@entrance.get("/login/provider/back")
def back_from_provider() -> Page:
    """Shows the button that takes the code; a script presses it."""
    _provider()
    code, state = request.args.get("code", ""), request.args.get("state", "")
    # RFC 9207: whose answer this is, where the provider says it.
    issuer = request.args.get("iss", wiring().settings.oidc_issuer)
    if not code or _begun(state) is None or issuer != wiring().settings.oidc_issuer:
        return login_page("", _FAILED), 403
    return render_template("desk/back_from_provider.html", code=code, state=state), 200


@entrance.post("/login/provider/back")
def log_in_by_provider() -> Page:
    provider, found = _provider(), _begun(request.form.get("state", ""))
    session.pop(_BEGUN, None)  # it is good once
    if found is None:
        return login_page("", _FAILED), 403
    begun, following = found
    try:
        identity = provider.finish(request.form.get("code", ""), begun, now=now())
    except IdentityUnknown as error:
        return _failed(error)
    admin = admins.of_identity(current_session(), identity.subject, identity.address)
    if admin is None:
        return login_page("", _UNKNOWN), 403
    if admin.oidc_subject is None:
        admin.oidc_subject = identity.subject
        note(admin, "login.linked", "with the identity provider")
    return go_on(admin, following)


def _provider() -> Provider:
    settings = wiring().settings
    if not settings.oidc_issuer:
        abort(404)
    redirect_uri = wiring().publication.links.base_url + url_for("access.back_from_provider")
    return Provider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, redirect_uri)


def _begun(state: str) -> tuple[Begun, str] | None:
    """The login that this browser has begun, if it is this one; and where to go after it."""
    kept = session.get(_BEGUN)
    if kept is None:
        return None
    expected, nonce, verifier, at, following = kept
    is_new = timedelta(seconds=now().timestamp() - at) <= _LIFETIME
    if not is_new or not hmac.compare_digest(expected.encode(), state.encode()):
        return None
    return Begun(expected, nonce, verifier), following


def _failed(error: IdentityUnknown) -> tuple[str, int]:
    log.warning("nobody is logged in: %s", error)
    return login_page("", _FAILED), 502
