"""Where the time goes: microseconds a message by step of the sender, 30 kB, SQLite.

The steps' functions are wrapped in stopwatches, each of which stops while another one runs in it. That slows the sender
down a little, so their times are scaled to those of a sender that is not looked at, run before and after: what they
take of the processor to what that takes, and what is waiting to what remains.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

from sqlalchemy.orm import Session, SessionTransaction

from benchmarks import audience, relay, sending_process
from benchmarks.audience import Audience
from benchmarks.instance import Instance, instance
from benchmarks.relay import Sink
from benchmarks.sending_process import MARKS, Observer
from benchmarks.table import table
from newsletter.delivery.engine import Engine
from newsletter.jobs.pace import Pace
from newsletter.jobs.sender import Sender
from newsletter.mail.splicing import Splicer
from newsletter.services import claims, deliveries, results, runs
from newsletter.storage.lock import SenderLock

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

WAITING: Final = "waiting for the relay"
SOCKETS: Final = "sockets: reading, writing, asking which are ready"
REST: Final = "the rest: what a tick keeps in mind, handing messages on"
#: Each step, and the functions of which it is made. What is in none of them is REST.
STEPS: Final[dict[str, list[tuple[object, str]]]] = {
    "arm: choose readers, look at their wishes, mark their rows": [
        (claims, "is_notice_due"),
        (claims, "arm_notices"),
        (claims, "arm_pending"),
        (claims, "arm_due"),
        (deliveries, "sending"),
    ],
    "record: what the relay said, in the rows": [
        (runs, "tick"),
        (results, "record"),
        (results, "give_back"),
        (Pace, "learn"),
        (Pace, "save"),
    ],
    "transaction: begin and end it, commit left out": [
        (Session, "__init__"),
        (Session, "connection"),
        (SessionTransaction, "commit"),
        (SessionTransaction, "close"),
    ],
    "splice: make the message": [(Splicer, "splice")],
    "SMTP: commands, replies, which connection is next": [
        (Engine, "poll"),
        (Engine, "submit"),
        (Engine, "settle"),
        (Engine, "withdraw"),
    ],
    SOCKETS: [(socket.socket, "recv"), (socket.socket, "sendmsg"), (socket.socket, "send")],
    WAITING: [(selectors.DefaultSelector, "select")],
}
COMMIT: Final = "commit: until it is on the disk"
HEAD: Final = ("step", "calls", "µs a message", "of it processor time", "share")


@dataclass(slots=True)
class Lap:
    """What was measured up to a moment, by step."""

    wall: dict[str, float]  #: seconds
    cpu: dict[str, float]  #: seconds
    calls: dict[str, int]


class Stopwatches:
    """The time of each step, without that of the steps within it; for one thread."""

    def __init__(self) -> None:
        self.laps: list[Lap] = []
        self._now = Lap({}, {}, {})
        self._steps = [REST]
        self._wall, self._cpu = time.perf_counter(), time.thread_time()

    def lap(self) -> None:
        """Keep what has been measured up to now."""
        self._charge()
        self.laps.append(Lap(dict(self._now.wall), dict(self._now.cpu), dict(self._now.calls)))

    def wrap(self, step: str, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """The same function with a stopwatch."""
        calls = self._now.calls

        def timed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            self._charge()
            self._steps.append(step)
            calls[step] = calls.get(step, 0) + 1
            try:
                return function(*args, **kwargs)
            finally:
                self._charge()
                self._steps.pop()

        return timed

    def _charge(self) -> None:
        """What has passed since the last time goes to the step that runs now."""
        wall, cpu = time.perf_counter(), time.thread_time()
        step = self._steps[-1]
        self._now.wall[step] = self._now.wall.get(step, 0.0) + wall - self._wall
        self._now.cpu[step] = self._now.cpu.get(step, 0.0) + cpu - self._cpu
        self._wall, self._cpu = wall, cpu


@dataclass(frozen=True, slots=True)
class Plain:
    """A run that was not looked at."""

    words: str  #: what was sent, and from what database
    seconds: float  #: between the first mark and the last
    cpu_seconds: float  #: the same, of processor time
    sink_seconds: float  #: processor time of the sink, for all of it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=30_000)
    parser.add_argument("--sessions", type=int, default=20)
    arguments = parser.parse_args()
    readers, watches = arguments.readers, Stopwatches()
    with relay.smtp_sink() as sink:
        before = run_plain(sink, readers, arguments.sessions)
        with planned(sink, readers, arguments.sessions) as (made, _):
            watch(made, readers, watches)
        after = run_plain(sink, readers, arguments.sessions)
    print(f"{before.words}; {arguments.sessions} sessions to smtp-sink on the same machine\n")
    told = readers * (MARKS[-1] - MARKS[0])
    micros = (before.seconds + after.seconds) / 2 / told * 1e6
    cpu_micros = (before.cpu_seconds + after.cpu_seconds) / 2 / told * 1e6
    print(table(HEAD, rows(watches.laps[0], watches.laps[-1], micros, cpu_micros, told)))
    sink_micros = (before.sink_seconds + after.sink_seconds) / 2 / readers * 1e6
    print(f"The sink takes {sink_micros:.0f} µs of processor time a message, besides these.")


@contextmanager
def planned(sink: Sink, readers: int, sessions: int) -> Iterator[tuple[Instance, Audience]]:
    """An instance whose edition waits for a sender."""
    with instance(sink.port, connections=str(sessions)) as made:
        found = audience.fill(made.database, made.settings, readers)
        audience.plan(made.database)
        yield made, found


def run_plain(sink: Sink, readers: int, sessions: int) -> Plain:
    """Send the edition by a process of its own."""
    with planned(sink, readers, sessions) as (made, found):
        sink_began = sink.cpu_seconds
        run = sending_process.run(made, readers)
        seconds, cpu_seconds = (each[-1] - each[0] for each in (run.mark_seconds, run.mark_cpu_seconds))
        return Plain(f"{found.words}\n{made.words}", seconds, cpu_seconds, sink.cpu_seconds - sink_began)


def watch(made: Instance, readers: int, watches: Stopwatches) -> None:
    """Send the edition in this process, with stopwatches in all steps."""
    for step, functions in STEPS.items():
        for owner, name in functions:
            setattr(owner, name, watches.wrap(step, getattr(owner, name)))
    dialect = made.database.engine.dialect
    # SQLAlchemy tells of no commit from within; only this benchmark wraps it.
    dialect.do_commit = watches.wrap(COMMIT, dialect.do_commit)  # type: ignore[method-assign]
    with SenderLock(made.database):
        observer = Observer(made.database, readers, watches.lap)
        Sender(made.database, made.settings).run(observer.is_over)


def rows(first: Lap, last: Lap, micros: float, cpu_micros: float, messages: float) -> list[list[str]]:
    """The steps between two laps, the slowest first.

    They are scaled so that they make up `micros` a message, of which `cpu_micros` are processor time.
    """
    cpu = {step: seconds - first.cpu.get(step, 0.0) for step, seconds in last.cpu.items()}
    waited = {step: last.wall[step] - first.wall.get(step, 0.0) - cpu[step] for step in cpu}
    calls = {step: count - first.calls.get(step, 0) for step, count in last.calls.items()}
    # Asking which sockets are ready is work; only what remains of it is waiting.
    cpu[SOCKETS] += cpu.pop(WAITING)
    cpu_scale = cpu_micros / sum(cpu.values())
    scale = (micros - cpu_micros) / sum(waited.values())
    found = {step: (cpu.get(step, 0.0) * cpu_scale, seconds * scale) for step, seconds in waited.items()}
    return [
        *(
            _row(step, f"{calls[step] / messages:.2f}" if step in calls else "", each, micros)
            for step, each in sorted(found.items(), key=lambda each: -sum(each[1]))
        ),
        _row("all", "", (cpu_micros, micros - cpu_micros), micros),
    ]


def _row(step: str, calls: str, parts: tuple[float, float], micros: float) -> list[str]:
    """`parts` are the processor time and the rest."""
    return [step, calls, f"{sum(parts):.1f}", f"{parts[0]:.1f}", f"{sum(parts) / micros:.0%}"]


if __name__ == "__main__":
    main()
