"""The four ways to encrypt or not, against a real server with good and bad certificates."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.delivery.tls import make_tls_context
from newsletter.errors import RelayUnavailable, SettingsError
from tests.delivery.authority import DAY, Authority, serving
from tests.delivery.conftest import drive
from tests.delivery.test_real_server import Mailbox, Start, send, settings, start

__all__ = ["start"]  # a fixture

NONE, OPPORTUNISTIC, REQUIRED, IMPLICIT = TlsMode

pytestmark = pytest.mark.usefixtures("no_leaks")

BAD = {
    "another name": "certificate is not valid for 'localhost'",
    "expired": "certificate has expired",
    "not yet valid": "certificate is not yet valid",
    "unknown authority": "unable to get local issuer certificate",
    "self-signed": "self-signed certificate|self signed certificate",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "Example Authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "Somebody")


@pytest.fixture
def bad(request: pytest.FixtureRequest, authority: Authority, stranger: Authority) -> Path:
    made = {
        "another name": lambda: authority.vouch("relay.example.org"),
        "expired": lambda: authority.vouch("localhost", since=-2 * DAY, until=-DAY),
        "not yet valid": lambda: authority.vouch("localhost", since=DAY, until=2 * DAY),
        "unknown authority": lambda: stranger.vouch("localhost", until=timedelta(days=3)),
        "self-signed": lambda: stranger.file,
    }
    return made[request.param]()


def begin(start: Start, mode: TlsMode, certificate: Path) -> tuple[Mailbox, int]:
    return start(**{"ssl_context" if mode is IMPLICIT else "tls_context": serving(certificate)})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("mode", [OPPORTUNISTIC, REQUIRED, IMPLICIT])
def test_a_certificate_of_an_authority_that_we_trust(start, authority, mode, host):
    mailbox, port = begin(start, mode, authority.vouch(host))
    chosen = settings(port, host=host, tls=mode, ca_file=str(authority.file))

    assert send(chosen, "a@example.net") == {"a@example.net": "sent"}
    assert mailbox.encrypted == [True]


@pytest.mark.parametrize("bad", BAD, indirect=True)
@pytest.mark.parametrize("mode", [REQUIRED, IMPLICIT])
def test_nothing_is_sent_to_a_relay_with_a_bad_certificate(request, start, authority, mode, bad):
    mailbox, port = begin(start, mode, bad)
    chosen = settings(port, tls=mode, ca_file=str(authority.file), username="user", password="hunter2")

    with Engine([chosen]) as engine:
        engine.submit([OutgoingMessage(1, "a@example.org", "b@example.org", b"")])
        drive(engine, lambda: engine.trouble is not None)

        assert isinstance(engine.trouble, RelayUnavailable)
        words = BAD[request.node.callspec.params["bad"]]
        assert re.search(f"the certificate of localhost:{port} is not valid: .*({words})", str(engine.trouble))
        assert engine.waiting == 1
    assert mailbox.envelopes == []


@pytest.mark.parametrize("bad", BAD, indirect=True)
def test_where_encryption_is_optional_a_bad_certificate_is_better_than_none(start, authority, bad):
    mailbox, port = begin(start, OPPORTUNISTIC, bad)

    assert send(settings(port, tls=OPPORTUNISTIC), "a@example.net") == {"a@example.net": "sent"}
    assert mailbox.encrypted == [True]


def test_without_encryption_none_is_asked_for(start, authority):
    mailbox, port = begin(start, NONE, authority.vouch("localhost"))

    assert send(settings(port, tls=NONE), "a@example.net") == {"a@example.net": "sent"}
    assert mailbox.encrypted == [False]


def test_an_authority_that_is_not_named_is_not_trusted(start, authority):
    _, port = begin(start, REQUIRED, authority.vouch("localhost"))

    with Engine([settings(port, tls=REQUIRED)]) as engine:
        engine.submit([OutgoingMessage(1, "a@example.org", "b@example.org", b"")])
        drive(engine, lambda: engine.trouble is not None)
        assert "is not valid" in str(engine.trouble)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "can't be read: No such file"), (b"", "holds no certificate"), (b"\xff no PEM", "holds no certificate")],
)
def test_authorities_that_cannot_be_read(tmp_path, content, says):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match=f"ca.pem {says}") as told:
        make_tls_context(RelaySettings("relay.example.org", ca_file=str(file)))
    assert "\n" not in str(told.value)
