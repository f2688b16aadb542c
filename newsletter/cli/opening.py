"""What most commands begin with: settings, and a database at this program's version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from newsletter import config
from newsletter.config import Settings
from newsletter.errors import InvalidInput
from newsletter.storage import migrating
from newsletter.storage.database import Database


def settings(**overrides: str) -> Settings:
    """The settings of this run. Raises SettingsError."""
    return config.load(os.environ, **overrides)


@contextmanager
def database(found: Settings) -> Iterator[Database]:
    """The database, ready for use: SQLite is set up by itself, PostgreSQL wants `newsletter db upgrade`."""
    opened = Database(found.database_url)
    try:
        if opened.path is not None:
            migrating.upgrade(opened)
        migrating.require_current(opened)
        yield opened
    finally:
        opened.close()


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises InvalidInput in words for a person."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}") from None


def read_text(path: Path) -> str:
    """A file's text. Raises InvalidInput unless it is UTF-8."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is no UTF-8 text (byte {error.start}); save it as UTF-8") from None
