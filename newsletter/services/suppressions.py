"""Addresses that get nothing, kept as keyed hashes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.states import SuppressionReason
from newsletter.errors import NotFound
from newsletter.mail.links import Tokens
from newsletter.storage.tables import Suppression
from newsletter.storage.upsert import insert_or_ignore

#: Begins what stands in place of the key of an address that is forgotten (services.forgotten); no address begins so and
#: has no @.
FORGOTTEN = "forgotten:"


def address_hash(address_key: str, tokens: Tokens) -> str:
    """What is kept of an address: it can be compared with the key, and not read back.

    Of one that is forgotten it is all that is known, so that it can be suppressed still.
    """
    if is_forgotten(address_key):
        return address_key.removeprefix(FORGOTTEN)
    return tokens.digest("suppression", address_key)


def is_forgotten(address_key: str) -> bool:
    """Whether this stands in place of an address."""
    return address_key.startswith(FORGOTTEN) and "@" not in address_key


def suppress(session: Session, address_key: str, reason: SuppressionReason, *, tokens: Tokens, now: datetime) -> bool:
    """Send nothing to this address any more; the first reason stays. Whether it was not suppressed before."""
    digest = address_hash(address_key, tokens)
    return insert_or_ignore(session, Suppression, address_hash=digest, reason=reason.value, at=now)


def suppress_erased(session: Session, address_key: str, *, tokens: Tokens, now: datetime) -> None:
    """The same for who is erased: nothing else is kept of them, no earlier reason either."""
    digest = address_hash(address_key, tokens)
    session.merge(Suppression(address_hash=digest, reason=SuppressionReason.ERASED.value, at=now))
    session.flush()


def is_anybody_erased(session: Session, *, since: datetime) -> bool:
    """Whether anybody was erased since then."""
    erased = (Suppression.reason == SuppressionReason.ERASED.value, Suppression.at >= since)
    return session.scalar(select(Suppression.at).where(*erased).limit(1)) is not None


def is_suppressed(session: Session, address_key: str, *, tokens: Tokens) -> bool:
    """Whether this address gets nothing."""
    return session.get(Suppression, address_hash(address_key, tokens)) is not None


def lift(session: Session, address_key: str, *, tokens: Tokens) -> SuppressionReason:
    """Let mail go to this address again; why it got none. Raises NotFound."""
    found = session.get(Suppression, address_hash(address_key, tokens))
    if found is None:
        raise NotFound("this address is not suppressed; look whether it is written right")
    session.delete(found)
    session.flush()
    return SuppressionReason(found.reason)


def listed(session: Session) -> Iterator[Suppression]:
    """All of them, the oldest first."""
    query = select(Suppression).order_by(Suppression.at, Suppression.address_hash)
    yield from session.scalars(query.execution_options(yield_per=1000))
