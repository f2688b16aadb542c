"""A worker: on PostgreSQL any number of them send side by side, on any machines, and Procrastinate hands out the work.

Each is one process that takes one job of each queue at a time: the notices that are due, a shard of an edition, and the
upkeep, which makes the jobs that are missing. What it does to stay in touch with the queue is apart from the senders in
its threads: when the server is gone for a while, they wait for it and go on.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Status
from psycopg import OperationalError
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from newsletter.config import Settings
from newsletter.errors import SettingsError
from newsletter.jobs.errands import Errands
from newsletter.services.notices import SEND_NOTICES
from newsletter.services.shards import SEND_SHARD
from newsletter.storage import job_queue
from newsletter.storage.database import Database
from newsletter.storage.job_queue import BEAT_SECONDS, DIGESTS, GONE_SECONDS, NOTICES, QUEUES, UPKEEP

log = logging.getLogger(__name__)

UPKEEP_CRON: Final = "* * * * * */5"  #: every five seconds, by one of the workers
POLL_SECONDS: Final = 2.0  #: between two looks for a job, where no notification came
CONNECT_SECONDS: Final = 5.0  #: to wait for a connection
RETRY_SECONDS: Final = 1.0  #: before the queue is tried again
TELL_SECONDS: Final = 10.0  #: a queue that was lost before that is lost still, and that is told already
_STEP_SECONDS: Final = 0.25

#: How long a transaction may stand open with nothing done in it. No sender's does, unless its process is stopped; and
#: then it holds rows that whoever takes over has to write.
_IDLE_SECONDS: Final = 15

#: They tell of each lost connection in a hundred lines. What matters is told here and by the senders.
_NOISY: Final = ("procrastinate", "psycopg.pool")


class Worker:
    """Sends what is due, side by side with others, while `run` runs."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Raises SettingsError on SQLite."""
        if database.path is not None:
            raise SettingsError(
                "workers need PostgreSQL, and DATABASE_URL is SQLite: run 'newsletter serve', which sends by itself"
            )
        self._database = database
        self._settings = settings
        self._errands: Errands | None = None

    @property
    def trouble(self) -> str | None:
        """Why the relay can't be used right now, in words for a person."""
        return self._errands.trouble if self._errands is not None else None

    def run(self, is_over: Callable[[], bool]) -> None:
        """Work until `is_over`; then finish what the relay has in hand, and leave the rest to others."""
        for name in _NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        database = Database(self._database.url)
        event.listen(database.engine, "connect", _limit_idleness)
        self._errands = Errands(database, self._settings, is_over)
        try:
            asyncio.run(_run(database, self._errands, is_over))
        finally:
            self._errands.close()
            database.close()


def _limit_idleness(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'")
    cursor.close()
    connection.commit()


async def _run(database: Database, errands: Errands, is_over: Callable[[], bool]) -> None:
    asyncio.get_running_loop().set_exception_handler(_tell)
    keepers = [asyncio.create_task(_keep(database, errands, queue), name=queue) for queue in QUEUES]
    await asyncio.to_thread(errands.keep_up)  # what another left behind need not wait for the next round
    while not is_over() and not any(keeper.done() for keeper in keepers):
        await asyncio.sleep(_STEP_SECONDS)
    for keeper in keepers:
        keeper.cancel()
    for ended in await asyncio.gather(*keepers, return_exceptions=True):
        if isinstance(ended, Exception):  # a fault in this program: better no worker than half of one
            raise ended


def _tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Of a job that was over when others had given it up, say."""
    log.warning("the queue: %s: %s", context["message"], type(context.get("exception")).__name__)


def _pool(database: Database) -> AsyncConnectionPool[Any]:
    """Connections for the queue, whose name on the server tells that this worker lives."""
    _, given = database.engine.dialect.create_connect_args(database.engine.url)
    options = f"{given.pop('options', '')} -c search_path={job_queue.SEARCH_PATH}".strip()
    name = job_queue.worker_name(socket.gethostname(), os.getpid())
    given.pop("context", None)  # SQLAlchemy's adapters
    return AsyncConnectionPool(
        kwargs={**given, "options": options, "application_name": name},
        min_size=1,
        max_size=2,
        timeout=CONNECT_SECONDS,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )


def _add_tasks(app: App, errands: Errands) -> None:
    app.task(name=SEND_NOTICES.task, queue=NOTICES)(errands.send_notices)
    app.task(name=SEND_SHARD, queue=DIGESTS)(errands.send_shard)

    @app.periodic(cron=UPKEEP_CRON)
    @app.task(name="keep_up", queue=UPKEEP, queueing_lock="keep_up")
    async def keep_up(timestamp: int) -> None:
        await asyncio.to_thread(errands.keep_up)
        await app.job_manager.prune_stalled_workers(GONE_SECONDS)
        # Their work has new jobs by now, or will have: the rows decide.
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=GONE_SECONDS):
            with suppress(ConnectorException):  # another worker was quicker
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


async def _keep(database: Database, errands: Errands, queue: str) -> None:
    """Take jobs from a queue, until cancelled; then the job under way comes to its end first."""
    lost_at = -math.inf
    while True:
        with suppress(ConnectorException, OperationalError):
            # Connections of its own, made anew: a pool that has failed for a while is slow to try again.
            async with _pool(database) as pool:
                await _work(pool, errands, queue)
        if time.monotonic() - lost_at > TELL_SECONDS:
            log.warning("the queue of %s can't be reached; it is tried again and again", queue)
        lost_at = time.monotonic()
        await asyncio.sleep(RETRY_SECONDS)


async def _work(pool: AsyncConnectionPool[Any], errands: Errands, queue: str) -> None:
    app = App(connector=PsycopgConnector())
    await app.connector.open_async(pool)
    _add_tasks(app, errands)
    await app.run_worker_async(
        queues=[queue],
        name=queue,
        concurrency=1,
        install_signal_handlers=False,
        listen_notify=queue != UPKEEP,  # which nobody hurries to
        fetch_job_polling_interval=POLL_SECONDS,
        update_heartbeat_interval=BEAT_SECONDS,
        stalled_worker_timeout=GONE_SECONDS,
        delete_jobs=DeleteJobCondition.ALWAYS,
    )
