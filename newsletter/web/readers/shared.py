"""What the pages for readers have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import wraps

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from newsletter.domain import subject
from newsletter.errors import LinkExpired, LinkInvalid
from newsletter.mail.links import Purpose
from newsletter.services import editorial, moves
from newsletter.services.consents import Origin
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber
from newsletter.web import picker
from newsletter.web.database import current_session
from newsletter.web.wiring import wiring

readers = Blueprint("readers", __name__)

View = Callable[[str], ResponseReturnValue]


def else_expired(template: str) -> Callable[[View], View]:
    """For a view behind a dated link: once it is too old, this page says what can be done instead."""

    def decorate(view: View) -> View:
        @wraps(view)
        def read(token: str) -> ResponseReturnValue:
            try:
                return view(token)
            except LinkExpired:
                return render_template(template, reason="expired"), 410

        return read

    return decorate


def subscriber_shown(subscriber_id: int) -> Subscriber:
    """For pages that only show: no row is locked. Raises LinkInvalid."""
    found = current_session().get(Subscriber, subscriber_id)
    if found is None:
        raise LinkInvalid("nobody is subscribed by this link any more")
    return found


def masked(address: str) -> str:
    """An address for who may not learn it: its owner knows it by its first letters, such as s…@p…"""
    local_part, _, domain = address.rpartition("@")
    return f"{local_part[:1]}…@{domain[:1]}…"


def origin(source: str, text: str) -> Origin:
    """Where an act of a reader comes from: the form, and the words shown beside its button."""
    return Origin(source=source, text=text, ip=request.remote_addr)


def full_picker(ticked: tuple[str, ...]) -> picker.Picker:
    """The whole choice, with these subjects ticked."""
    return picker.full(ticked, editorial.covered(current_session()), gazetteer())


def names(subjects: Iterable[str]) -> list[str]:
    """The names of subjects, in words."""
    return [subject.name(each, gazetteer()) for each in subjects]


def confirmed_page(subscriber: Subscriber, made_at: datetime) -> str:
    """What somebody sees who is subscribed now, by a link that was made at `made_at`.

    The link on it is as old as theirs, so that none is good for longer than the mail it came in; and the address is
    shown only if that mail went to it.
    """
    return render_template(
        "confirmed.html",
        address=None if moves.is_from_before(current_session(), subscriber.id, made_at) else subscriber.address,
        follows=names(subject.split(subscriber.follows)),
        manage_token=wiring().tokens.make_dated(Purpose.MANAGE, subscriber.id, at=made_at),
    )
