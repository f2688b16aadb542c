"""One sender and two: on SQLite and PostgreSQL, to a sink that answers at once and to one that takes its time.

Workers are run as an operator runs them, by the command line: `newsletter worker`, and `newsletter edition send`, which
sends by itself where nobody else does. The rate is that of the whole edition, from its planning to its last row.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import audience, relay
from benchmarks.instance import Instance, instance, postgresql_server
from benchmarks.table import table
from newsletter.domain.states import DeliveryState
from newsletter.jobs.sender import utc_now
from newsletter.services import counts, editions

WANTED = 1.8  #: the least that two workers send in times of one, where the sink is not the limit
STARTING_SECONDS = 5.0  #: for a worker to load its modules and to look for work
STOPPING_SECONDS = 60.0  #: for one that was told to
QUICK_CONNECTIONS = 20  #: of each sender, to the sink that answers at once
COMMAND = str(Path(sys.executable).with_name("newsletter"))
HEAD = ("database", "senders", "connections of each", "sink answers", "rate", "of one sender", "wanted")


@dataclass(frozen=True, slots=True)
class Setup:
    """Who sends, and to what."""

    database: str
    senders: int
    is_slow: bool


SETUPS = [
    Setup(database, senders, is_slow)
    for is_slow in (False, True)
    for database, senders in (("sqlite", 1), ("postgresql", 1), ("postgresql", 2))
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=4, help="of one sender, to the sink that takes its time")
    parser.add_argument("--delay", type=float, default=5.0, help="milliseconds until that answers a message")
    arguments = parser.parse_args()
    rows: list[list[str]] = []
    alone: dict[bool, float] = {}
    with ExitStack() as stack:
        server_url = stack.enter_context(postgresql_server())
        quick = stack.enter_context(relay.smtp_sink()).port
        slow = stack.enter_context(relay.slow_sink(arguments.delay)).port
        for setup in SETUPS:
            url = server_url if setup.database == "postgresql" else None
            port, connections = (slow, arguments.connections) if setup.is_slow else (quick, QUICK_CONNECTIONS)
            with instance(port, server_url=url, connections=str(connections)) as made:
                found = audience.fill(made.database, made.settings, arguments.readers)
                rate = send(made, arguments.readers, setup.senders)
                answers = f"after {arguments.delay:g} ms" if setup.is_slow else "at once"
                rows.append([made.words, f"{setup.senders}", f"{connections}", answers, f"{rate:,.0f}/s", "", ""])
            if setup.senders == 1:
                alone[setup.is_slow] = rate
            else:
                rows[-1][-2:] = [f"{rate / alone[setup.is_slow]:.2f}", f"{WANTED}" if setup.is_slow else ""]
        borne = relay.smtp_source(slow, arguments.readers, 8 * arguments.connections, found.message_bytes)
    print(f"{arguments.readers:,} readers; {found.message_bytes:,} bytes a message\n")
    print(table(HEAD, rows))
    print(f"The slow sink bears {borne:,.0f} messages/s of smtp-source with {8 * arguments.connections} sessions.")


def send(made: Instance, readers: int, senders: int) -> float:
    """Send the edition; messages a second. Raises SystemExit unless everybody got theirs."""
    is_shared = made.database.path is None
    with workers(made, senders if is_shared else 0):
        newsletter(made, "edition", "send", str(audience.MONTH), "--wait")
    with made.database.reading() as session:
        edition = editions.get(session, audience.MONTH)
        sent = counts.count(session, edition, now=utc_now()).deliveries[DeliveryState.SENT]
        if sent != readers or edition.send_started_at is None or edition.ended_at is None:
            raise SystemExit(f"{sent:,} of {readers:,} deliveries were sent")
        return readers / (edition.ended_at - edition.send_started_at).total_seconds()


@contextmanager
def workers(made: Instance, count: int) -> Iterator[None]:
    """So many `newsletter worker`, ready for work; stopped in good order at the end."""
    with ExitStack() as stack:
        started = [
            subprocess.Popen([COMMAND, "worker"], env=made.environment, stdout=subprocess.DEVNULL) for _ in range(count)
        ]
        for process in started:
            stack.callback(process.wait, STOPPING_SECONDS)
            stack.callback(process.terminate)
        if count:
            time.sleep(STARTING_SECONDS)
        if any(process.poll() is not None for process in started):
            raise SystemExit("a worker has ended by itself")
        yield


def newsletter(made: Instance, *arguments: str) -> None:
    """Run a command. Raises SystemExit if it fails."""
    done = subprocess.run([COMMAND, *arguments], env=made.environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"newsletter {' '.join(arguments)} has failed")


if __name__ == "__main__":
    main()
