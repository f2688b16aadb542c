"""A sender in a process of its own, so that its memory and its processor time are its own.

`run` starts it and waits; the process prints one line of JSON when the edition is sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from typing import Final

from sqlalchemy import event

from benchmarks import processes
from benchmarks.audience import MONTH
from benchmarks.instance import Instance
from newsletter import config
from newsletter.config import Settings
from newsletter.domain.states import DeliveryState, EditionState
from newsletter.jobs.sender import Sender
from newsletter.services import editions
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock
from newsletter.storage.tables import Delivery

MARKS: Final = (0.1, 0.5, 0.9)  #: shares of the readers at which the memory is looked at
LOOK_SECONDS: Final = 0.1  #: between two looks how far it is


@dataclass(frozen=True, slots=True)
class Run:
    """One edition, sent."""

    seconds: float  #: from the sender's start until the edition was sent
    cpu_seconds: float  #: of the sender's process
    peak_mb: float  #: of its memory
    mark_seconds: list[float]  #: when each of MARKS was passed
    mark_cpu_seconds: list[float]  #: the processor time until then
    mark_mb: list[float]  #: its memory then, and at the end
    written_bytes: int  #: to the disk
    commits: int


def run(instance: Instance, readers: int) -> Run:
    """Send the planned edition of `instance`, whose readers have the ids from 1 on."""
    command = [sys.executable, "-m", "benchmarks.sending_process", json.dumps(instance.given), str(readers)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return Run(**json.loads(output))


class Observer:
    """Looks from time to time how far the edition is, at rows whose keys it knows: that costs hardly anything."""

    def __init__(self, database: Database, readers: int, on_mark: Callable[[], object] | None = None) -> None:
        """`on_mark` is called when one of MARKS is passed."""
        self._database = database
        self._on_mark = on_mark
        self._waiting = [max(1, int(readers * mark)) for mark in MARKS]
        self._began = self._looked = time.monotonic()
        self.seconds: list[float] = []  #: when each mark was passed
        self.cpu_seconds: list[float] = []  #: the processor time of this process until then
        self.megabytes: list[float] = []  #: this process's memory then

    def is_over(self) -> bool:
        """Whether the edition is sent."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        with self._database.reading() as session:
            edition = editions.get(session, MONTH)
            while self._waiting:
                delivery = session.get_one(Delivery, (edition.id, self._waiting[0]))
                if delivery.state != DeliveryState.SENT.value:
                    break
                self._note(now)
                del self._waiting[0]
            return edition.state == EditionState.SENT.value

    def _note(self, now: float) -> None:
        self.seconds.append(now - self._began)
        self.cpu_seconds.append(time.process_time())
        self.megabytes.append(processes.own_memory("VmRSS"))
        if self._on_mark is not None:
            self._on_mark()


def _measured(database: Database, settings: Settings, readers: int) -> Run:
    """Send the edition in this process."""
    commits = count(1)
    event.listen(database.engine, "commit", lambda _connection: next(commits))
    sender, observer = Sender(database, settings), Observer(database, readers)
    written = processes.own_number("io", "write_bytes")
    began, cpu_began = time.monotonic(), time.process_time()
    sender.run(observer.is_over)
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
    megabytes = [*observer.megabytes, processes.own_memory("VmRSS")]
    written = processes.own_number("io", "write_bytes") - written
    peak = processes.own_memory("VmHWM")
    marks = (observer.seconds, observer.cpu_seconds, megabytes)
    return Run(seconds, cpu_seconds, peak, *marks, written, next(commits) - 1)


def main() -> None:
    settings = config.load({}, **json.loads(sys.argv[1]))
    database = Database(settings.database_url)
    with SenderLock(database):
        found = _measured(database, settings, int(sys.argv[2]))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
