"""How many bytes a reader takes in the database: signed up and confirmed by the services that the web pages call."""

from __future__ import annotations

import argparse
import random
from contextlib import ExitStack

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from benchmarks import audience
from benchmarks.instance import Instance, instance, postgresql_server
from benchmarks.table import table
from newsletter.domain.address import Address
from newsletter.services import signup
from newsletter.services.consents import Origin
from newsletter.storage.tables import Consent, Notice, Subscriber, Subscription
from newsletter.web import forms

TABLES = (Subscriber, Subscription, Consent, Notice)
HEAD = ("database", "bytes a reader", *(each.__tablename__ for each in TABLES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=1_000)
    parser.add_argument("--places", type=int, default=12)
    arguments = parser.parse_args()
    rows = []
    with ExitStack() as stack:
        server_url = stack.enter_context(postgresql_server())
        for url in (None, server_url):
            made = stack.enter_context(instance(server_url=url))
            rows.append(_measured(made, arguments.readers, arguments.places))
        rows.append(_rows_kept(made, arguments.readers))
    print(f"{arguments.readers:,} readers with {arguments.places} places each\n")
    print(table(HEAD, rows))


def _measured(made: Instance, readers: int, places: int) -> list[str]:
    before = made.bytes_stored()
    sign_up(made, readers, places)
    total = (made.bytes_stored() - before) / readers
    with made.database.reading() as session:
        return [made.words, f"{total:,.0f}", *(_part(session, each.__tablename__, readers) for each in TABLES)]


def _rows_kept(made: Instance, readers: int) -> list[str]:
    with made.database.reading() as session:
        kept = [session.scalar(select(func.count()).select_from(each)) or 0 for each in TABLES]
    return ["rows a reader", "", *(f"{count / readers:g}" for count in kept)]


def sign_up(made: Instance, readers: int, places: int) -> None:
    """Have so many people ask for mail and confirm it."""
    dice, tokens, words = random.Random(1), made.settings.tokens, forms.consent_words(made.settings.publication)
    with made.database.writing() as session:
        for number in range(readers):
            address = Address.parse(f"reader{number}@example.org")
            follows = sorted(dice.sample(audience.codes(), places))
            origin = Origin(source="/subscribe", text=words, ip="192.0.2.1")
            signup.request(session, address, follows, origin=origin, tokens=tokens, now=audience.NOW)
            found = session.scalars(select(Subscriber.id).where(Subscriber.address_key == address.key)).one()
            signup.confirm(session, found, origin=origin, tokens=tokens, now=audience.NOW)
            session.flush()
            session.expunge_all()


def _part(session: Session, name: str, readers: int) -> str:
    """The bytes of a table with its indexes, by reader; SQLite, as Python brings it, can't tell."""
    if session.get_bind().dialect.name == "sqlite":
        return ""
    found = session.scalar(text("SELECT pg_total_relation_size(CAST(:name AS regclass))"), {"name": name}) or 0
    return f"{found / readers:,.0f}"


if __name__ == "__main__":
    main()
