"""Whether a large list is sent as fast as a small one, in as little memory; and what a delivery takes on the disk.

The smallest size is sent several times before and after the others: it takes a few seconds only. With a rate, it shows
what the commits of a slow send cost, each of which has few messages in it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import mean

from sqlalchemy import text

from benchmarks import audience, relay, sending_process
from benchmarks.audience import Audience
from benchmarks.instance import Instance, instance, postgresql_server
from benchmarks.sending_process import MARKS, Run
from benchmarks.table import table
from newsletter.jobs.sender import utc_now
from newsletter.services import counts, deliveries, editions

ROUNDS = 3  #: of the smallest size, before and after
SPEED_HEAD = (
    "readers",
    "newsletter",
    "of the first",
    "sent",
    "from 10 to 50 %, from 50 to 90 %",
    "processor time a message",
)
STORAGE_HEAD = (
    "readers",
    "planning",
    "counting the rows",
    "counting who would get it",
    "messages a commit",
    "bytes a planned delivery",
    "bytes a sent delivery",
    "bytes written a delivery",
    "PostgreSQL's processor time a message",
)


@dataclass(frozen=True, slots=True)
class Storage:
    """What an edition asks of the database."""

    planning_seconds: float
    planned_bytes: int  #: by which planning made it grow
    sent_bytes: int  #: the same of planning and sending
    written_bytes: int  #: SQLite: by the sender to the disk; PostgreSQL: to its log, by planning too
    server_seconds: float  #: processor time of PostgreSQL while the edition was sent
    counting_seconds: float  #: of the rows by state
    audience_seconds: float  #: of the readers who would get it


@dataclass(frozen=True, slots=True)
class Sent:
    """One edition, sent, and what it left behind."""

    words: str  #: what the database is
    audience: Audience
    run: Run
    storage: Storage

    @property
    def rate(self) -> float:
        return self.audience.readers / self.run.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second at most; 0: no limit")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    arguments = parser.parse_args()
    given = {"connections": str(arguments.sessions), "rate": str(arguments.rate)}
    smallest, *others = sorted(arguments.readers)
    with ExitStack() as stack:
        server_url = stack.enter_context(postgresql_server()) if arguments.database == "postgresql" else None
        sink = stack.enter_context(relay.smtp_sink())

        def send(readers: int) -> Sent:
            with instance(sink.port, server_url=server_url, **given) as made:
                return sent(made, readers)

        few = [send(smallest) for _ in range(ROUNDS)]
        many = [send(readers) for readers in others]
        few += [send(smallest) for _ in range(ROUNDS)]
    size = few[0].audience.message_bytes
    limit = f"at most {arguments.rate:g} messages/s; " if arguments.rate else ""
    print(f"{size:,} bytes a message; {arguments.sessions} sessions to smtp-sink; {limit}{few[0].words}\n")
    show(few, many)


def sent(made: Instance, readers: int) -> Sent:
    """Fill a fresh instance, send its edition, and measure."""
    found = audience.fill(made.database, made.settings, readers)
    stored, logged = made.bytes_stored(), made.wal_position()
    began = time.monotonic()
    audience.plan(made.database)
    planned = time.monotonic() - began
    planned_bytes = made.bytes_stored() - stored
    server_began = made.server_cpu_seconds()
    run = sending_process.run(made, readers)
    server_seconds = made.server_cpu_seconds() - server_began
    written = made.wal_position() - logged or run.written_bytes
    sent_bytes = made.bytes_stored() - stored
    storage = Storage(planned, planned_bytes, sent_bytes, written, server_seconds, *_looks(made))
    return Sent(made.words, found, run, storage)


def _looks(made: Instance) -> tuple[float, float]:
    """Seconds to count the rows, and to count who would get an edition, as the desk does."""
    if made.database.path is None:
        with made.database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM (ANALYZE) delivery"))  # as the server does by itself in time
    with made.database.reading() as session:
        edition = editions.get(session, audience.MONTH)
        began = time.monotonic()
        counts.count(session, edition, now=utc_now())
        counted = time.monotonic() - began
        contents = editions.contents(session, edition)
        began = time.monotonic()
        deliveries.audience(session, contents, now=utc_now())
        return counted, time.monotonic() - began


def show(few: Sequence[Sent], many: Sequence[Sent]) -> None:
    """Print three tables: how fast, in how much memory, in how many bytes."""
    base = mean(each.rate for each in few)
    lowest, highest = min(each.rate for each in few), max(each.rate for each in few)
    times = f"{len(few)} times: {lowest:,.0f} to {highest:,.0f}/s"
    sizes = [few[0], *many]
    rates = [(base, times), *((each.rate, "once") for each in many)]
    speeds = [
        [f"{each.audience.readers:,}", f"{rate:,.0f}/s", f"{rate / base:.2f}", note, _tenths(each), _cpu(each)]
        for each, (rate, note) in zip(sizes, rates, strict=True)
    ]
    print(table(SPEED_HEAD, speeds))
    marks = [*(f"at {mark:.0%}" for mark in MARKS), "at the end", "peak"]
    memory = [
        [f"{each.audience.readers:,}", *(f"{megabytes:.0f} MB" for megabytes in (*each.run.mark_mb, each.run.peak_mb))]
        for each in sizes
    ]
    print(table(["readers", *marks], memory))
    print(table(STORAGE_HEAD, map(_storage, sizes)))


def _tenths(sent: Sent) -> str:
    """The rates between the marks, as far as all were passed."""
    if len(sent.run.mark_seconds) < len(MARKS):
        return ""
    early, middle, late = sent.run.mark_seconds
    readers = sent.audience.readers * (MARKS[1] - MARKS[0])
    return ", ".join(f"{readers / max(span, 1e-9):,.0f}/s" for span in (middle - early, late - middle))


def _cpu(sent: Sent) -> str:
    return f"{sent.run.cpu_seconds / sent.audience.readers * 1e6:.0f} µs"


def _storage(sent: Sent) -> list[str]:
    readers, storage = sent.audience.readers, sent.storage
    return [
        f"{readers:,}",
        f"{storage.planning_seconds:.2f} s",
        f"{storage.counting_seconds:.2f} s",
        f"{storage.audience_seconds:.2f} s",
        f"{readers / sent.run.commits:.1f}",
        f"{storage.planned_bytes / readers:.0f}",
        f"{storage.sent_bytes / readers:.0f}",
        f"{storage.written_bytes / readers:.0f}",
        f"{storage.server_seconds / readers * 1e6:.0f} µs",
    ]


if __name__ == "__main__":
    main()
