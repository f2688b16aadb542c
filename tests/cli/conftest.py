"""Commands, run in this process as the console script runs them, on an instance of the test's own."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsletter.cli.main import main
from newsletter.cli.updates import sample_readings, store
from newsletter.storage.database import Database


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def instance(tmp_path: Path, sqlite_template: Path) -> Path:
    """An instance folder with an empty database."""
    folder = tmp_path / "instance"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "newsletter.db")
    return folder


@pytest.fixture(scope="session")
def sampled_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the sample months."""
    path = tmp_path_factory.mktemp("sampled") / "newsletter.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    with database.writing() as session:
        store(session, sample_readings())
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture
def sampled(instance: Path, sampled_template: Path) -> Path:
    """The instance folder, with the sample months in its database."""
    shutil.copy(sampled_template, instance / "newsletter.db")
    return instance


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, instance: Path
) -> Iterator[Run]:
    """Run `newsletter WORDS...`; keywords are settings in the environment."""
    for name in os.environ:
        if name.startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NEWSLETTER_INSTANCE", str(instance))
    monkeypatch.setenv("NEWSLETTER_POSTAL_ADDRESS", "1 Sample Street")
    monkeypatch.setenv("NEWSLETTER_SENDER", "Country Updates <updates@example.org>")
    monkeypatch.chdir(tmp_path)
    level = logging.getLogger("newsletter").level
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def act(*words: object, **settings: str) -> Ran:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["newsletter", *map(str, words)])
            for name, value in settings.items():
                patched.setenv(f"NEWSLETTER_{name}", value)
            with pytest.raises(SystemExit) as ended:
                main()
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, told.out, told.err)

    yield act
    logging.getLogger("newsletter").setLevel(level)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """Run a command that has to end with one line on stderr and code 1; that line, without the program's name."""

    def act(*words: object, **settings: str) -> str:
        ran = run(*words, **settings)
        assert (ran.code, ran.err.count("\n")) == (1, 1), ran
        assert ran.err.startswith("newsletter: ")
        assert ran.err.endswith("\n")
        assert ran.err.strip().isprintable()
        assert "Traceback" not in ran.err
        return ran.err.removeprefix("newsletter: ").strip()

    return act
