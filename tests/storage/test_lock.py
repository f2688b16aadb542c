"""One sender at a time; whose process dies holds the lock no more."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.errors import SenderRunning, StorageUnavailable
from newsletter.storage.database import Database
from newsletter.storage.lock import _SPACE, _WHOLE, EVERYTHING, SILENT_SECONDS, SenderLock
from newsletter.storage.tables import SenderRun

#: Holds the lock until it is killed, or its input ends.
HOLDER = """
import sys
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock
with SenderLock(Database(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding(database, scope):
    """Another process that holds the lock of a scope."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database.url, scope], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def holder(database):
    """Another process that holds the lock of everything."""
    with holding(database, EVERYTHING) as process:
        yield process


def is_free(database: Database, scope: str = EVERYTHING) -> bool:
    try:
        with SenderLock(database, scope):
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


PART, OTHER_PART = "edition 1 from 0", "edition 1 from 5001"


@pytest.mark.parametrize(
    ("held", "free"),
    [
        pytest.param([EVERYTHING], set(), id="everything excludes all parts"),
        pytest.param([PART], {OTHER_PART, "notices"}, id="a part excludes everything and itself"),
        pytest.param([PART, OTHER_PART], {"notices"}, id="two parts"),
        pytest.param([PART, OTHER_PART, "notices"], set(), id="all parts"),
        pytest.param([], {EVERYTHING, PART, OTHER_PART, "notices"}, id="nothing"),
    ],
)
def test_senders_of_parts_exclude_each_other_by_name_and_are_excluded_by_one_of_everything(postgresql, held, free):
    with ExitStack() as locks:
        for scope in held:
            locks.enter_context(SenderLock(postgresql, scope))
        for _ in range(2):  # and a refusal takes nothing from the holders
            assert {scope for scope in (EVERYTHING, PART, OTHER_PART, "notices") if is_free(postgresql, scope)} == free
    assert is_free(postgresql)


def test_the_end_of_one_part_leaves_the_others(postgresql):
    with SenderLock(postgresql, PART):
        with SenderLock(postgresql, OTHER_PART):
            pass
        assert not is_free(postgresql, PART)
        assert not is_free(postgresql)
        assert is_free(postgresql, OTHER_PART)


def test_a_part_that_was_refused_leaves_everything_free(postgresql):
    with SenderLock(postgresql, PART), pytest.raises(SenderRunning):
        SenderLock(postgresql, PART).__enter__()

    assert is_free(postgresql)


@pytest.mark.parametrize("asks", [EVERYTHING, PART, OTHER_PART])
def test_on_sqlite_there_is_one_sender_whatever_it_sends(sqlite, asks):
    with SenderLock(sqlite, PART):
        assert not is_free(sqlite, asks)
    assert is_free(sqlite, asks)


def a_run(database, scope, *, silent_for, is_over=False):
    """A sender's run that ticked last so many seconds ago."""
    with database.writing() as session:
        now = session.scalar(text("SELECT now()"))
        ticked_at = int(now.timestamp()) - silent_for
        session.add(SenderRun(scope=scope, started_at=now, ticked_at=ticked_at, ended_at=now if is_over else None))


@pytest.mark.parametrize("scope", [EVERYTHING, PART])
def test_a_holder_that_is_silent_for_long_loses_the_lock_to_the_next_who_asks(postgresql, scope):
    with holding(postgresql, scope) as holder:
        holder.send_signal(signal.SIGSTOP)
        a_run(postgresql, scope, silent_for=SILENT_SECONDS + 2)

        with SenderLock(postgresql, scope):
            a_run(postgresql, scope, silent_for=0)
            assert not is_free(postgresql, scope)
            holder.send_signal(signal.SIGCONT)
            holder.communicate()
            assert holder.returncode == 0
            assert not is_free(postgresql, scope)  # the end of the first takes nothing from the second


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param([], id="none has begun"),
        pytest.param([{"silent_for": SILENT_SECONDS - 5}], id="ticked not long ago"),
        pytest.param([{"silent_for": 99}, {"silent_for": 1}], id="one before it was silent"),
        pytest.param([{"silent_for": 99, "is_over": True}], id="the last one is over, and it has not begun yet"),
    ],
)
@pytest.mark.parametrize("scope", [EVERYTHING, PART])
def test_a_holder_that_lives_keeps_the_lock(postgresql, scope, runs):
    with SenderLock(postgresql, scope):
        for each in runs:
            a_run(postgresql, scope, **each)
        assert not is_free(postgresql, scope)
        assert not is_free(postgresql, scope)


def test_who_asks_for_one_part_ends_no_holder_of_another(postgresql):
    with SenderLock(postgresql, PART), SenderLock(postgresql, OTHER_PART):
        a_run(postgresql, PART, silent_for=99)
        a_run(postgresql, OTHER_PART, silent_for=1)

        assert not is_free(postgresql, OTHER_PART)
        assert not is_free(postgresql)
        with postgresql.reading() as session:
            held = session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"))
        assert held == 4  # each has its own, and a share in that of everything


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
