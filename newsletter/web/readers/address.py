"""A new address: asked for on the reader's own page, and taken by the page behind the link in the question."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from newsletter.mail.links import ADDRESS_LIFETIME, Purpose
from newsletter.services import address_changes, moves, preferences
from newsletter.services.address_changes import Changing
from newsletter.storage.tables import AddressChange
from newsletter.web.database import current_session
from newsletter.web.forms import SignupForm
from newsletter.web.readers import manage_form
from newsletter.web.readers.manage import saved
from newsletter.web.readers.own_page import OwnLink, by_fresh_link, own_page
from newsletter.web.readers.shared import else_expired, origin, readers
from newsletter.web.wiring import now, wiring


@readers.post("/manage/<token>/address")
@by_fresh_link
def ask_address(link: OwnLink) -> ResponseReturnValue:
    """The answer is the same for every address: nobody learns from it who is subscribed."""
    session = current_session()
    subscriber = preferences.subscriber_of_link(session, link.subscriber_id)
    form = SignupForm.read(request.form)
    address = form.check_email()
    if address is None or form.asks_back(address):
        return own_page(link, subscriber, address=form), 400
    came_from = origin("/manage/address", manage_form.ASK_ADDRESS_WORDS)
    address_changes.request(session, subscriber, address, origin=came_from, tokens=wiring().tokens, now=now())
    session.commit()
    return saved(link, "address")


@readers.get("/address/<token>")
@else_expired("address_impossible.html")
def address_form(token: str) -> ResponseReturnValue:
    session = current_session()
    change = address_changes.of_question(session, _read_question(token))
    found = address_changes.changing(session, change, tokens=wiring().tokens)
    if found is not Changing.POSSIBLE or change is None:
        return _changed_page(found, change)
    button = manage_form.TAKE_ADDRESS_WORDS
    return render_template("address.html", token=token, new_address=change.address, button=button)


@readers.post("/address/<token>")
@else_expired("address_impossible.html")
def take_address(token: str) -> ResponseReturnValue:
    session, notice_id = current_session(), _read_question(token)
    came_from = origin("/address", manage_form.TAKE_ADDRESS_WORDS)
    found = address_changes.confirm(session, notice_id, origin=came_from, tokens=wiring().tokens, now=now())
    page = _changed_page(found, address_changes.of_question(session, notice_id))
    session.commit()
    return page


def _read_question(token: str) -> int:
    return wiring().tokens.read_dated(Purpose.ADDRESS, token, now=now(), lifetime=ADDRESS_LIFETIME)


def _changed_page(found: Changing, change: AddressChange | None) -> ResponseReturnValue:
    """It is changed; or it can't be any more, and why."""
    if found in (Changing.POSSIBLE, Changing.DONE) and change is not None:
        # As old as the change: who opens the question's link again has none that is good for longer.
        changed_at = moves.moved_at(current_session(), change.subscriber_id) or change.requested_at
        manage = wiring().tokens.make_dated(Purpose.MANAGE, change.subscriber_id, at=changed_at)
        return render_template("address_changed.html", new_address=change.address, manage_token=manage)
    page = render_template("address_impossible.html", reason=found.name.lower())
    return page, 409 if found is Changing.TAKEN else 410
