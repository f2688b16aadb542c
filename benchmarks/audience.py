"""A month with 70 places, and any number of readers who each follow 24 of them at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime

from sqlalchemy import insert

from newsletter.config import Settings
from newsletter.domain import subject as subjects_
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Quote, Trend, Update
from newsletter.services import deliveries, editions, editorial
from newsletter.storage.database import Database
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber

MONTH = Month(2022, 11)
NOW = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
PLACES = 70
FOLLOWED = 24
_BATCH = 10_000
_LETTERS = "aeioubcdfghlmnprst"


def codes() -> list[str]:
    """The places of the month."""
    return [place.code for place in gazetteer().places[:PLACES]]


def fill(database: Database, settings: Settings, readers: int) -> int:
    """Store readers and an approved edition that is ready to be sent; the edition's id."""
    dice = random.Random(1)
    for start in range(0, readers, _BATCH):
        with database.writing() as session:
            session.execute(insert(Subscriber), list(_readers(start, min(start + _BATCH, readers), dice)))
    with database.writing() as session:
        for code in codes():
            editorial.store(session, _update(code, dice), now=NOW)
        editions.ensure(session, MONTH, now=NOW)
        edition = editions.approve(session, MONTH, settings.publication, by="a benchmark", now=NOW)
        return edition.id


def plan(database: Database) -> None:
    """Write the edition's deliveries."""
    with database.writing() as session:
        deliveries.start(session, MONTH, by="a benchmark", now=NOW)


def _readers(start: int, end: int, dice: random.Random) -> Iterator[dict[str, object]]:
    for number in range(start, end):
        address = f"reader{number}@example.org"
        yield {
            "address": address,
            "address_key": address,
            "state": "active",
            "language": "en",
            "follows": subjects_.join(sorted(dice.sample(codes(), FOLLOWED))),
            "created_at": NOW,
            "confirmed_at": NOW,
        }


def _update(code: str, dice: random.Random) -> Update:
    """About 1 kB of text, so that a digest of 24 places has about 30 kB in all."""
    return Update(
        place=code,
        month=MONTH,
        trend=dice.choices(list(Trend), (2, 1, 5))[0],
        alerts=(Alert.CONFLICT_RISK,) if dice.random() < 0.05 else (),
        headline=_words(dice, 6),
        developments=(Development(_words(dice, 3), _words(dice, 3)),),
        quotes=(Quote(date(2022, 11, 7), _words(dice, 5), "Example Courier"),) if dice.random() < 0.02 else (),
    )


def _words(dice: random.Random, count: int) -> str:
    words = ["".join(dice.choices(_LETTERS, k=dice.randint(3, 9))) for _ in range(count)]
    return " ".join(words).capitalize() + "."
