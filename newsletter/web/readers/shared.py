"""What the pages for readers have in common."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, render_template, request

from newsletter.domain import subject
from newsletter.errors import LinkInvalid
from newsletter.mail.links import Purpose
from newsletter.services import editorial
from newsletter.services.consents import Origin
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber
from newsletter.web import picker
from newsletter.web.database import current_session
from newsletter.web.wiring import now, wiring

readers = Blueprint("readers", __name__)


def subscriber_shown(subscriber_id: int) -> Subscriber:
    """For pages that only show: no row is locked. Raises LinkInvalid."""
    found = current_session().get(Subscriber, subscriber_id)
    if found is None:
        raise LinkInvalid("nobody is subscribed by this link any more")
    return found


def origin(source: str, text: str) -> Origin:
    """Where an act of a reader comes from: the form, and the words shown beside its button."""
    return Origin(source=source, text=text, ip=request.remote_addr)


def full_picker(ticked: tuple[str, ...]) -> picker.Picker:
    """The whole choice, with these subjects ticked."""
    return picker.full(ticked, editorial.covered(current_session()), gazetteer())


def names(subjects: Iterable[str]) -> list[str]:
    """The names of subjects, in words."""
    return [subject.name(each, gazetteer()) for each in subjects]


def confirmed_page(subscriber: Subscriber) -> str:
    """What somebody sees who is subscribed now."""
    follows = names(subject.split(subscriber.follows))
    # Dated: they have just followed a link that only their mailbox has.
    manage = wiring().tokens.make_dated(Purpose.MANAGE, subscriber.id, at=now())
    return render_template("confirmed.html", subscriber=subscriber, follows=follows, manage_token=manage)
