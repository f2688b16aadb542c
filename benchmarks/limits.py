"""What breaks first: from how many readers on each limit is met, and what helps against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from benchmarks.costs import cost
from newsletter.services.counts import LONGEST_SECONDS
from newsletter.services.deliveries import DEFAULT_TERMS
from newsletter.services.runs import LAST
from newsletter.storage.database import BUSY_MILLISECONDS

DESK_SECONDS: Final = 5.0  #: that a person waits for a page
DEADLINE_HOURS: Final = DEFAULT_TERMS.deadline.total_seconds() / 3600


class Limit(NamedTuple):
    """Something that doesn't go on for ever."""

    readers: float
    what: str
    helps: str


def limits() -> list[Limit]:
    """All of them, the first to be met first."""
    return sorted([*_of_sqlite(), *_of_postgresql(), *_of_either(), *_of_sending()])


def _of_sqlite() -> Iterator[Limit]:
    busy = BUSY_MILLISECONDS / 1000
    yield Limit(
        busy * 1e6 / cost("sqlite_planning"),
        f"SQLite: planning holds the write lock for over {busy:g} s; whoever signs up meanwhile is told to come again",
        "start editions at night; PostgreSQL, where nobody waits for it",
    )
    yield Limit(
        busy * 1e6 / cost("counting"),
        f"SQLite: a sender that takes over in mid-send looks through all rows with the write lock for over {busy:g} s",
        "PostgreSQL, where it locks nobody out",
    )
    a_reader = cost("sqlite_reader") + cost("editions") * cost("sqlite_delivery")
    yield Limit(
        100e9 / a_reader,
        "SQLite: the file is over 100 GB, and a copy of it takes hours",
        "PostgreSQL, with a standby instead of copies",
    )


def _of_postgresql() -> Iterator[Limit]:
    yield Limit(
        60e6 / cost("postgresql_planning"),
        "PostgreSQL: planning is one transaction of over a minute, and vacuum waits for it",
        "nothing, until it hurts: readers don't wait for it",
    )
    yield Limit(
        10e9 / cost("postgresql_written"),
        "PostgreSQL: an edition writes over 10 GB of log",
        "a larger max_wal_size, or checkpoints follow each other; a disk of its own for the log",
    )


def _of_either() -> Iterator[Limit]:
    yield Limit(
        DESK_SECONDS * 1e6 / cost("audience"),
        f"the page before a send takes over {DESK_SECONDS:g} s to say how many would get the edition",
        "patience: it is one page a month, and holds no lock",
    )
    yield Limit(
        LONGEST_SECONDS * 1e6 / cost("counting"),
        f"one count of an edition's rows takes longer than the {LONGEST_SECONDS} s that it is good for",
        "a desk that is looked at less often",
    )
    yield Limit(LAST, "the numbers of subscribers run out", "a change of the column's type")


def _of_sending() -> Iterator[Limit]:
    hours = cost("hours")
    within = f"for over {hours:g} hours"
    workers = "PostgreSQL and more workers"
    yield Limit(cost("relay") * hours * 3600, f"one relay machine is busy {within}", "several relays in SMTP_URL")
    yield Limit(
        cost("relay") * DEADLINE_HOURS * 3600,
        f"one relay machine misses the deadline of {DEADLINE_HOURS:g} hours, and the rest get nothing",
        "several relays in SMTP_URL; a longer DEADLINE",
    )
    yield Limit(
        cost("provider_rate") * hours * 3600 / (cost("provider") / 100),
        f"the largest mailbox provider is busy with us {within}",
        "more hours; more relays, each with an address that is known there; DESTINATION_RATES keeps to what it takes",
    )
    yield Limit(cost("rate_rsa") * hours * 3600, f"one sender that signs with rsa-2048 is busy {within}", workers)
    yield Limit(cost("rate") * hours * 3600, f"one sender that doesn't sign is busy {within}", workers)
    yield Limit(
        cost("network") * 1e6 / 8 * hours * 3600 / cost("message"),
        f"a network of {cost('network'):,.0f} Mbit/s is full {within}",
        "workers beside the relays, on several machines",
    )
