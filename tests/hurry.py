"""Work that is the same in most tests is done once, or not at all; what a test sees is the same.

Each test has a database, a site and templates of its own, which would be compiled a thousand times.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import Pool

from newsletter.mail.pictures import worldmap
from newsletter.services import passwords


@contextmanager
def _listening(target: type, name: str, act: Callable[..., None]) -> Iterator[None]:
    event.listen(target, name, act)
    yield
    event.remove(target, name, act)


def _do_not_wait_for_the_disk(connection: DBAPIConnection, *_: object) -> None:
    """A process that is killed loses nothing by it, and no test cuts the power."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


class _Templates(BytecodeCache):
    """What Jinja compiled, for all sites."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if self._known_as(bucket) in self._kept:
            bucket.bytecode_from_string(self._kept[self._known_as(bucket)])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[self._known_as(bucket)] = bucket.bytecode_to_string()

    @staticmethod
    def _known_as(bucket: Bucket) -> tuple[object, ...]:
        return bucket.key, bucket.checksum, bucket.environment.trim_blocks, bucket.environment.lstrip_blocks


class Hurry:
    """All of it, until it is stopped."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._templates = _Templates()
        self._draw = lru_cache(maxsize=64)(worldmap.draw)  # the same contents give the same bytes
        self._hasher = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)

    def start(self) -> None:
        self._stack.enter_context(_listening(Pool, "checkout", _do_not_wait_for_the_disk))
        patched = self._stack.enter_context(pytest.MonkeyPatch.context())
        patched.setattr(Flask, "jinja_options", {"bytecode_cache": self._templates})
        patched.setattr(worldmap, "draw", self._draw)
        patched.setattr(passwords, "_hasher", self._hasher)
        patched.setattr(passwords, "_NOBODYS", self._hasher.hash("nobody has this password"))

    def stop(self) -> None:
        self._stack.close()
