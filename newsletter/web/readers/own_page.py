"""A reader's own page, and which links open it.

A digest's link works for ever: to leave, and to change what one follows, must always be possible. But old mails are
passed on, and lie in mailboxes that are somebody else's by now. So what can't be taken back, or tells who somebody is,
takes a link that was asked for in the last days, at the address of today: only who reads that mailbox now has it.
Any other link shows the address by its first letters. See docs/decisions/017.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from functools import wraps

from flask import render_template, request
from flask.typing import ResponseReturnValue

from newsletter.domain import subject
from newsletter.domain.states import SubscriberState
from newsletter.mail.links import ADDRESS_LIFETIME, MANAGE_LIFETIME, Purpose
from newsletter.services import address_changes, moves, preferences
from newsletter.services.preferences import LONGEST_PAUSE
from newsletter.storage.tables import Subscriber
from newsletter.web import forms
from newsletter.web.database import current_session
from newsletter.web.forms import SignupForm
from newsletter.web.readers import manage_form
from newsletter.web.readers.manage_form import ManageForm, PauseForm
from newsletter.web.readers.shared import full_picker, masked, subscriber_shown
from newsletter.web.wiring import now, wiring


class Age(Enum):
    """How much a link is good for."""

    LASTING = auto()  #: a digest's, without a date; or one that went to an address which was given up since
    FRESH = auto()
    EXPIRED = auto()


@dataclass(frozen=True, slots=True)
class OwnLink:
    """A link to a reader's own page."""

    token: str
    subscriber_id: int
    age: Age

    @classmethod
    def read(cls, token: str) -> OwnLink:
        """Raises LinkInvalid."""
        tokens = wiring().tokens
        if token.count(".") < 2:  # the middle part is the date
            return cls(token, tokens.read(Purpose.MANAGE, token), Age.LASTING)
        subscriber_id, made_at = tokens.read_however_old(Purpose.MANAGE, token)
        return cls(token, subscriber_id, _age(subscriber_id, made_at))

    @property
    def is_fresh(self) -> bool:
        return self.age is Age.FRESH

    def address_shown(self, subscriber: Subscriber) -> str:
        """The address as whoever holds this link may see it."""
        return subscriber.address if self.is_fresh else masked(subscriber.address)


def _age(subscriber_id: int, made_at: datetime) -> Age:
    if now() > made_at + MANAGE_LIFETIME:
        return Age.EXPIRED
    return Age.LASTING if moves.is_from_before(current_session(), subscriber_id, made_at) else Age.FRESH


View = Callable[[OwnLink], ResponseReturnValue]


def by_own_link(view: View) -> Callable[[str], ResponseReturnValue]:
    """For a view that any link opens which has not expired; else the page that sends a new one."""
    return _by(view, {Age.LASTING, Age.FRESH})


def by_fresh_link(view: View) -> Callable[[str], ResponseReturnValue]:
    """The same for a view that a digest's link is not enough for."""
    return _by(view, {Age.FRESH})


def _by(view: View, taken: set[Age]) -> Callable[[str], ResponseReturnValue]:
    @wraps(view)
    def read(token: str) -> ResponseReturnValue:
        link = OwnLink.read(token)
        return view(link) if link.age in taken else _renew_page(link)

    return read


def _renew_page(link: OwnLink) -> ResponseReturnValue:
    subscriber = subscriber_shown(link.subscriber_id)
    if subscriber.state != SubscriberState.ACTIVE.value:
        return inactive_page(link, subscriber)
    is_expired = link.age is Age.EXPIRED
    page = render_template(
        "manage_renew.html", link=link, is_expired=is_expired, days=MANAGE_LIFETIME.days, leave_token=_leave_token(link)
    )
    return page, 410 if is_expired else 403


def inactive_page(link: OwnLink, subscriber: Subscriber) -> str:
    """For who has left, or has not confirmed."""
    address = link.address_shown(subscriber)
    return render_template("manage_inactive.html", link=link, state=subscriber.state, address=address)


def own_page(
    link: OwnLink,
    subscriber: Subscriber,
    *,
    follow: ManageForm | None = None,
    pause: PauseForm | None = None,
    address: SignupForm | None = None,
) -> str:
    """The page as things stand; a form that is given is shown as it was sent, with its errors."""
    follow = follow or ManageForm(subject.split(subscriber.follows), alerts_at_once=subscriber.alerts_at_once)
    pause, address = pause or PauseForm(), address or SignupForm()
    is_paused = preferences.is_paused(subscriber, now())
    zone = wiring().settings.zone
    return render_template(
        "manage.html",
        link=link,
        subscriber=subscriber,
        shown_address=link.address_shown(subscriber),
        form=follow,
        pause=pause,
        address=address,
        errors=follow.errors | pause.errors | address.errors,
        picker=full_picker(follow.follow),
        saved=request.args.get("saved", ""),
        paused_until=subscriber.paused_until.astimezone(zone) if is_paused and subscriber.paused_until else None,
        pauses={months: preferences.pause_end(months, zone=zone, now=now()) for months in range(1, LONGEST_PAUSE + 1)},
        waiting=_waiting(subscriber) if link.is_fresh else None,
        words=manage_form,
        button=forms.CHANGE_WORDS,
        alerts_words=forms.ALERTS_WORDS,
        leave_token=_leave_token(link),
    )


def _waiting(subscriber: Subscriber) -> str | None:
    return address_changes.waiting(current_session(), subscriber, now=now(), lifetime=ADDRESS_LIFETIME)


def _leave_token(link: OwnLink) -> str:
    return wiring().tokens.make(Purpose.UNSUBSCRIBE, link.subscriber_id)
