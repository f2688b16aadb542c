"""A reader is forgotten, at once and for good: what they may ask for (GDPR, article 17).

What is kept: a keyed hash of the address, so that no import and no form ever brings it back; and the rows of their
deliveries, in which nothing is theirs but a number that names nobody any more.
"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter.domain.address import Address
from newsletter.errors import InvalidAddress
from newsletter.mail.links import Tokens
from newsletter.services import forgotten, suppressions
from newsletter.storage.tables import AddressChange, ImportRow, Notice, Subscriber

log = logging.getLogger(__name__)


def erase(session: Session, subscriber: Subscriber, *, tokens: Tokens, now: datetime) -> None:
    """Delete a subscriber with all that hangs on them, and suppress their address.

    A digest that the relay is taking just now still goes out, as after leaving; its outcome finds no reader, and is
    counted. Once this is committed, storage.erasing.cut_log removes what the database's log still holds.
    """
    subscriber_id = subscriber.id
    # In the order in which a sender locks them: what came back, then the reader.
    forgotten.forget_words(session, [subscriber_id])
    session.refresh(subscriber, with_for_update=True)
    key = subscriber.address_key
    suppressions.suppress_erased(session, key, tokens=tokens, now=now)
    if subscriber.address:
        _forget_named(session, subscriber)
        # Who came back after they were forgotten has a row of that time too.
        session.execute(delete(Subscriber).where(Subscriber.address_key == forgotten.key_of(key, tokens)))
    session.delete(subscriber)
    session.flush()
    log.info("subscriber %d is erased", subscriber_id)


def _forget_named(session: Session, subscriber: Subscriber) -> None:
    """Other subscribers' mail to this address: one may have asked for it, or have had it before."""
    session.execute(delete(AddressChange).where(AddressChange.address_key == subscriber.address_key))
    session.execute(delete(ImportRow).where(ImportRow.address_key == subscriber.address_key))
    # Compared here, as SQLite's lower() knows no letters beyond ASCII. Few notices have an address of their own.
    named = session.execute(select(Notice.id, Notice.address).where(Notice.address.is_not(None)))
    theirs = [notice_id for notice_id, address in named if _key(address or "") == subscriber.address_key]
    session.execute(delete(Notice).where(Notice.id.in_(theirs)))


def _key(address: str) -> str:
    """By which addresses are compared; one that is none any more stands for itself."""
    try:
        return Address.parse(address).key
    except InvalidAddress:
        return address
