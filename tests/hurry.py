"""Work that is the same in most tests is done once, or not at all; what a test sees is the same.

Each test has a database, a site and templates of its own, which would be compiled a thousand times.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import Pool
from werkzeug.routing import Rule

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


class _Statements(dict[tuple[Any, ...], object]):
    """What SQLAlchemy compiled, for all databases of a kind."""

    def get(self, key: tuple[Any, ...], default: object = None) -> object:
        return super().get(self._known_as(key), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: object) -> None:
        super().__setitem__(self._known_as(key), compiled)

    @staticmethod
    def _known_as(key: tuple[Any, ...]) -> tuple[Any, ...]:
        return key[0].name, *key[1:]  # the dialect, of which each engine has its own


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


def _when_it_is_used(compile_builder: Callable[..., Any]) -> Callable[..., Any]:
    """Werkzeug compiles two functions for each route, and a test builds the addresses of a few."""

    def lazily(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        made: list[Callable[..., Any]] = []

        def build(*bound: Rule, **values: object) -> Any:
            if not made:
                made.append(compile_builder(rule, append_unknown))
            return made[0](*bound, **values)

        return build

    return lazily


class Hurry:
    """All of it, until it is stopped."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._statements = _Statements()
        self._templates = _Templates()
        self._draw = lru_cache(maxsize=64)(worldmap.draw)  # the same contents give the same bytes
        self._hasher = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)

    def start(self) -> None:
        self._stack.enter_context(_listening(Pool, "checkout", _do_not_wait_for_the_disk))
        self._stack.enter_context(_listening(Engine, "engine_connect", self._share_statements))
        patched = self._stack.enter_context(pytest.MonkeyPatch.context())
        patched.setattr(Flask, "jinja_options", {"bytecode_cache": self._templates})
        patched.setattr(Rule, "_compile_builder", _when_it_is_used(Rule._compile_builder))
        patched.setattr(worldmap, "draw", self._draw)
        patched.setattr(passwords, "_hasher", self._hasher)
        patched.setattr(passwords, "_NOBODYS", self._hasher.hash("nobody has this password"))

    def stop(self) -> None:
        self._stack.close()

    def _share_statements(self, connection: Connection) -> None:
        connection.execution_options(compiled_cache=self._statements)
