"""What the tests over real sockets share: a certificate, a clock to put forward, and a watch over descriptors."""

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from newsletter.delivery.engine import Engine
from newsletter.delivery.outcome import Outcome

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
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture(scope="session")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port
