"""One sender at a time; whose process dies holds the lock no more."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.errors import SenderRunning, StorageUnavailable
from newsletter.storage.database import Database
from newsletter.storage.lock import _SPACE, _WHOLE, SenderLock

#: Holds the lock until it is killed, or its input ends.
HOLDER = """
import sys
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock
with SenderLock(Database(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(database):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def is_free(database: Database) -> bool:
    try:
        with SenderLock(database):
            return True
    except SenderRunning:
        return False


def test_a_second_holder_is_refused(database):
    with SenderLock(database), pytest.raises(SenderRunning, match="another sender is running on this database"):
        SenderLock(database).__enter__()


def test_a_refusal_takes_nothing_from_the_holder(database):
    with SenderLock(database):
        assert not is_free(database)
        assert not is_free(database)


def test_the_lock_is_free_again_at_the_end(database):
    for _ in range(3):
        with SenderLock(database):
            pass

    assert is_free(database)


def test_a_server_that_is_gone_at_the_end_is_no_error(postgresql):
    with SenderLock(postgresql), postgresql.engine.connect() as other:
        other.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


def test_an_error_frees_the_lock(database):
    with pytest.raises(EOFError), SenderLock(database):
        raise EOFError

    assert is_free(database)


def test_another_process_is_refused_until_the_holder_ends(database, holder):
    assert not is_free(database)

    holder.communicate()
    wait_until_the_server_knows(database)

    assert holder.returncode == 0
    assert is_free(database)


def test_a_holder_that_is_killed_holds_the_lock_no_more(database, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    wait_until_the_server_knows(database)

    assert is_free(database)


def wait_until_the_server_knows(database: Database) -> None:
    """PostgreSQL sees the end of a connection a moment later; SQLite's lock goes with the process."""
    if database.path is None:
        with database.engine.connect() as connection:
            connection.execute(text("SET lock_timeout = '10s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:space, :key)"), {"space": _SPACE, "key": _WHOLE})


def test_databases_have_locks_of_their_own(sqlite, postgresql, tmp_path):
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    with SenderLock(sqlite), SenderLock(postgresql), SenderLock(other):
        pass


def test_a_lock_that_can_not_be_opened_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    database = Database(f"sqlite:///{tmp_path / 'file' / 'newsletter.db'}")

    with pytest.raises(StorageUnavailable, match="can't be opened: Not a directory"):
        SenderLock(database).__enter__()


def test_a_server_that_is_away_is_told():
    with pytest.raises(StorageUnavailable):
        SenderLock(Database("postgresql://127.0.0.1:1/x")).__enter__()


def test_the_lock_is_a_file_that_only_its_owner_can_read(sqlite):
    with SenderLock(sqlite):
        assert Path(f"{sqlite.path}-sender.lock").stat().st_mode & 0o777 == 0o600
