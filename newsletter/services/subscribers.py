"""Subscribers one by one, taken in with their consent; and all of them as a table, given out.

Lists are taken in by services.imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.domain.states import SubscriberState
from newsletter.errors import InvalidInput, NotFound
from newsletter.mail.links import Tokens
from newsletter.services import consents, forgotten, preferences, suppressions
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage.tables import Consent, Subscriber
from newsletter.storage.upsert import insert_or_ignore

COLUMNS = ("email", "follows", "language", "status", "confirmed_at", "consent")
_BATCH = 1_000  #: of an export, in memory


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody who has agreed to get mail."""

    address: Address
    subjects: tuple[str, ...]
    language: str
    confirmed_at: datetime
    consent: str


def take_in(session: Session, row: Row, *, tokens: Tokens, source: str, now: datetime) -> None:
    """Make the row's owner an active subscriber. Raises InvalidInput for who is suppressed, is there, or has left."""
    if suppressions.is_suppressed(session, row.address.key, tokens=tokens):
        raise InvalidInput("this address is suppressed")
    if forgotten.find(session, row.address.key, tokens=tokens) is not None:
        raise InvalidInput("this address has left; its owner can subscribe again by the form")
    values = {"address": row.address.text, "address_key": row.address.key, "language": row.language, "follows": ""}
    if not insert_or_ignore(session, Subscriber, **values, state=SubscriberState.ACTIVE.value, created_at=now):
        raise InvalidInput("this address is here already; its owner decides what it follows")
    subscriber = by_address(session, row.address.key)
    subscriber.confirmed_at = row.confirmed_at
    subscriber.follows = subjects_.join(row.subjects)
    preferences.replace_subscriptions(
        session, subscriber, row.subjects, reason="", now=row.confirmed_at, confirmed_at=row.confirmed_at
    )
    origin = Origin(source=source, text=row.consent)
    consents.record(session, subscriber.id, ConsentAct.CONFIRMED, origin, now=row.confirmed_at)


def by_address(session: Session, address_key: str) -> Subscriber:
    """The subscriber with this address. Raises NotFound."""
    found = session.scalars(select(Subscriber).where(Subscriber.address_key == address_key)).one_or_none()
    if found is None:
        raise NotFound("no subscriber has this address")
    return found


def export_rows(session: Session) -> Iterator[dict[str, str]]:
    """All subscribers, in the columns that an import takes; a cell can't be taken for a formula."""
    last = 0
    while batch := _next(session, last):
        consent = _consents(session, [each.id for each in batch])
        yield from (_exported(each, consent.get(each.id, "")) for each in batch)
        last = batch[-1].id
        session.expunge_all()


def _next(session: Session, last: int) -> Sequence[Subscriber]:
    query = select(Subscriber).where(Subscriber.id > last, Subscriber.address != "")
    return session.scalars(query.order_by(Subscriber.id).limit(_BATCH)).all()


def _consents(session: Session, subscriber_ids: Sequence[int]) -> dict[int, str]:
    """The words that each of them confirmed last."""
    query = select(Consent.subscriber_id, Consent.source, Consent.text).where(
        Consent.act == ConsentAct.CONFIRMED.value, Consent.subscriber_id.in_(subscriber_ids)
    )
    return {row.subscriber_id: f"{row.source}: {row.text}" for row in session.execute(query.order_by(Consent.id))}


def _exported(each: Subscriber, consent: str) -> dict[str, str]:
    return {
        "email": harmless(each.address),
        "follows": each.follows,
        "language": each.language,
        "status": each.state,
        "confirmed_at": each.confirmed_at.isoformat() if each.confirmed_at else "",
        "consent": harmless(consent),
    }


def harmless(cell: str) -> str:
    """Spreadsheets run what begins like a formula, unless an apostrophe stands before it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """A cell without the apostrophe of `harmless`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


#: With any apostrophes before it, so that one can be put there and taken off again whatever the cell holds.
#: The last four are the signs in full width, which some spreadsheets read like the narrow ones.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
