"""Knocking at the relay: what is told of one that lets us in, why another doesn't, and that nothing is sent."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller

from newsletter.delivery.access_token import TokenUnavailable
from newsletter.delivery.probe import probe
from newsletter.delivery.settings import Mechanism, RelaySettings, TlsMode
from newsletter.errors import RelayError, RelayRefused, RelayUnavailable
from tests.delivery.fault_server import Fault, FaultServer
from tests.delivery.test_real_server import AnyPort, Bearer, Mailbox, _authenticate, settings

NONE, OPPORTUNISTIC, REQUIRED, IMPLICIT = TlsMode
PATIENCE = 5.0  #: seconds

pytestmark = pytest.mark.usefixtures("no_leaks")


@contextmanager
def relay(mailbox: Mailbox | None = None, **options: object) -> Iterator[tuple[Mailbox, int]]:
    """A real SMTP server, and its port."""
    mailbox = mailbox or Mailbox()
    controller: Controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield mailbox, controller.port
    finally:
        controller.stop()


def why_not(chosen: RelaySettings, timeout: float = PATIENCE) -> RelayError:
    with pytest.raises(RelayError) as refused:
        probe(chosen, timeout=timeout)
    return refused.value


def test_a_plain_relay():
    with relay(data_size_limit=1_000_000, enable_SMTPUTF8=True) as (mailbox, port):
        found = probe(settings(port), timeout=PATIENCE)

    assert (found.tls, found.logged_in, found.tls_failure) == (None, False, None)
    assert (found.offers.size_limit, found.offers.smtputf8, found.offers.pipelining) == (1_000_000, True, False)
    assert mailbox.envelopes == []


@pytest.mark.parametrize("mode", [REQUIRED, OPPORTUNISTIC, IMPLICIT])
def test_an_encrypted_relay(server_tls, certificate, mode):
    options = {"ssl_context" if mode is IMPLICIT else "tls_context": server_tls}
    with relay(**options) as (_, port):
        found = probe(settings(port, tls=mode, ca_file=str(certificate)), timeout=PATIENCE)

    assert (found.tls, found.tls_failure) == ("TLSv1.3", None)


def test_an_old_version_of_tls_is_told(certificate):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.load_cert_chain(certificate)
    with relay(tls_context=old) as (_, port):
        found = probe(settings(port, tls=REQUIRED, ca_file=str(certificate)), timeout=PATIENCE)

    assert found.tls == "TLSv1.2"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_login(server_tls, certificate, mechanism):
    others = {"PLAIN", "LOGIN"} - {mechanism}
    options = {"tls_context": server_tls, "authenticator": _authenticate, "auth_exclude_mechanism": others}
    given = {"tls": REQUIRED, "ca_file": str(certificate), "username": "user"}
    with relay(**options) as (_, port):
        assert probe(settings(port, password="hunter2", **given), timeout=PATIENCE).logged_in
        refused = why_not(settings(port, password="wrong", **given))

    assert isinstance(refused, RelayRefused)
    assert refused.reply_code == 535
    assert str(refused).startswith("the relay refuses the user or the password: 535 5.7.8")


def test_a_login_with_a_token(server_tls, certificate, tmp_path):
    token = tmp_path / "token"
    given = {"username": "news@example.org", "auth": Mechanism.XOAUTH2, "token_file": str(token)}
    with relay(Bearer(), tls_context=server_tls) as (_, port):
        chosen = settings(port, tls=REQUIRED, ca_file=str(certificate), **given)
        assert isinstance(why_not(chosen), TokenUnavailable)
        token.write_text("token-0")
        refused = why_not(chosen)
        token.write_text("token-1")
        assert probe(chosen, timeout=PATIENCE).logged_in

    assert type(refused) is RelayUnavailable
    assert refused.reply_code == 535


def test_a_certificate_that_nobody_vouches_for(server_tls):
    with relay(tls_context=server_tls) as (_, port):
        refused = why_not(settings(port, tls=REQUIRED))

    assert str(refused).startswith(f"the certificate of localhost:{port} is not valid: self")


def test_encryption_that_is_required_and_not_offered():
    with relay() as (_, port):
        assert str(why_not(settings(port, tls=REQUIRED))) == (
            "the relay offers no encryption (STARTTLS), and it is required"
        )


def test_opportunistic_encryption_that_fails_is_told_and_done_without():
    nothing_in_common = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # has no certificate
    with FaultServer(tls=nothing_in_common) as server:
        found = probe(settings(server.port, tls=OPPORTUNISTIC), timeout=PATIENCE)

    assert found.tls is None
    assert str(found.tls_failure).startswith(f"encryption with localhost:{server.port} failed: ")


def test_nobody_listens(closed_port):
    refused = why_not(settings(closed_port))

    assert isinstance(refused, RelayUnavailable)
    assert str(refused) == f"no connection to localhost:{closed_port}: connection refused"


def test_a_host_that_does_not_exist():
    assert str(why_not(settings(25, host="relay.invalid"))).startswith(
        ("the relay's host relay.invalid can't be found", "looking up the relay's host relay.invalid takes too long")
    )


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO"])
@pytest.mark.parametrize("fault", [Fault.HANG, Fault.TRICKLE])
def test_a_relay_that_keeps_us_waiting(verb, fault):
    with FaultServer(verb, fault) as server:
        began = time.monotonic()
        refused = why_not(settings(server.port), timeout=0.6)

    waited_for = "GREETING" if verb == "CONNECT" else verb
    assert str(refused) == f"the relay kept us waiting too long ({waited_for})"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO"])
@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.RESET, Fault.CLOSING, Fault.LATER, Fault.GARBAGE])
def test_a_relay_that_does_not_take_us_in(verb, fault):
    with FaultServer(verb, fault) as server:
        assert isinstance(why_not(settings(server.port)), RelayError)


@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.RESET, Fault.HANG, Fault.GARBAGE, Fault.NEVER])
def test_nothing_depends_on_how_it_takes_leave(fault):
    with FaultServer("QUIT", fault) as server:
        found = probe(settings(server.port), timeout=0.5)

    assert found.offers.pipelining
    assert server.commands == [b"EHLO x.example.org", b"QUIT"]
