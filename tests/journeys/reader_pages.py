"""Every page that a reader can come to, as it is shown: for tests that look at all of them, and for pictures.

A page that is reached by a link from a mail belongs to somebody: `people` makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.cli.demo import Demo
from newsletter.domain.address import Address
from newsletter.jobs.sender import utc_now
from newsletter.mail.links import MANAGE_LIFETIME, Purpose
from newsletter.services import address_changes, leaving, preferences
from newsletter.storage.tables import AddressChange, Notice, Subscriber
from tests.journeys.stock import ORIGIN, ask, confirm

NOBODY = 999_999  #: no subscriber and no notice has this id


@dataclass(frozen=True, slots=True)
class Shown:
    """A page, and what is done there before it is looked at."""

    name: str
    template: str  #: below templates/web
    path: str  #: with the tokens of `people` by name
    then: Callable[[Page], None] | None = None
    status: int = 200

    def show(self, page: Page, url: str, tokens: dict[str, str]) -> None:
        """Go there, at the site of this address."""
        page.goto(url + self.path.format_map(tokens))
        if self.then is not None:
            self.then(page)


def _send(address: str, label: str, button: str) -> Callable[[Page], None]:
    """Type an address, and send it."""

    def act(page: Page) -> None:
        page.get_by_label(label, exact=True).fill(address)
        page.get_by_role("button", name=button, exact=True).click()
        page.wait_for_load_state()

    return act


def open_lists(page: Page) -> None:
    """What is folded away."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


_SLIP, _TYPO = "reader@", "reader@gmial.com"
_EMAIL, _NEW = "E-mail address", "New e-mail address"
_ASK_NEW = "Ask at the new address"

PAGES = [
    Shown("home", "home.html", "/"),
    Shown("places", "places.html", "/places"),
    Shown("place", "place.html", "/places/KZ"),
    Shown("place-list-open", "place.html", "/places/KZ", open_lists),
    Shown("place-earlier", "place.html", "/places/KZ/2022-10"),
    Shown("place-empty", "place_empty.html", "/places/FR"),
    Shown("region", "region.html", "/regions/central-america-caribbean"),
    Shown("editions", "editions.html", "/editions"),
    Shown("edition", "edition.html", "/editions/2022-10"),
    Shown("edition-own", "edition.html", "/editions/2022-10?follow=KZ&follow=SD"),
    Shown("search", "search.html", "/search?q=government"),
    Shown("search-nothing", "search.html", "/search?q=unheardof"),
    Shown("subscribe", "subscribe.html", "/subscribe?follow=central-asia&follow=SD"),
    Shown("subscribe-error", "subscribe.html", "/subscribe?follow=KZ", _send(_SLIP, _EMAIL, "Subscribe"), 400),
    Shown("subscribe-typo", "subscribe.html", "/subscribe?follow=KZ", _send(_TYPO, _EMAIL, "Subscribe"), 400),
    Shown("check-your-mail", "check_your_mail.html", "/subscribe/check-your-mail"),
    Shown("confirm", "confirm.html", "/confirm/{asking}"),
    Shown("confirmed", "confirmed.html", "/confirm/{confirmed}"),
    Shown("manage", "manage.html", "/manage/{fresh}"),
    Shown("manage-paused", "manage.html", "/manage/{paused}?saved=pause"),
    Shown("manage-old-link", "manage.html", "/manage/{lasting}"),
    Shown("manage-error", "manage.html", "/manage/{fresh}", _send(_SLIP, _NEW, _ASK_NEW), 400),
    Shown("manage-typo", "manage.html", "/manage/{fresh}", _send(_TYPO, _NEW, _ASK_NEW), 400),
    Shown("manage-not-confirmed", "manage_inactive.html", "/manage/{waiting}"),
    Shown("manage-ended", "manage_inactive.html", "/manage/{gone}"),
    Shown("link-too-old", "manage_renew.html", "/manage/{expired}", status=410),
    Shown("new-link-needed", "manage_renew.html", "/manage/{lasting}/erase", status=403),
    Shown("manage-link", "manage_link.html", "/manage"),
    Shown("manage-link-error", "manage_link.html", "/manage", _send(_SLIP, _EMAIL, "Send me the link"), 400),
    Shown("manage-link-asked", "manage_link_asked.html", "/manage/check-your-mail"),
    Shown("address", "address.html", "/address/{question}"),
    Shown("address-changed", "address_changed.html", "/address/{answered}"),
    Shown("address-impossible", "address_impossible.html", "/address/{overtaken}", status=410),
    Shown("erase", "erase.html", "/manage/{fresh}/erase"),
    Shown("erased", "erased.html", "/manage/{erased}/erase"),
    Shown("unsubscribe", "unsubscribe.html", "/unsubscribe/{leaving}"),
    Shown("unsubscribed", "unsubscribed.html", "/unsubscribe/{left}"),
    Shown("undo", "undo.html", "/undo/{undo}"),
    Shown("undo-impossible", "undo_impossible.html", "/undo/{forgotten}", status=410),
    Shown("embed", "embed.html", "/embed?follow=KZ"),
    Shown("embed-error", "subscribe.html", "/embed?follow=KZ", _send("reader@localhost", _EMAIL, "Subscribe"), 400),
    Shown("embed-asked", "embed/asked.html", "/embed/check-your-mail"),
    Shown("embed-code", "embed/code.html", "/embed/code?follow=KZ"),
    Shown("not-found", "error.html", "/nothing", status=404),
    Shown("link-broken", "error.html", "/confirm/forged", status=404),
]
#: For pictures: not what is seen only further down than a picture reaches.
PICTURED = [page for page in PAGES if page.name != "place-list-open"]


