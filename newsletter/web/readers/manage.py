"""A reader's own page: what they follow, and how they get it."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain import subject
from newsletter.domain.states import SubscriberState
from newsletter.mail.links import Purpose
from newsletter.services import preferences
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber
from newsletter.web import forms
from newsletter.web.database import current_session
from newsletter.web.forms import ManageForm
from newsletter.web.readers.shared import full_picker, origin, readers, subscriber_shown
from newsletter.web.wiring import now, wiring


@readers.get("/manage/<token>")
def manage_form(token: str) -> str:
    subscriber = subscriber_shown(wiring().tokens.read(Purpose.MANAGE, token))
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
    came_from = origin("/manage", form.consent)
    preferences.change(session, subscriber, subjects, alerts_at_once=form.alerts_at_once, origin=came_from, now=now())
    session.commit()
    return redirect(url_for("readers.manage_form", token=token, saved="yes"), 303)


def _manage_page(token: str, subscriber: Subscriber, form: ManageForm, *, saved: bool) -> str:
    return render_template(
        "manage.html",
        token=token,
        subscriber=subscriber,
        form=form,
        picker=full_picker(form.follow),
        saved=saved,
        button=forms.CHANGE_WORDS,
        alerts_words=forms.ALERTS_WORDS,
        leave_token=wiring().tokens.make(Purpose.UNSUBSCRIBE, subscriber.id),
    )
