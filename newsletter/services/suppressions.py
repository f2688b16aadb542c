"""Addresses that get nothing, kept as keyed hashes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.domain.states import SuppressionReason
from newsletter.mail.links import Tokens
from newsletter.storage.tables import Suppression
from newsletter.storage.upsert import insert_or_ignore


def address_hash(address_key: str, tokens: Tokens) -> str:
    """What is kept of an address: it can be compared with the key, and not read back."""
    return tokens.digest("suppression", address_key)


def suppress(session: Session, address_key: str, reason: SuppressionReason, *, tokens: Tokens, now: datetime) -> None:
    """Send nothing to this address any more; the first reason stays."""
    digest = address_hash(address_key, tokens)
    insert_or_ignore(session, Suppression, address_hash=digest, reason=reason.value, at=now)


def is_suppressed(session: Session, address_key: str, *, tokens: Tokens) -> bool:
    """Whether this address gets nothing."""
    return session.get(Suppression, address_hash(address_key, tokens)) is not None
