"""Jobs are written with their cause, once each, and nobody waits for anybody."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from newsletter.storage import job_queue
from newsletter.storage.job_queue import Job

JOB = Job("send_notices", job_queue.NOTICES)
SHARD = Job("send_shard", job_queue.DIGESTS, {"edition_id": 7, "first": 0, "last": 99})


def jobs(database):
    query = text(
        "SELECT queue_name, task_name, queueing_lock, args, lock FROM procrastinate.procrastinate_jobs ORDER BY id"
    )
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def take_all(database):
    """As a worker does that takes what waits."""
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate.procrastinate_jobs SET status = 'doing'"))


def test_a_job_is_written_with_its_cause(postgresql):
    with postgresql.writing() as session:
        job_queue.defer(session, JOB, SHARD)

    assert jobs(postgresql) == [
        ("notices", "send_notices", "send_notices", {}, None),
        ("digests", "send_shard", "send_shard 7 0 99", {"edition_id": 7, "first": 0, "last": 99}, None),
    ]


def test_without_its_cause_there_is_no_job(postgresql):
    with postgresql.writing() as session:
        job_queue.defer(session, JOB)
        session.rollback()

    assert jobs(postgresql) == []


def test_one_job_waits_at_a_time_and_one_that_was_begun_waits_no_more(postgresql):
    for _ in range(3):
        with postgresql.writing() as session:
            job_queue.defer(session, JOB, SHARD)
            job_queue.defer(session, JOB)
    assert len(jobs(postgresql)) == 2

    take_all(postgresql)
    with postgresql.writing() as session:
        assert job_queue.waiting(session) == set()
        job_queue.defer(session, JOB)
        assert job_queue.waiting(session) == {JOB.key}


def test_who_writes_the_same_job_waits_for_nobody(postgresql):
    with postgresql.writing() as first, postgresql.writing() as second:
        for session in (first, second):
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            job_queue.defer(session, JOB, SHARD)

    assert len(jobs(postgresql)) == 2


def test_a_hundred_at_once_write_one_job(postgresql):
    together = Barrier(8)

    def act(_: int) -> None:
        together.wait()
        for _ in range(12):
            with postgresql.writing() as session:
                job_queue.defer(session, JOB)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(8)))

    assert len(jobs(postgresql)) == 1


def test_nothing_is_written_on_sqlite(sqlite):
    with sqlite.writing() as session:
        job_queue.defer(session, JOB)
        assert job_queue.workers(session) == []


@pytest.mark.parametrize("host", ["mail1.example.org", "a host with ümlauts and " + "a very long name " * 9])
def test_workers_are_found_by_their_connections(postgresql, host):
    name = job_queue.worker_name(host, 4711)
    with postgresql.writing() as session:
        session.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        assert job_queue.workers(session) == []  # nobody shows a sign of life

        session.execute(text("INSERT INTO procrastinate.procrastinate_workers DEFAULT VALUES"))
        [told] = job_queue.workers(session)
        assert told.startswith("mail1.example.org" if host.startswith("mail1") else "a-host-with-")
        assert told.endswith(" 4711")
    with postgresql.engine.connect() as connection:  # the pool's connection keeps its name: it is not to be found again
        connection.invalidate()


def test_a_worker_that_showed_no_sign_of_life_for_long_is_gone(postgresql):
    with postgresql.writing() as session:
        name = job_queue.worker_name(socket.gethostname(), os.getpid())
        session.execute(text("SELECT set_config('application_name', :name, true)"), {"name": name})
        session.execute(
            text(
                "INSERT INTO procrastinate.procrastinate_workers (last_heartbeat)"
                " VALUES (now() - make_interval(secs => :seconds))"
            ),
            {"seconds": job_queue.GONE_SECONDS + 1},
        )
        assert job_queue.workers(session) == []
