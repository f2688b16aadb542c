"""Where the time goes: microseconds a message by step of the sender, 30 kB, SQLite.

The steps' functions are wrapped in stopwatches, each of which stops while another one runs in it. That slows the sender
down a little, so their times are scaled to those of a sender that is not looked at, run before and after.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean
from typing import Final, ParamSpec, TypeVar

from benchmarks import audience, relay, sending_process
from benchmarks.instance import Instance, instance
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
REST: Final = "the rest: opening transactions, handing messages on"
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=30_000)
    parser.add_argument("--sessions", type=int, default=20)
    arguments = parser.parse_args()
    readers, watches = arguments.readers, Stopwatches()
    spans, sink_seconds = [], 0.0
    with relay.smtp_sink() as sink:
        for is_watched in (False, True, False):
            with instance(sink.port, connections=str(arguments.sessions)) as made:
                found = audience.fill(made.database, made.settings, readers)
                audience.plan(made.database)
                before = sink.cpu_seconds
                if is_watched:
                    watch(made, readers, watches)
                    continue
                marks = sending_process.run(made, readers).mark_seconds
                spans.append(marks[-1] - marks[0])
                sink_seconds += (sink.cpu_seconds - before) / 2
                words = made.words
    print(f"{found.words}\n{words}; {arguments.sessions} sessions to smtp-sink on the same machine\n")
    told = readers * (MARKS[-1] - MARKS[0])
    print(table(HEAD, rows(watches.laps[0], watches.laps[-1], mean(spans) / told * 1e6, told)))
    print(f"The sink takes {sink_seconds / readers * 1e6:.0f} µs of processor time a message, besides these.")


def watch(made: Instance, readers: int, watches: Stopwatches) -> None:
    """Send the edition in this process, with stopwatches in all steps."""
    for step, functions in STEPS.items():
        for owner, name in functions:
            setattr(owner, name, watches.wrap(step, getattr(owner, name)))
    dialect = made.database.engine.dialect
    dialect.do_commit = watches.wrap(COMMIT, dialect.do_commit)
    with SenderLock(made.database):
        observer = Observer(made.database, readers, watches.lap)
        Sender(made.database, made.settings).run(observer.is_over)


def rows(first: Lap, last: Lap, micros: float, messages: float) -> list[list[str]]:
    """The steps between two laps, scaled so that they make up `micros`, the slowest first."""
    wall = {step: seconds - first.wall.get(step, 0.0) for step, seconds in last.wall.items()}
    cpu = {step: seconds - first.cpu.get(step, 0.0) for step, seconds in last.cpu.items()}
    calls = {step: count - first.calls.get(step, 0) for step, count in last.calls.items()}
    # Asking which sockets are ready is work; only what remains of it is waiting.
    wall[SOCKETS] += cpu[WAITING]
    cpu[SOCKETS] += cpu[WAITING]
    wall[WAITING] -= cpu[WAITING]
    cpu[WAITING] = 0.0
    scale = micros / sum(wall.values())
    found = [
        [
            step,
            f"{calls[step] / messages:.2f}" if step in calls else "",
            f"{seconds * scale:.1f}",
            f"{cpu[step] * scale:.1f}",
            f"{seconds / sum(wall.values()):.0%}",
        ]
        for step, seconds in sorted(wall.items(), key=lambda each: -each[1])
    ]
    return [*found, ["all", "", f"{micros:.1f}", f"{sum(cpu.values()) * scale:.1f}", "100%"]]


if __name__ == "__main__":
    main()
