"""Test copies of a digest, to colleagues: the page of an edition's release leads here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from flask import render_template, request
from werkzeug.wrappers import Response

from newsletter.domain import subject
from newsletter.domain.month import Month
from newsletter.errors import InvalidInput
from newsletter.services import editions, test_copies
from newsletter.services.test_copies import MOST_ADDRESSES, Order
from newsletter.storage.places import gazetteer
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import desk, done, note
from newsletter.web.wiring import now, wiring


class As(StrEnum):
    """As whom a copy is made."""

    EVERYTHING = "everything"  #: who follows all places
    PLACES = "places"  #: who follows some
    READER = "reader"  #: a subscriber, by their number


@dataclass(frozen=True, slots=True)
class Typed:
    """The form, with what is wrong in it."""

    colleagues: frozenset[int] = frozenset()
    addresses: str = ""
    who: str = As.EVERYTHING.value
    places: tuple[str, ...] = ()
    reader: str = ""
    errors: dict[str, str] = field(default_factory=dict)  #: by field


@desk.get("/editions/<month:month>/copies")
def copies(month: Month) -> str:
    return _page(month, Typed(frozenset({current_admin().id})))


@desk.post("/editions/<month:month>/copies")
def send_copies(month: Month) -> Response | tuple[str, int]:
    """Nothing is sent by this page itself: the sender takes the copies with the next mails."""
    session, typed = current_session(), _typed()
    addresses, order = _addresses(typed), _order(typed)
    if typed.errors or order is None:
        return _page(month, typed), 400
    try:
        number = test_copies.ask(session, month, addresses, order, asked_by=current_admin(), now=now())
    except InvalidInput as error:
        typed.errors[typed.who] = _sentence(error)
        return _page(month, typed), 400
    note("edition.test_copies", f"edition {month}", f"{number}, as a reader of {_told(typed, order)}")
    copies = "1 test copy is" if number == 1 else f"{number} test copies are"
    return done(month, f"{copies} on the way.")


def _page(month: Month, typed: Typed) -> str:
    session = current_session()
    edition = editions.get(session, month)
    entries = editions.contents(session, edition).entries
    return render_template(
        "desk/copies.html",
        edition=edition,
        month=month,
        typed=typed,
        colleagues=test_copies.colleagues(session),
        places=[entry.place for entry in entries],
        most_addresses=MOST_ADDRESSES,
    )


def _typed() -> Typed:
    form = request.form
    ids = {int(each) for each in form.getlist("colleague") if each.isdecimal() and len(each) < 10}
    return Typed(
        frozenset(ids),
        form.get("addresses", "")[:2_000],
        form.get("who", ""),
        tuple(form.getlist("place")[:300]),
        form.get("reader", "")[:20],
    )


def _addresses(typed: Typed) -> list[str]:
    """Where the copies go: who is ticked, and what is typed."""
    session = current_session()
    ticked = [each.address for each in test_copies.colleagues(session) if each.id in typed.colleagues]
    try:
        more = test_copies.read_addresses(session, typed.addresses, tokens=wiring().settings.tokens)
    except InvalidInput as error:
        typed.errors["addresses"] = _sentence(error)
        return []
    found = {each.casefold(): each for each in (*ticked, *(address.text for address in more))}
    if not found:
        typed.errors["addresses"] = "Tick a colleague, or write an address"
    return list(found.values())


def _order(typed: Typed) -> Order | None:
    """As whom the copies are made."""
    try:
        if typed.who == As.EVERYTHING:
            return Order((subject.ALL,))
        if typed.who == As.PLACES:
            return test_copies.of_places(typed.places)
        if typed.who == As.READER:
            return test_copies.of_reader(current_session(), typed.reader)
    except InvalidInput as error:
        typed.errors[typed.who] = _sentence(error)
        return None
    typed.errors["who"] = "Choose as whom"
    return None


def _told(typed: Typed, order: Order) -> str:
    """For the audit log: a subscriber by their number."""
    if typed.who == As.READER:  # of_reader has read it
        return f"what subscriber {int(typed.reader)} follows"
    return ", ".join(subject.name(each, gazetteer()) for each in order.follows)[:500]


def _sentence(error: InvalidInput) -> str:
    return f"{str(error)[:1].upper()}{str(error)[1:]}"
