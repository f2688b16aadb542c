"""What the tests over real sockets share: a certificate, a clock to put forward, and a watch over descriptors."""

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from newsletter.delivery.engine import Engine
from newsletter.delivery.outcome import Outcome
from tests.delivery.authority import Authority, serving

PATIENCE = 10.0  #: seconds after which a test that waits is given up


class Clock:
    """Runs like any other, and can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0  #: seconds

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def drive(engine: Engine, until: Callable[[], bool]) -> list[Outcome]:
    """Let the engine run until something is so; the outcomes meanwhile."""
    outcomes: list[Outcome] = []
    last = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < last, f"nothing happened; {engine.trouble=}"
        outcomes += engine.poll(0.005)
    return outcomes


def collect(engine: Engine, count: int) -> list[Outcome]:
    """The next `count` outcomes."""
    outcomes: list[Outcome] = []
    last = time.monotonic() + PATIENCE
    while len(outcomes) < count:
        assert time.monotonic() < last, f"only {len(outcomes)} outcomes; {engine.trouble=}"
        outcomes += engine.poll(0.2)
    return outcomes


def _descriptors() -> dict[str, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """To be named first by a test: when all else is torn down, as many descriptors are open as before."""
    before = _descriptors()
    yield
    left = {number: what for number, what in _descriptors().items() if before.get(number) != what}
    assert not left


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, with its key."""
    return Authority(tmp_path_factory.mktemp("tls"), "localhost", hosts=("localhost", "127.0.0.1")).file


@pytest.fixture(scope="session")
def server_tls(certificate: Path) -> ssl.SSLContext:
    return serving(certificate)


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port
