"""Domains that give out addresses to be thrown away: a list that an admin keeps.

Who asks with such an address is served like anybody else. The ledger of consent says that it was one, so that a
publisher can tell what a wave of requests is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.address import Address
from newsletter.errors import InvalidAddress, InvalidInput, NotFound
from newsletter.storage.tables import DisposableDomain
from newsletter.storage.upsert import insert_or_ignore


def read_domain(text: str) -> str:
    """A domain as it is compared: in small letters, with A-labels. Raises InvalidInput."""
    name = text.strip()
    try:
        return Address.parse(f"somebody@{name}").key.rpartition("@")[2]
    except InvalidAddress:
        raise InvalidInput(f"{name!r} is no domain; write one such as example.org") from None


def names(address: Address) -> list[str]:
    """By which names the address's domain could be on the list: its own, and those of the domains that it lies in."""
    labels = address.key.rpartition("@")[2].split(".")
    return [".".join(labels[at:]) for at in range(max(len(labels) - 1, 1))]


def listed(session: Session) -> Sequence[str]:
    """The list, in the order of the alphabet."""
    return session.scalars(select(DisposableDomain.domain).order_by(DisposableDomain.domain)).all()


def add(session: Session, domains: Iterable[str], *, now: datetime) -> int:
    """Put domains (as read_domain gives them) on the list; how many were not on it."""
    return sum(insert_or_ignore(session, DisposableDomain, domain=domain, added_at=now) for domain in domains)


def remove(session: Session, domain: str) -> None:
    """Take one off the list. Raises NotFound."""
    found = session.get(DisposableDomain, domain)
    if found is None:
        raise NotFound(f"{domain} is not on the list; 'newsletter domain list' shows it")
    session.delete(found)
    session.flush()