def people(demo: Demo) -> dict[str, str]:
    """Readers at each step of their way; the tokens that lie in their mails, by what PAGES call them."""
    tokens, now = demo.settings.tokens, utc_now()
    reader = _subscriber(demo, "reader@example.org")
    asking = ask(demo, "asking@example.org", "KZ", "SD")
    paused, gone, mover = (_subscriber(demo, f"{name}@example.org") for name in ("paused", "gone", "mover"))
    with demo.database.writing() as session:
        zone = demo.settings.zone
        preferences.pause(session, session.get_one(Subscriber, paused), 3, zone=zone, origin=ORIGIN, now=now)
        leaving.leave(session, session.get_one(Subscriber, gone), origin=ORIGIN, tokens=tokens, now=now)
        question = _ask_for_address(session, demo, reader, now)
        answered = _ask_for_address(session, demo, mover, now)
        address_changes.confirm(session, answered, origin=ORIGIN, tokens=tokens, now=now)
    dated = {
        "asking": (Purpose.CONFIRM, asking),
        "confirmed": (Purpose.CONFIRM, reader),
        "fresh": (Purpose.MANAGE, reader),
        "paused": (Purpose.MANAGE, paused),
        "waiting": (Purpose.MANAGE, asking),
        "gone": (Purpose.MANAGE, gone),
        "erased": (Purpose.MANAGE, NOBODY),
        "question": (Purpose.ADDRESS, question),
        "answered": (Purpose.ADDRESS, answered),
        "overtaken": (Purpose.ADDRESS, NOBODY),
        "undo": (Purpose.UNDO, gone),
        "forgotten": (Purpose.UNDO, NOBODY),
    }
    lasting = {
        "lasting": (Purpose.MANAGE, reader),
        "leaving": (Purpose.UNSUBSCRIBE, reader),
        "left": (Purpose.UNSUBSCRIBE, gone),
    }
    long_ago = now - MANAGE_LIFETIME - timedelta(days=1)
    found = {name: tokens.make_dated(purpose, each, at=now) for name, (purpose, each) in dated.items()}
    found |= {name: tokens.make(purpose, each) for name, (purpose, each) in lasting.items()}
    return found | {"expired": tokens.make_dated(Purpose.MANAGE, reader, at=long_ago)}


def _subscriber(demo: Demo, address: str) -> int:
    found = ask(demo, address, "central-asia", "SD")
    confirm(demo, found)
    return found


def _ask_for_address(session: Session, demo: Demo, subscriber_id: int, now: datetime) -> int:
    """A subscriber asks for another address; the id of the question that goes there."""
    subscriber = session.get_one(Subscriber, subscriber_id)
    address = Address.parse(f"new.{subscriber.address}")
    address_changes.request(session, subscriber, address, origin=ORIGIN, tokens=demo.settings.tokens, now=now)
    change = select(AddressChange.address).where(AddressChange.subscriber_id == subscriber_id).scalar_subquery()
    return session.scalars(select(Notice.id).where(Notice.address == change)).one()
