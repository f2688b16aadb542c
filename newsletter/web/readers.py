"""The subscription form, and the pages behind the links in mails.

None of these forms has a CSRF token, and none of these pages a cookie: there is nothing that a forged request could
ride on. Asking for a subscription is open to everybody, and does nothing but ask the owner of the address. All else
takes its authority from the token in the page's address, which only the mail holds. Mail programs that unsubscribe in
one click (RFC 8058) bring neither cookie nor CSRF token, and must not need them.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain import subject
from newsletter.domain.states import SubscriberState
from newsletter.errors import LinkInvalid, SubscriptionEnded
from newsletter.mail.links import CONFIRMATION_LIFETIME, UNDO_LIFETIME, Purpose
from newsletter.services import editorial, leaving, preferences, signup
from newsletter.services.consents import Origin
from newsletter.services.leaving import Undo
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber
from newsletter.web import forms, picker
from newsletter.web.database import current_session
from newsletter.web.forms import ManageForm, SignupForm
from newsletter.web.wiring import now, wiring

readers = Blueprint("readers", __name__)


@readers.get("/subscribe")
def subscribe_form() -> str:
    ticked = forms.known(request.args.getlist("follow"), gazetteer())
    return _signup_page(SignupForm(follow=ticked))


@readers.post("/subscribe")
def subscribe() -> Response | tuple[str, int]:
    """The answer is the same for every address, and takes as long, so that nobody can learn who is subscribed."""
    form = SignupForm.read(request.form)
    address, subjects = form.check_email(), form.check_follow(gazetteer())
    if address is None or not subjects:
        return _signup_page(form), 400
    session = current_session()
    origin = _origin("/subscribe", form.consent(wiring().publication))
    signup.request(session, address, subjects, origin=origin, tokens=wiring().tokens, now=now())
    session.commit()
    return redirect(url_for("readers.subscribe_asked"), 303)


def _signup_page(form: SignupForm) -> str:
    return render_template("subscribe.html", form=form, picker=_picker(form.follow))


@readers.get("/subscribe/check-your-mail")
def subscribe_asked() -> str:
    return render_template("check_your_mail.html", lifetime_days=CONFIRMATION_LIFETIME.days)


@readers.get("/confirm/<token>")
def confirm_form(token: str) -> str:
    subscriber = _subscriber(_read_confirmation(token))
    if subscriber.state == SubscriberState.ENDED.value:
        raise SubscriptionEnded("this subscription has ended")
    if subscriber.state == SubscriberState.ACTIVE.value:
        return _confirmed_page(subscriber)
    asked = [each.subject for each in preferences.live_subscriptions(current_session(), subscriber.id)]
    return render_template(
        "confirm.html", token=token, subscriber=subscriber, follows=_names(asked), button=forms.CONFIRM_WORDS
    )


@readers.post("/confirm/<token>")
def confirm(token: str) -> str:
    session = current_session()
    origin = _origin("/confirm", forms.CONFIRM_WORDS)
    subscriber = signup.confirm(session, _read_confirmation(token), origin=origin, now=now())
    page = _confirmed_page(subscriber)
    session.commit()
    return page


def _read_confirmation(token: str) -> int:
    return wiring().tokens.read_dated(Purpose.CONFIRM, token, now=now(), lifetime=CONFIRMATION_LIFETIME)


def _confirmed_page(subscriber: Subscriber) -> str:
    follows = _names(subject.split(subscriber.follows))
    manage = wiring().tokens.make(Purpose.MANAGE, subscriber.id)
    return render_template("confirmed.html", subscriber=subscriber, follows=follows, manage_token=manage)


@readers.get("/manage/<token>")
def manage_form(token: str) -> str:
    subscriber = _subscriber(wiring().tokens.read(Purpose.MANAGE, token))
    if subscriber.state != SubscriberState.ACTIVE.value:
        return render_template("manage_inactive.html", subscriber=subscriber)
    form = ManageForm(subject.split(subscriber.follows), alerts_at_once=subscriber.alerts_at_once)
    return _manage_page(token, subscriber, form, saved="saved" in request.args)


@readers.post("/manage/<token>")
def manage(token: str) -> Response | tuple[str, int]:
    session = current_session()
    subscriber = preferences.subscriber_of_link(session, wiring().tokens.read(Purpose.MANAGE, token))
    form = ManageForm.read(request.form)
    subjects = form.check_follow(gazetteer())
    if not subjects:
        return _manage_page(token, subscriber, form, saved=False), 400
    origin = _origin("/manage", form.consent)
    preferences.change(session, subscriber, subjects, alerts_at_once=form.alerts_at_once, origin=origin, now=now())
    session.commit()
    return redirect(url_for("readers.manage_form", token=token, saved="yes"), 303)


def _manage_page(token: str, subscriber: Subscriber, form: ManageForm, *, saved: bool) -> str:
    return render_template(
        "manage.html",
        token=token,
        subscriber=subscriber,
        form=form,
        picker=_picker(form.follow),
        saved=saved,
        button=forms.CHANGE_WORDS,
        alerts_words=forms.ALERTS_WORDS,
        leave_token=wiring().tokens.make(Purpose.UNSUBSCRIBE, subscriber.id),
    )


@readers.get("/unsubscribe/<token>")
def unsubscribe_form(token: str) -> str:
    subscriber_id = wiring().tokens.read(Purpose.UNSUBSCRIBE, token)
    subscriber = current_session().get(Subscriber, subscriber_id)
    if subscriber is None or subscriber.state == SubscriberState.ENDED.value:
        return render_template("unsubscribed.html")
    manage = wiring().tokens.make(Purpose.MANAGE, subscriber_id)
    return render_template(
        "unsubscribe.html", token=token, subscriber=subscriber, manage_token=manage, button=forms.LEAVE_WORDS
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
        leaving.leave(session, subscriber, origin=_leaving(), tokens=wiring().tokens, now=now())
        session.commit()
    return render_template("unsubscribed.html")


def _leaving() -> Origin:
    if request.form.get("List-Unsubscribe") == "One-Click":
        return _origin("one click", "List-Unsubscribe=One-Click")
    return _origin("/unsubscribe", forms.LEAVE_WORDS)


@readers.get("/undo/<token>")
def undo_form(token: str) -> str | tuple[str, int]:
    subscriber_id, left_at = _read_undo(token)
    session = current_session()
    subscriber = session.get(Subscriber, subscriber_id)
    found = leaving.undoing(session, subscriber, left_at, tokens=wiring().tokens)
    if found is not Undo.POSSIBLE or subscriber is None:
        return _undone_page(found, subscriber)
    return render_template(
        "undo.html",
        token=token,
        subscriber=subscriber,
        follows=_names(leaving.given_up(session, subscriber)),
        alerts_words=forms.ALERTS_WORDS,
        button=forms.UNDO_WORDS,
    )


@readers.post("/undo/<token>")
def undo(token: str) -> str | tuple[str, int]:
    subscriber_id, left_at = _read_undo(token)
    session = current_session()
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    origin = _origin("/undo", forms.UNDO_WORDS)
    found = leaving.undo(session, subscriber, left_at, origin=origin, tokens=wiring().tokens, now=now())
    page = _undone_page(found, subscriber)
    session.commit()
    return page


def _read_undo(token: str) -> tuple[int, datetime]:
    return wiring().tokens.read_made(Purpose.UNDO, token, now=now(), lifetime=UNDO_LIFETIME)


def _undone_page(found: Undo, subscriber: Subscriber | None) -> str | tuple[str, int]:
    """They are subscribed; or it can't be undone any more, and why."""
    if found in (Undo.POSSIBLE, Undo.NEEDLESS) and subscriber is not None:
        return _confirmed_page(subscriber)
    return render_template("undo_impossible.html", reason=found.name.lower()), 410


def _subscriber(subscriber_id: int) -> Subscriber:
    """For pages that only show: no row is locked."""
    found = current_session().get(Subscriber, subscriber_id)
    if found is None:
        raise LinkInvalid("nobody is subscribed by this link any more")
    return found


def _origin(source: str, text: str) -> Origin:
    return Origin(source=source, text=text, ip=request.remote_addr)


def _picker(ticked: tuple[str, ...]) -> picker.Picker:
    return picker.full(ticked, editorial.covered(current_session()), gazetteer())


def _names(subjects: list[str] | tuple[str, ...]) -> list[str]:
    return [subject.name(each, gazetteer()) for each in subjects]
