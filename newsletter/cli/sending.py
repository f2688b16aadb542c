"""An edition on its way, by a sender or workers that run already, else by the command itself."""

from __future__ import annotations

import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Final

import click

from newsletter.cli import progress
from newsletter.config import Settings
from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.errors import InvalidInput, RelayUnavailable, SenderRunning
from newsletter.jobs.sender import Sender
from newsletter.jobs.worker import Worker
from newsletter.services.progress import Standing
from newsletter.storage import job_queue
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock

#: How long a relay may be out of reach before a command that sends by itself gives up; a service would wait on.
PATIENCE_SECONDS: Final = 5.0

_OVER: Final = (EditionState.SENT, EditionState.PAUSED, EditionState.CANCELLED)


def send(database: Database, settings: Settings, month: Month, edition_id: int, *, wait: bool) -> None:
    """See an edition off that is being sent; with `wait`, to its end.

    Raises RelayUnavailable where this command sends and the relay can't be reached, and InvalidInput where it was to
    wait and something is left.
    """
    if database.path is None:
        standing = _beside_workers(database, settings, month, edition_id, wait=wait)
    else:
        standing = _beside_a_sender(database, settings, month, edition_id, wait=wait)
    click.echo(f"{month}: {standing.state.value}: {standing.words}")
    for words in filter(None, (standing.halted, standing.note)):
        click.echo(words)
    if wait and standing.state is not EditionState.SENT:
        raise InvalidInput(f"{month} is {standing.state.value}; what is left goes out when it is sent on")


def _beside_a_sender(database: Database, settings: Settings, month: Month, edition_id: int, *, wait: bool) -> Standing:
    try:
        with SenderLock(database):
            click.echo(f"{month}: sending by this command, as no sender is running")
            return _send_here(database, Sender(database, settings), edition_id)
    except SenderRunning:
        click.echo(f"{month}: a sender is running, and sends it")
        return progress.watch(database, edition_id, _is_over) if wait else progress.look(database, edition_id)


def _beside_workers(database: Database, settings: Settings, month: Month, edition_id: int, *, wait: bool) -> Standing:
    if _is_worker_running(database):
        click.echo(f"{month}: workers are running, and send it")
        if not wait:
            return progress.look(database, edition_id)
        standing = progress.watch(
            database, edition_id, lambda standing: _is_over(standing) or not _is_worker_running(database)
        )
        if _is_over(standing):
            return standing
    click.echo(f"{month}: sending by this command, as no worker is running")
    return _send_here(database, Worker(database, settings), edition_id)


def _is_worker_running(database: Database) -> bool:
    with database.reading() as session:
        return bool(job_queue.workers(session))


def _send_here(database: Database, sender: Sender | Worker, edition_id: int) -> Standing:
    """Be the sender until nothing is left, or the relay stays out of reach; Ctrl-C and SIGTERM stop in good order."""
    logging.getLogger("newsletter").setLevel(logging.ERROR)  # its troubles are told in the progress and at the end
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    patience = _Patience(sender)
    with ThreadPoolExecutor(1, "sender") as pool:
        sending = pool.submit(sender.run, stop.is_set)

        def is_over(standing: Standing) -> bool:
            return _is_over(standing) or stop.is_set() or sending.done() or patience.is_out()

        try:
            progress.watch(database, edition_id, is_over)
        finally:
            stop.set()
        sending.result()
    if patience.trouble:
        raise RelayUnavailable(f"{patience.trouble}; mend that or set SMTP_URL, then run this again: nobody is lost")
    return progress.look(database, edition_id)


class _Patience:
    """Runs out when the relay has been out of reach for PATIENCE_SECONDS."""

    def __init__(self, sender: Sender | Worker) -> None:
        self.trouble: str | None = None  #: with which it ran out
        self._sender = sender
        self._since: float | None = None

    def is_out(self) -> bool:
        found = self._sender.trouble
        if found is None:
            self._since = None
            return False
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > PATIENCE_SECONDS:
            self.trouble = found
        return self.trouble is not None


def _is_over(standing: Standing) -> bool:
    return standing.state in _OVER or standing.halted is not None
