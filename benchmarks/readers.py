"""Whether a large list is sent as fast as a small one, in as little memory; and what a delivery takes on the disk.

The smallest size is sent several times before and after the others: it takes a few seconds only.
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
from newsletter.services import deliveries, editions

ROUNDS = 3  #: of the smallest size, before and after


@dataclass(frozen=True, slots=True)
class Sent:
    """One edition, sent, and what it left behind."""

    audience: Audience
    run: Run
    planning_seconds: float
    planned_bytes: int  #: by which planning made the database grow
    sent_bytes: int  #: the same of planning and sending
    wal_bytes: int  #: of PostgreSQL's log, by both
    counting_seconds: float  #: of the rows by state, as the desk does

    @property
    def rate(self) -> float:
        return self.audience.readers / self.run.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    arguments = parser.parse_args()
    smallest, *others = sorted(arguments.readers)
    with ExitStack() as stack:
        server_url = stack.enter_context(postgresql_server()) if arguments.database == "postgresql" else None
        port = stack.enter_context(relay.smtp_sink())

        def send(readers: int) -> Sent:
            with instance(port, server_url=server_url, connections=str(arguments.sessions)) as made:
                nonlocal words
                words = made.words
                return sent(made, readers)

        words = ""
        few = [send(smallest) for _ in range(ROUNDS)]
        many = [send(readers) for readers in others]
        few += [send(smallest) for _ in range(ROUNDS)]
    print(f"{few[0].audience.message_bytes:,} bytes a message; {arguments.sessions} sessions to smtp-sink; {words}\n")
    show(few, many)


def sent(made: Instance, readers: int) -> Sent:
    """Fill a fresh instance, send its edition, and measure."""
    found = audience.fill(made.database, made.settings, readers)
    stored, logged = made.bytes_stored(), made.wal_position()
    began = time.monotonic()
    audience.plan(made.database)
    planned = time.monotonic() - began
    planned_bytes = made.bytes_stored() - stored
    run = sending_process.run(made, readers)
    logged = made.wal_position() - logged
    sent_bytes = made.bytes_stored() - stored
    return Sent(found, run, planned, planned_bytes, sent_bytes, logged, _counting(made))


def _counting(made: Instance) -> float:
    """Seconds that it takes to count the edition's rows by state, once the database has had time to tidy up."""
    if made.database.path is None:
        with made.database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM (ANALYZE) delivery"))
    with made.database.reading() as session:
        edition_id = editions.get(session, audience.MONTH).id
        began = time.monotonic()
        deliveries.counts(session, edition_id)
        return time.monotonic() - began


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
    head = ("readers", "newsletter", "of the first", "sent", "from 10 to 50 %, from 50 to 90 %", "processor time a message")
    print(table(head, speeds))
    marks = [*(f"at {mark:.0%}" for mark in MARKS), "at the end", "peak"]
    memory = [
        [f"{each.audience.readers:,}", *(f"{megabytes:.0f} MB" for megabytes in (*each.run.mark_mb, each.run.peak_mb))]
        for each in sizes
    ]
    print(table(["readers", *marks], memory))
    head = (
        "readers",
        "planning",
        "counting",
        "bytes a planned delivery",
        "bytes a sent delivery",
        "bytes written a delivery (SQLite: to the disk; PostgreSQL: to its log)",
    )
    print(table(head, map(_storage, sizes)))


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
    readers = sent.audience.readers
    return [
        f"{readers:,}",
        f"{sent.planning_seconds:.2f} s",
        f"{sent.counting_seconds:.2f} s",
        f"{sent.planned_bytes / readers:.0f}",
        f"{sent.sent_bytes / readers:.0f}",
        f"{(sent.wal_bytes or sent.run.written_bytes) / readers:.0f}",
    ]


if __name__ == "__main__":
    main()
