"""The engine against aiosmtpd: plain, STARTTLS, implicit TLS, AUTH, SMTPUTF8, SIZE. Bad certificates: test_tls."""

import socket
import ssl
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.settings import Mechanism, RelaySettings, TlsMode
from newsletter.errors import RelayRefused, RelayUnavailable
from tests.delivery.conftest import collect, drive

DATA = b"From: news@example.org\r\nSubject: x\r\n\r\n.a dot\r\n" + b"line after line\r\n" * 5000


class Mailbox:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 2.0.0 queued"


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (b"user", b"hunter2"), handled=False)


class AnyPort(Controller):
    """A controller on a port that the system chose, which its own first look at the server must know."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        if self.ssl_context is None:
            super()._trigger_server()
            return
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection((self.hostname, self.port), 5) as plain, context.wrap_socket(plain) as encrypted:
            encrypted.recv(100)


Start = Callable[..., tuple[Mailbox, int]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, and stops them in the end."""
    running: list[Controller] = []

    def start(mailbox: Mailbox | None = None, **options: object) -> tuple[Mailbox, int]:
        mailbox = mailbox or Mailbox()
        controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
        controller.start()
        running.append(controller)
        return mailbox, controller.port

    yield start
    for controller in running:
        controller.stop()


def settings(port: int, **changes: object) -> RelaySettings:
    return RelaySettings(
        **{"host": "localhost", "port": port, "tls": TlsMode.NONE, "helo_name": "x.example.org", **changes}
    )


def send(chosen: RelaySettings, *recipients: str, data: bytes = DATA) -> dict[str, str]:
    with Engine([chosen]) as engine:
        engine.submit(OutgoingMessage(address, "news@example.org", address, data) for address in recipients)
        verdicts = {str(outcome.key): outcome.verdict.value for outcome in collect(engine, len(recipients))}
        assert engine.close(5) == []
    return verdicts


@pytest.mark.usefixtures("no_leaks")
def test_plain(start):
    mailbox, port = start()

    assert set(send(settings(port), *(f"r{at}@example.net" for at in range(30))).values()) == {"sent"}
    assert len(mailbox.envelopes) == 30
    assert {envelope.content for envelope in mailbox.envelopes} == {DATA}
    assert {envelope.mail_from for envelope in mailbox.envelopes} == {"news@example.org"}


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("mode", [TlsMode.REQUIRED, TlsMode.OPPORTUNISTIC])
def test_starttls(start, server_tls: ssl.SSLContext, certificate: Path, mode: TlsMode):
    mailbox, port = start(tls_context=server_tls)
    chosen = settings(port, tls=mode, ca_file=str(certificate))

    assert set(send(chosen, *(f"r{at}@example.net" for at in range(10))).values()) == {"sent"}
    assert mailbox.encrypted == [True] * 10
    assert {envelope.content for envelope in mailbox.envelopes} == {DATA}


@pytest.mark.usefixtures("no_leaks")
def test_implicit_tls(start, server_tls: ssl.SSLContext, certificate: Path):
    mailbox, port = start(ssl_context=server_tls)

    large = b"x" * 900 + b"\r\n"
    chosen = settings(port, tls=TlsMode.IMPLICIT, ca_file=str(certificate))
    assert send(chosen, "a@example.net", data=large * 10_000) == {"a@example.net": "sent"}
    assert mailbox.envelopes[0].content == large * 10_000


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_auth(start, server_tls, certificate, mechanism):
    mailbox, port = start(
        tls_context=server_tls,
        authenticator=_authenticate,
        auth_required=True,
        auth_exclude_mechanism=({"PLAIN", "LOGIN"} - {mechanism}),
    )
    chosen = settings(port, tls=TlsMode.REQUIRED, username="user", password="hunter2", ca_file=str(certificate))

    assert send(chosen, "a@example.net") == {"a@example.net": "sent"}
    assert len(mailbox.envelopes) == 1


