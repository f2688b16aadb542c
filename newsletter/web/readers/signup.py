"""The subscription form, the answer to a confirmation mail, and the form for who has lost the link to their page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import g, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from newsletter.domain.states import SubscriberState
from newsletter.errors import LinkExpired, SubscriptionEnded
from newsletter.mail.links import CONFIRMATION_LIFETIME, Purpose
from newsletter.services import moves, preferences
from newsletter.services import signup as signup_
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber
from newsletter.web import forms, gate
from newsletter.web.database import current_session
from newsletter.web.forms import SignupForm
from newsletter.web.gate import Refusal
from newsletter.web.readers.shared import confirmed_page, full_picker, names, origin, readers, subscriber_shown
from newsletter.web.wiring import now, wiring

readers.app_template_global("guard")(gate.guard)
readers.after_app_request(gate.finish)


@readers.get("/subscribe")
def subscribe_form() -> str:
    ticked = forms.known(request.args.getlist("follow"), gazetteer())
    return _signup_page(SignupForm(follow=ticked))


@readers.post("/subscribe")
def subscribe() -> AnyResponse:
    """The answer is the same for every address, and takes as long, so that nobody can learn who is subscribed."""
    form = SignupForm.read(request.form)
    address, subjects = form.check_email(), form.check_follow(gazetteer())
    if address is None or not subjects or form.asks_back(address):
        return make_response(_signup_page(form), 400)
    came_from = origin(request.path, form.consent(wiring().publication))

    def ask(session: Session, keep: bool) -> None:
        signup_.request(session, address, subjects, origin=came_from, tokens=wiring().tokens, now=now(), keep=keep)

    refusal = gate.pass_through(request.form, address, ask)
    if refusal is not None:
        return _refused(refusal, form, _signup_page)
    return redirect(url_for("readers.subscribe_asked"), 303)


def _signup_page(form: SignupForm) -> str:
    _keep_in_mind(form)
    return render_template("subscribe.html", form=form, picker=full_picker(form.follow))


def _keep_in_mind(form: SignupForm) -> None:
    """An address that is asked back about is asked about once: parts/guard.html puts it into the form."""
    if form.suggestion is not None:
        g.as_typed = form.email


def _refused(refusal: Refusal, form: SignupForm, page: Callable[[SignupForm], str]) -> AnyResponse:
    """The form once more, as it was, with what there is to say."""
    form.errors["email"] = refusal.words
    response = make_response(page(form), refusal.status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


@readers.get("/subscribe/check-your-mail")
def subscribe_asked() -> str:
    return render_template("check_your_mail.html", lifetime_days=CONFIRMATION_LIFETIME.days)


@readers.get("/manage")
def manage_link_form() -> str:
    return _manage_link_page(SignupForm())


@readers.post("/manage")
def manage_link() -> AnyResponse:
    """For who has lost their link; as silent about who is subscribed as the other form."""
    form = SignupForm.read(request.form)
    address = form.check_email()
    if address is None or form.asks_back(address):
        return make_response(_manage_link_page(form), 400)

    def send(session: Session, keep: bool) -> None:
        signup_.send_manage_link(session, address, tokens=wiring().tokens, now=now(), keep=keep)

    refusal = gate.pass_through(request.form, address, send)
    if refusal is not None:
        return _refused(refusal, form, _manage_link_page)
    return redirect(url_for("readers.manage_link_asked"), 303)


def _manage_link_page(form: SignupForm) -> str:
    _keep_in_mind(form)
    return render_template("manage_link.html", form=form)


@readers.get("/manage/check-your-mail")
def manage_link_asked() -> str:
    return render_template("manage_link_asked.html")


@readers.get("/confirm/<token>")
def confirm_form(token: str) -> str:
    subscriber_id, made_at = _read_confirmation(token)
    subscriber = subscriber_shown(subscriber_id)
    if subscriber.state == SubscriberState.ENDED.value:
        raise SubscriptionEnded("this subscription has ended")
    if subscriber.state == SubscriberState.ACTIVE.value:
        return confirmed_page(subscriber, made_at)
    asked = [each.subject for each in preferences.live_subscriptions(current_session(), subscriber.id)]
    return render_template(
        "confirm.html", token=token, subscriber=subscriber, follows=names(asked), button=forms.CONFIRM_WORDS
    )


@readers.post("/confirm/<token>")
def confirm(token: str) -> str:
    session, tokens = current_session(), wiring().tokens
    came_from = origin("/confirm", forms.CONFIRM_WORDS)
    subscriber_id, made_at = _read_confirmation(token)
    subscriber = signup_.confirm(session, subscriber_id, origin=came_from, tokens=tokens, now=now())
    page = confirmed_page(subscriber, made_at)
    session.commit()
    return page


def _read_confirmation(token: str) -> tuple[int, datetime]:
    """The subscriber's id, and when the question was put. Raises LinkInvalid or LinkExpired.

    Who is asked at a new address can't say yes by a question that went to the old one.
    """
    subscriber_id, made_at = wiring().tokens.read_made(
        Purpose.CONFIRM, token, now=now(), lifetime=CONFIRMATION_LIFETIME
    )
    session = current_session()
    subscriber = session.get(Subscriber, subscriber_id)
    is_asked = subscriber is not None and subscriber.state == SubscriberState.PENDING.value
    if is_asked and moves.is_from_before(session, subscriber_id, made_at):
        raise LinkExpired("this link went to an address that was given up since")
    return subscriber_id, made_at
