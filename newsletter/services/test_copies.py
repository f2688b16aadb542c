"""Test copies of a digest, to colleagues: asked for at the desk, made by the sender when they go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.domain.month import Month
from newsletter.domain.states import DeliveryState, NoticeKind, SubscriberState
from newsletter.errors import CompiledElsewhere, InvalidAddress, InvalidInput, NotFound
from newsletter.mail.compiled import Compiled
from newsletter.mail.copies import CopySource
from newsletter.mail.links import Tokens
from newsletter.services import editions, notices, suppressions
from newsletter.storage import job_queue
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Admin, Edition, Notice, Subscriber

MOST_ADDRESSES: Final = 5  #: that are typed, besides the colleagues who are ticked
_LONGEST_ID: Final = 9  #: digits, which PostgreSQL's integers hold


@dataclass(frozen=True, slots=True)
class Order:
    """As which reader a copy is made. Of a subscriber it keeps what they follow, and not who they are."""

    follows: tuple[str, ...]
    text_only: bool = False


def colleagues(session: Session) -> list[Admin]:
    """Who may be sent a copy by a tick: the admins who may log in."""
    return list(session.scalars(select(Admin).where(Admin.closed_at.is_(None)).order_by(Admin.address_key)))


def of_places(codes: Sequence[str]) -> Order:
    """As somebody who follows these. Raises InvalidInput for none, or for what is no place."""
    return Order(subjects_.parse(codes, gazetteer()))


def of_reader(session: Session, typed: str) -> Order:
    """As the subscriber with this number gets it. Raises InvalidInput when nobody has it."""
    number = typed.strip()
    is_number = number.isdecimal() and number.isascii() and len(number) <= _LONGEST_ID
    found = session.get(Subscriber, int(number)) if is_number else None
    if found is None or found.state != SubscriberState.ACTIVE.value:
        raise InvalidInput("nobody with this number gets the digest; the list of subscribers has their numbers")
    return Order(subjects_.split(found.follows), found.text_only)


def read_addresses(session: Session, typed: str, *, tokens: Tokens) -> list[Address]:
    """Addresses that were typed, parted by spaces, commas or lines.

    Raises InvalidInput for one that is none, that gets nothing from us, or for too many.
    """
    words = typed.replace(",", " ").replace(";", " ").split()
    if len(words) > MOST_ADDRESSES:
        raise InvalidInput(f"write at most {MOST_ADDRESSES} addresses; there are {len(words)}")
    found: dict[str, Address] = {}
    for word in words:
        try:
            address = Address.parse(word)
        except InvalidAddress as error:
            raise InvalidInput(f"“{word[:60]}”: {error}") from None
        if suppressions.is_suppressed(session, address.key, tokens=tokens):
            raise InvalidInput(f"“{word[:60]}” gets no mail from us: it is suppressed")
        found[address.key] = address
    return list(found.values())


def ask(
    session: Session, month: Month, addresses: Sequence[str], order: Order, *, asked_by: Admin, now: datetime
) -> int:
    """Have a copy sent to each address; how many. Raises NotFound, and InvalidInput when there is nothing in it."""
    told = editions.contents(session, editions.get(session, month))
    if not any(subjects_.covers(order.follows, each.place.code, each.place.region.code) for each in told.entries):
        raise InvalidInput("nothing that this reader follows is in the edition, so they would get no digest")
    about = json.dumps({"follows": order.follows, "text_only": order.text_only})
    wanted = list(dict.fromkeys(addresses))
    session.add_all(
        Notice(
            kind=NoticeKind.TEST_COPY.value,
            admin_id=asked_by.id,
            address=address,
            month=str(month),
            about=about,
            created_at=now,
            state=DeliveryState.PENDING.value,
            due_at=int(now.timestamp()),
        )
        for address in wanted
    )
    job_queue.defer(session, notices.SEND_NOTICES)
    session.flush()
    return len(wanted)


def order_of(notice: Notice) -> Order:
    """As which reader a copy was asked for."""
    data = json.loads(notice.about or "{}")
    return Order(tuple(data.get("follows", ())), bool(data.get("text_only")))


def sources(session: Session, wanted: Sequence[Notice]) -> dict[int, CopySource]:
    """What each of these copies is made of, by the notice's id; not of those whose edition has nothing for them now."""
    found: dict[int, CopySource] = {}
    by_month: dict[str, CopySource | None] = {}
    for notice in wanted:
        month, order = notice.month or "", order_of(notice)
        if month not in by_month:
            by_month[month] = _source(session, month)
        source = by_month[month]
        if source is None:
            continue
        entries = source.contents.entries
        if any(subjects_.covers(order.follows, each.place.code, each.place.region.code) for each in entries):
            found[notice.id] = _for(source, order)
    return found


def _for(source: CopySource, order: Order) -> CopySource:
    return CopySource(source.contents, source.compiled, source.made_at, order.text_only, source.asked_by)


def _source(session: Session, month: str) -> CopySource | None:
    try:
        edition = editions.get(session, Month.parse(month))
    except NotFound:
        return None
    told = editions.contents(session, edition)
    return CopySource(told, _frozen(edition), edition.approved_at or edition.created_at, text_only=False, asked_by="")


def _frozen(edition: Edition) -> Compiled | None:
    """The frozen pieces; None of a draft, or where another version of this program made them."""
    if edition.compiled is None:
        return None
    try:
        return Compiled.load(edition.compiled.pieces)
    except CompiledElsewhere:
        return None
