"""A month with 70 places, and any number of readers who each follow some of them, chosen at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import func, insert, select

from newsletter.config import Settings
from newsletter.domain import subject as subjects_
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Quote, Trend, Update
from newsletter.jobs.sender import utc_now
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.services import deliveries, editions, editorial
from newsletter.storage.database import Database
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber

MONTH = Month(2022, 11)
NOW = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
PLACES = 70
WORDS = 6  #: of an update's text, headline not counted: some 70 octets
KILOBYTES = 30  #: thousands of bytes of a message, as far as the number of followed places can bring it there
_SAMPLE = 100  #: readers over whom a size is averaged
_TRIES = 20  #: for a selection that nobody has: where there are fewer than readers, some have the same
_BATCH = 10_000
_LETTERS = "aeioubcdfghlmnprst"


@dataclass(frozen=True, slots=True)
class Audience:
    """Readers who are stored, and the edition that waits for them."""

    readers: int
    followed: int  #: places that each follows
    selections: int  #: how many different ones there are
    message_bytes: int  #: of a digest, on average, without a DKIM signature

    @property
    def words(self) -> str:
        """For the line above a table."""
        return (
            f"{self.readers:,} readers with {self.selections:,} different selections of {self.followed} of {PLACES} "
            f"places; {self.message_bytes:,} bytes a message"
        )


def codes() -> list[str]:
    """The places of the month."""
    return [place.code for place in gazetteer().places[:PLACES]]


def updates(words: int = WORDS) -> list[Update]:
    """The month's updates, each with a text of so many words."""
    dice = random.Random(1)
    return [_update(code, dice, words) for code in codes()]


def fill(
    database: Database, settings: Settings, readers: int, *, followed: int | None = None, words: int = WORDS
) -> Audience:
    """Store an approved edition, and readers who follow `followed` places; None: what comes closest to KILOBYTES."""
    with database.writing() as session:
        for update in updates(words):
            editorial.store(session, update, now=NOW)
        editions.ensure(session, MONTH, now=NOW)
        edition = editions.approve(session, MONTH, settings.publication, by="a benchmark", now=NOW)
        splicer = Splicer(editions.compiled(edition, settings.publication), settings.publication, gazetteer())
    count = followed or _followed_for(splicer, KILOBYTES * 1000)
    _store_readers(database, readers, count)
    with database.reading() as session:
        selections = session.scalar(select(func.count(Subscriber.follows.distinct()))) or 0
    return Audience(readers, count, selections, message_bytes(splicer, count))


def plan(database: Database) -> None:
    """Write the edition's deliveries, so that a sender begins."""
    with database.writing() as session:
        deliveries.start(session, MONTH, by="a benchmark", now=utc_now())


def message_bytes(splicer: Splicer, followed: int) -> int:
    """The mean size of a digest of so many places, chosen at random."""
    dice = random.Random(followed)
    chosen = (tuple(sorted(dice.sample(codes(), followed))) for _ in range(_SAMPLE))
    return sum(len(splicer.splice(Recipient(1, "reader1@example.org", each)).data) for each in chosen) // _SAMPLE


def _followed_for(splicer: Splicer, size: int) -> int:
    """How many followed places bring the mean message nearest to `size`."""
    return min(range(1, PLACES + 1), key=lambda count: abs(message_bytes(splicer, count) - size))


def _store_readers(database: Database, readers: int, followed: int) -> None:
    dice = random.Random(1)
    selections = _selections(dice, followed)
    for start in range(0, readers, _BATCH):
        numbers = range(start, min(start + _BATCH, readers))
        with database.writing() as session:
            session.execute(insert(Subscriber), [_reader(number, next(selections)) for number in numbers])


def _selections(dice: random.Random, followed: int) -> Iterator[str]:
    """One selection after another, each another one as long as there are any."""
    names, bits, seen = codes(), range(PLACES), set[int]()
    while True:
        for _ in range(_TRIES):
            chosen = dice.sample(bits, followed)
            mask = sum(1 << bit for bit in chosen)
            if mask not in seen:
                break
        seen.add(mask)
        yield subjects_.join(sorted(names[bit] for bit in chosen))


def _reader(number: int, follows: str) -> dict[str, object]:
    address = f"reader{number}@example.org"
    return {
        "address": address,
        "address_key": address,
        "state": "active",
        "language": "en",
        "follows": follows,
        "created_at": NOW,
        "confirmed_at": NOW,
    }


def _update(code: str, dice: random.Random, words: int) -> Update:
    """About 1 kB of a digest, with WORDS words."""
    lead = words // 2
    return Update(
        place=code,
        month=MONTH,
        trend=dice.choices(list(Trend), (2, 1, 5))[0],
        alerts=(Alert.CONFLICT_RISK,) if dice.random() < 0.05 else (),
        headline=_words(dice, 6),
        developments=(Development(_words(dice, lead), _words(dice, words - lead)),),
        quotes=(Quote(date(2022, 11, 7), _words(dice, 5), "Example Courier"),) if dice.random() < 0.02 else (),
    )


def _words(dice: random.Random, count: int) -> str:
    words = ["".join(dice.choices(_LETTERS, k=dice.randint(3, 9))) for _ in range(count)]
    return " ".join(words).capitalize() + "."