class Bearer(Mailbox):
    """A mailbox for whoever shows the right token (AUTH XOAUTH2)."""

    def __init__(self) -> None:
        super().__init__()
        self.right = "token-1"
        self.logins = 0

    async def auth_XOAUTH2(self, server: SMTP, words: list[str]) -> AuthResult:
        self.logins += 1
        if b64decode(words[1]) == f"user=news@example.org\1auth=Bearer {self.right}\1\1".encode():
            return AuthResult(success=True, auth_data=b"news@example.org")
        empty = await server.challenge_auth(b'{"status":"401","schemes":"bearer"}')
        assert empty == b""
        return AuthResult(success=False, handled=False)


def test_a_token_is_renewed_while_we_run(start, server_tls, certificate, tmp_path, clock):
    mailbox, port = start(Bearer(), tls_context=server_tls, auth_required=True)
    token = tmp_path / "token"
    chosen = settings(
        port, tls=TlsMode.REQUIRED, username="news@example.org", auth=Mechanism.XOAUTH2, token_file=str(token),
        ca_file=str(certificate), connections=1, messages_per_connection=1,
    )  # fmt: skip
    with Engine([chosen], clock=clock) as engine:
        engine.submit([OutgoingMessage(key, "a@example.org", "b@example.org", DATA) for key in range(3)])
        drive(engine, lambda: engine.trouble is not None)
        assert "can't be read" in str(engine.trouble)

        # Once it is there, the first message goes, with one connection for each; then it runs out.
        token.write_text("token-1\n")
        clock.ahead += 61
        collect(engine, 1)
        mailbox.right = "token-2"
        drive(engine, lambda: engine.trouble is not None)
        assert type(engine.trouble) is RelayUnavailable, "no person has to look"
        assert "the relay refuses the access token: 535" in str(engine.trouble)
        assert "token-1" not in str(engine.trouble)
        logins = mailbox.logins
        clock.ahead += 30
        engine.poll(0.05)
        assert mailbox.logins == logins, "accounts get locked by trying often"

        token.write_text("token-2\n")
        clock.ahead += 31
        drive(engine, lambda: len(mailbox.envelopes) == 3)
        assert engine.trouble is None


def test_auth_with_the_wrong_password(start, server_tls, certificate):
    _, port = start(tls_context=server_tls, authenticator=_authenticate)
    chosen = settings(port, tls=TlsMode.REQUIRED, username="user", password="wrong", ca_file=str(certificate))

    with Engine([chosen]) as engine:
        engine.submit([OutgoingMessage(1, "a@x.org", "b@x.org", DATA)])
        drive(engine, lambda: engine.trouble is not None)
        assert isinstance(engine.trouble, RelayRefused)
        assert engine.waiting == 1


def test_a_relay_that_wants_auth_pauses_us_and_fails_no_reader(start, server_tls, certificate):
    _, port = start(tls_context=server_tls, authenticator=_authenticate, auth_required=True)
    chosen = settings(port, tls=TlsMode.REQUIRED, ca_file=str(certificate))

    assert send(chosen, "a@example.net") == {"a@example.net": "refused"}


def test_international_addresses(start):
    mailbox, port = start(enable_SMTPUTF8=True)

    assert set(send(settings(port), "жду@пример.example", "b@bücher.example").values()) == {"sent"}
    assert {envelope.rcpt_tos[0] for envelope in mailbox.envelopes} == {
        "жду@xn--e1afmkfd.example",
        "b@xn--bcher-kva.example",
    }


def test_a_relay_without_smtputf8_fails_only_those_who_need_it(start):
    mailbox, port = start(enable_SMTPUTF8=False)
    verdicts = send(settings(port), "жду@example.net", "b@bücher.example", "c@example.net")

    assert verdicts == {"жду@example.net": "never", "b@bücher.example": "sent", "c@example.net": "sent"}
    assert len(mailbox.envelopes) == 2


def test_a_message_beyond_the_size_limit_is_not_even_begun(start):
    mailbox, port = start(data_size_limit=1000)

    assert send(settings(port), "a@example.net", data=b"x" * 999 + b"\r\n") == {"a@example.net": "never"}
    assert send(settings(port), "a@example.net", data=b"x" * 900 + b"\r\n") == {"a@example.net": "sent"}
    assert len(mailbox.envelopes) == 1
