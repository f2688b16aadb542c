"""What a reader changes on their own page: each part of it is a form of its own, and is saved by itself."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from newsletter.domain.states import SubscriberState
from newsletter.services import fresh_links, preferences
from newsletter.storage.places import gazetteer
from newsletter.web.database import current_session
from newsletter.web.readers import manage_form
from newsletter.web.readers.manage_form import ManageForm, PauseForm
from newsletter.web.readers.own_page import OwnLink, by_own_link, inactive_page, own_page
from newsletter.web.readers.shared import origin, readers, subscriber_shown
from newsletter.web.wiring import now, wiring


@readers.get("/manage/<token>", endpoint="manage_form")
@by_own_link
def show(link: OwnLink) -> ResponseReturnValue:
    subscriber = subscriber_shown(link.subscriber_id)
    if subscriber.state != SubscriberState.ACTIVE.value:
        return inactive_page(link, subscriber)
    return own_page(link, subscriber)


@readers.post("/manage/<token>")
@by_own_link
def manage(link: OwnLink) -> ResponseReturnValue:
    session = current_session()
    subscriber = preferences.subscriber_of_link(session, link.subscriber_id)
    form = ManageForm.read(request.form)
    subjects = form.check_follow(gazetteer())
    if not subjects:
        return own_page(link, subscriber, follow=form), 400
    came_from = origin("/manage", form.consent)
    preferences.change(session, subscriber, subjects, alerts_at_once=form.alerts_at_once, origin=came_from, now=now())
    session.commit()
    return saved(link, "follow")


@readers.post("/manage/<token>/format")
@by_own_link
def set_format(link: OwnLink) -> ResponseReturnValue:
    session = current_session()
    subscriber = preferences.subscriber_of_link(session, link.subscriber_id)
    text_only = bool(request.form.get("text_only"))
    words = f"{manage_form.TEXT_WORDS}: {'yes' if text_only else 'no'}. {manage_form.FORMAT_WORDS}"
    preferences.set_text_only(session, subscriber, text_only, origin=origin("/manage/format", words), now=now())
    session.commit()
    return saved(link, "format")


@readers.post("/manage/<token>/pause")
@by_own_link
def pause(link: OwnLink) -> ResponseReturnValue:
    session = current_session()
    subscriber = preferences.subscriber_of_link(session, link.subscriber_id)
    form = PauseForm.read(request.form)
    months = form.check()
    if months is None:
        return own_page(link, subscriber, pause=form), 400
    came_from = origin("/manage/pause", f"{manage_form.PAUSE_WORDS}: for {months} months")
    zone = wiring().settings.zone
    preferences.pause(session, subscriber, months, zone=zone, origin=came_from, now=now())
    session.commit()
    return saved(link, "pause")


@readers.post("/manage/<token>/resume")
@by_own_link
def resume(link: OwnLink) -> ResponseReturnValue:
    session = current_session()
    subscriber = preferences.subscriber_of_link(session, link.subscriber_id)
    came_from = origin("/manage/resume", manage_form.RESUME_WORDS)
    preferences.resume(session, subscriber, origin=came_from, now=now())
    session.commit()
    return saved(link, "resume")


@readers.post("/manage/<token>/link")
def send_link(token: str) -> ResponseReturnValue:
    """Send a new link to the mailbox that the old one, of whatever age, came from."""
    session = current_session()
    subscriber = preferences.subscriber_of_link(session, OwnLink.read(token).subscriber_id)
    fresh_links.send(session, subscriber, now=now())
    session.commit()
    return redirect(url_for("readers.manage_link_asked"), 303)


def saved(link: OwnLink, part: str) -> ResponseReturnValue:
    """Back to the page, which says what was saved."""
    return redirect(url_for("readers.manage_form", token=link.token, saved=part), 303)
