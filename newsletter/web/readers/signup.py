"""The subscription form, and the answer to a confirmation mail."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.states import SubscriberState
from newsletter.errors import SubscriptionEnded
from newsletter.mail.links import CONFIRMATION_LIFETIME, Purpose
from newsletter.services import preferences
from newsletter.services import signup as signup_
from newsletter.storage.places import gazetteer
from newsletter.web import forms
from newsletter.web.database import current_session
from newsletter.web.forms import SignupForm
from newsletter.web.readers.shared import confirmed_page, full_picker, names, origin, readers, subscriber_shown
from newsletter.web.wiring import now, wiring


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
    came_from = origin("/subscribe", form.consent(wiring().publication))
    signup_.request(session, address, subjects, origin=came_from, tokens=wiring().tokens, now=now())
    session.commit()
    return redirect(url_for("readers.subscribe_asked"), 303)


def _signup_page(form: SignupForm) -> str:
    return render_template("subscribe.html", form=form, picker=full_picker(form.follow))


@readers.get("/subscribe/check-your-mail")
def subscribe_asked() -> str:
    return render_template("check_your_mail.html", lifetime_days=CONFIRMATION_LIFETIME.days)


@readers.get("/confirm/<token>")
def confirm_form(token: str) -> str:
    subscriber = subscriber_shown(_read_confirmation(token))
    if subscriber.state == SubscriberState.ENDED.value:
        raise SubscriptionEnded("this subscription has ended")
    if subscriber.state == SubscriberState.ACTIVE.value:
        return confirmed_page(subscriber)
    asked = [each.subject for each in preferences.live_subscriptions(current_session(), subscriber.id)]
    return render_template(
        "confirm.html", token=token, subscriber=subscriber, follows=names(asked), button=forms.CONFIRM_WORDS
    )


@readers.post("/confirm/<token>")
def confirm(token: str) -> str:
    session = current_session()
    came_from = origin("/confirm", forms.CONFIRM_WORDS)
    subscriber = signup_.confirm(session, _read_confirmation(token), origin=came_from, now=now())
    page = confirmed_page(subscriber)
    session.commit()
    return page


def _read_confirmation(token: str) -> int:
    return wiring().tokens.read_dated(Purpose.CONFIRM, token, now=now(), lifetime=CONFIRMATION_LIFETIME)
