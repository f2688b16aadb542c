"""The whole service on one machine: web pages, scheduler, and one sender in a process of its own.

The sender is a process so that pages stay quick while it works, and so that it can die without taking the site along:
it is started again, and its lock and its armed rows tell what it was doing. On PostgreSQL it is a worker (jobs.worker),
one of as many as there may be.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from threading import Event, Thread

from newsletter import logs
from newsletter.config import Settings
from newsletter.errors import NewsletterError, SenderRunning
from newsletter.jobs.sender import Sender
from newsletter.jobs.worker import Worker
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  #: before a lock is tried again, and before a sender that died is started again
STOPPING_SECONDS = 45.0  #: for a sender to finish what the relay has in hand


def run_sender(database: Database, settings: Settings, is_over: Callable[[], bool]) -> None:
    """Send whatever is due until `is_over`; while another process is the sender, wait to take its place."""
    while not is_over():
        try:
            with SenderLock(database):
                Sender(database, settings).run(is_over)
        except SenderRunning:
            time.sleep(RETRY_SECONDS)
        except NewsletterError as error:
            log.warning("the sender begins again: %s", error)
            time.sleep(RETRY_SECONDS)


def sender_process(settings: Settings, parent: int) -> None:
    """The body of the sender's process; it stops in good order on SIGTERM, or when its parent is gone."""
    logs.set_up()
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent says when to stop
    database = Database(settings.database_url)

    def is_over() -> bool:
        return stop.is_set() or os.getppid() != parent

    if database.path is None:
        Worker(database, settings).run(is_over)
    else:
        run_sender(database, settings, is_over)
    database.close()


class SenderKeeper:
    """Keeps one sender process alive. A context manager: at the end the sender is told to stop, and waited for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._over = Event()
        self._thread = Thread(target=self._keep, name="sender-keeper", daemon=True)
        self._process: SpawnProcess | None = None

    def __enter__(self) -> SenderKeeper:
        self._process = self._start()
        self._thread.start()
        return self

    def _start(self) -> SpawnProcess:
        # Spawned, not forked: this process has threads and open connections.
        process = multiprocessing.get_context("spawn").Process(
            target=sender_process, args=(self._settings, os.getpid()), name="sender", daemon=True
        )
        process.start()
        return process

    def _keep(self) -> None:
        while not self._over.wait(RETRY_SECONDS):
            if self._process is not None and not self._process.is_alive() and not self._over.is_set():
                log.warning("the sender died (exit code %s); starting it again", self._process.exitcode)
                self._process = self._start()

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()
        if self._process is not None:
            self._process.terminate()
            self._process.join(STOPPING_SECONDS)
