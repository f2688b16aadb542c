"""Unsubscribe, and undo."""

from __future__ import annotations

from datetime import datetime

from flask import render_template, request
from flask.typing import ResponseReturnValue

from newsletter.domain.states import SubscriberState
from newsletter.mail.links import UNDO_LIFETIME, Purpose
from newsletter.services import leaving
from newsletter.services.consents import Origin
from newsletter.services.leaving import Undo
from newsletter.storage.tables import Subscriber
from newsletter.web import forms
from newsletter.web.database import current_session
from newsletter.web.readers import manage_form
from newsletter.web.readers.shared import confirmed_page, else_expired, masked, names, origin, readers
from newsletter.web.wiring import now, wiring


@readers.get("/unsubscribe/<token>")
def unsubscribe_form(token: str) -> str:
    subscriber_id = wiring().tokens.read(Purpose.UNSUBSCRIBE, token)
    subscriber = current_session().get(Subscriber, subscriber_id)
    if subscriber is None or subscriber.state == SubscriberState.ENDED.value:
        return render_template("unsubscribed.html")
    manage = wiring().tokens.make(Purpose.MANAGE, subscriber_id)
    return render_template(
        "unsubscribe.html",
        token=token,
        is_active=subscriber.state == SubscriberState.ACTIVE.value,
        address=masked(subscriber.address),
        manage_token=manage,
        button=forms.LEAVE_WORDS,
        reasons=manage_form.REASONS,
        longest_words=manage_form.LONGEST_WORDS,
    )


@readers.post("/unsubscribe/<token>")
def unsubscribe(token: str) -> str:
    """The button's target, and a mail program's one click (RFC 8058, 3.2): whatever the body holds, it means the same.

    Who has left before, or is erased, gets the same answer: there is no more mail for them.
    """
    subscriber_id = wiring().tokens.read(Purpose.UNSUBSCRIBE, token)
    session = current_session()
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is not None:
        reason = manage_form.leaving_reason(request.form)
        leaving.leave(session, subscriber, reason=reason, origin=_leaving(), tokens=wiring().tokens, now=now())
        session.commit()
    return render_template("unsubscribed.html")


def _leaving() -> Origin:
    if request.form.get("List-Unsubscribe") == "One-Click":
        return origin("one click", "List-Unsubscribe=One-Click")
    return origin("/unsubscribe", forms.LEAVE_WORDS)


@readers.get("/undo/<token>")
@else_expired("undo_impossible.html")
def undo_form(token: str) -> ResponseReturnValue:
    subscriber_id, left_at = _read_undo(token)
    session = current_session()
    subscriber = session.get(Subscriber, subscriber_id)
    found = leaving.undoing(session, subscriber, left_at, tokens=wiring().tokens)
    if found is not Undo.POSSIBLE or subscriber is None:
        return _undone_page(found, subscriber, left_at)
    return render_template(
        "undo.html",
        token=token,
        subscriber=subscriber,
        follows=names(leaving.given_up(session, subscriber)),
        alerts_words=forms.ALERTS_WORDS,
        button=forms.UNDO_WORDS,
    )


@readers.post("/undo/<token>")
@else_expired("undo_impossible.html")
def undo(token: str) -> ResponseReturnValue:
    subscriber_id, left_at = _read_undo(token)
    session = current_session()
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    came_from = origin("/undo", forms.UNDO_WORDS)
    found = leaving.undo(session, subscriber, left_at, origin=came_from, tokens=wiring().tokens, now=now())
    page = _undone_page(found, subscriber, left_at)
    session.commit()
    return page


def _read_undo(token: str) -> tuple[int, datetime]:
    return wiring().tokens.read_made(Purpose.UNDO, token, now=now(), lifetime=UNDO_LIFETIME)


def _undone_page(found: Undo, subscriber: Subscriber | None, left_at: datetime) -> ResponseReturnValue:
    """They are subscribed; or it can't be undone any more, and why."""
    if found in (Undo.POSSIBLE, Undo.NEEDLESS) and subscriber is not None:
        return confirmed_page(subscriber, left_at)
    return render_template("undo_impossible.html", reason=found.name.lower()), 410
