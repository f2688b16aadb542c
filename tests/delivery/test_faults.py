"""Every way in which a relay can fail, at every step, with PIPELINING and without: the verdict, and who has got what.

What was not sent for good is sent again, as the sender would do: so nothing is lost, and only what fails at the dot may
arrive twice.
"""

import socket
from contextlib import ExitStack, closing
from dataclasses import fields, replace
from pathlib import Path

import pytest

from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.outcome import Outcome
from newsletter.delivery.reply import ProtocolError
from newsletter.delivery.settings import RelaySettings, Timeouts, TlsMode
from newsletter.errors import RelayError, RelayRefused, RelayUnavailable
from tests.delivery.conftest import Clock, collect, drive
from tests.delivery.fault_server import Fault, FaultServer

pytestmark = pytest.mark.usefixtures("no_leaks")

FAULTS = [fault for fault in Fault if fault is not Fault.HOLD]
SLOW = (Fault.HANG, Fault.TRICKLE)
GIVEN_UP = ("never", "refused")
LONGER_THAN_ANY_TIMEOUT = 601.0
PLAIN_OR_NOT = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "one by one"])


def message(key: str, size: int = 1000) -> OutgoingMessage:
    return OutgoingMessage(key, "news@example.org", f"{key}@example.net", b"Subject: x\r\n\r\n" + b"y" * size + b"\r\n")


def settings(server: FaultServer, certificate: Path | None = None) -> RelaySettings:
    if certificate is None:
        return RelaySettings("localhost", server.port, tls=TlsMode.NONE, connections=1, helo_name="x.example.org")
    return RelaySettings(
        "localhost", server.port, "user", "hunter2", TlsMode.REQUIRED, 1, helo_name="x.example.org",
        ca_file=str(certificate),
    )  # fmt: skip


def run(engine: Engine, server: FaultServer, clock: Clock, count: int) -> list[Outcome]:
    """The outcomes of `count` messages; where the server is slow, time is put forward once it is."""
    if server.fault not in SLOW:
        return collect(engine, count)
    outcomes = drive(engine, server.at_fault.is_set)
    while not outcomes:
        outcomes = engine.poll(0.05)
        clock.ahead += LONGER_THAN_ANY_TIMEOUT
    return outcomes + collect(engine, count - len(outcomes))


def send_until_settled(engine: Engine, message: OutgoingMessage, clock: Clock) -> str:
    """Send a message as often as it takes; its last verdict."""
    while True:
        clock.ahead += LONGER_THAN_ANY_TIMEOUT
        engine.submit([message])
        [outcome] = collect(engine, 1)
        if outcome.verdict in ("sent", *GIVEN_UP):
            return outcome.verdict


def copies(server: FaultServer, key: str) -> int:
    return [received.rcpt for received in server.received].count(f"RCPT TO:<{key}@example.net>".encode())


BEFORE_MAIL = {
    ("CONNECT", Fault.CLOSE): RelayUnavailable,
    ("CONNECT", Fault.RESET): RelayUnavailable,
    ("CONNECT", Fault.CLOSING): RelayUnavailable,
    ("CONNECT", Fault.LATER): RelayUnavailable,
    ("CONNECT", Fault.NEVER): RelayRefused,
    ("CONNECT", Fault.HANG): RelayUnavailable,
    ("CONNECT", Fault.GARBAGE): ProtocolError,
    ("CONNECT", Fault.SPLIT): None,
    ("CONNECT", Fault.TRICKLE): RelayUnavailable,
    ("EHLO", Fault.CLOSE): RelayUnavailable,
    ("EHLO", Fault.RESET): RelayUnavailable,
    ("EHLO", Fault.CLOSING): RelayUnavailable,
    ("EHLO", Fault.LATER): RelayUnavailable,
    ("EHLO", Fault.NEVER): RelayUnavailable,  # HELO is taken, and offers no STARTTLS
    ("EHLO", Fault.HANG): RelayUnavailable,
    ("EHLO", Fault.GARBAGE): ProtocolError,
    ("EHLO", Fault.SPLIT): None,
    ("EHLO", Fault.TRICKLE): RelayUnavailable,
    ("STARTTLS", Fault.CLOSE): RelayUnavailable,
    ("STARTTLS", Fault.RESET): RelayUnavailable,
    ("STARTTLS", Fault.CLOSING): RelayUnavailable,
    ("STARTTLS", Fault.LATER): RelayUnavailable,
    ("STARTTLS", Fault.NEVER): RelayUnavailable,
    ("STARTTLS", Fault.HANG): RelayUnavailable,
    ("STARTTLS", Fault.GARBAGE): ProtocolError,
    ("STARTTLS", Fault.SPLIT): None,
    ("STARTTLS", Fault.TRICKLE): RelayUnavailable,
    ("TLS", Fault.CLOSE): RelayUnavailable,
    ("TLS", Fault.RESET): RelayUnavailable,
    ("TLS", Fault.HANG): RelayUnavailable,
    ("TLS", Fault.GARBAGE): RelayError,  # which one depends on whether it comes together with the 220
    ("AUTH", Fault.CLOSE): RelayUnavailable,
    ("AUTH", Fault.RESET): RelayUnavailable,
    ("AUTH", Fault.CLOSING): RelayUnavailable,
    ("AUTH", Fault.LATER): RelayUnavailable,
    ("AUTH", Fault.NEVER): RelayRefused,
    ("AUTH", Fault.HANG): RelayUnavailable,
    ("AUTH", Fault.GARBAGE): ProtocolError,
    ("AUTH", Fault.SPLIT): None,
    ("AUTH", Fault.TRICKLE): RelayUnavailable,
}


@PLAIN_OR_NOT
@pytest.mark.parametrize(("verb", "fault"), BEFORE_MAIL)
def test_before_mail_the_message_waits_until_the_relay_is_back(
    verb, fault, *, pipelining, clock, server_tls, certificate
):
    expected = BEFORE_MAIL[verb, fault]
    with (
        FaultServer(verb, fault, pipelining, server_tls) as server,
        Engine([settings(server, certificate)], clock=clock) as engine,
    ):
        engine.submit([message("a")])
        if expected is not None:
            drive(engine, server.at_fault.is_set)
            if fault in SLOW:
                engine.poll(0.05)
                clock.ahead += LONGER_THAN_ANY_TIMEOUT
            drive(engine, lambda: engine.trouble is not None)
            assert isinstance(engine.trouble, expected)
            assert (engine.waiting, engine.in_flight) == (1, 0)
            clock.ahead += LONGER_THAN_ANY_TIMEOUT

        assert [outcome.verdict for outcome in collect(engine, 1)] == ["sent"]
        assert engine.trouble is None
        assert engine.close(5) == []
        assert server.connections == (1 if expected is None else 2)
    assert copies(server, "a") == 1


IN_A_TRANSACTION = {
    **{(verb, fault): "lost" for verb in ("MAIL", "RCPT", "DATA") for fault in FAULTS},
    **{(verb, Fault.LATER): "later" for verb in ("MAIL", "RCPT", "DATA", "dot")},
    **{(verb, Fault.SPLIT): "sent" for verb in ("MAIL", "RCPT", "DATA", "dot")},
    ("MAIL", Fault.NEVER): "refused",
    ("RCPT", Fault.NEVER): "never",
    ("DATA", Fault.NEVER): "never",
    ("dot", Fault.CLOSE): "unknown",
    ("dot", Fault.RESET): "unknown",
    ("dot", Fault.CLOSING): "lost",
    ("dot", Fault.NEVER): "never",
    ("dot", Fault.HANG): "unknown",
    ("dot", Fault.GARBAGE): "unknown",
    ("dot", Fault.TRICKLE): "unknown",
}


@PLAIN_OR_NOT
@pytest.mark.parametrize(("verb", "fault"), IN_A_TRANSACTION)
def test_in_a_transaction_only_its_message_is_touched(verb, fault, pipelining, clock):
    with FaultServer(verb, fault, pipelining) as server, Engine([settings(server)], clock=clock) as engine:
        engine.submit([message("a")])
        outcomes = run(engine, server, clock, 1)
        assert [outcome.verdict for outcome in outcomes] == [IN_A_TRANSACTION[verb, fault]]

        assert outcomes[0].verdict in ("sent", *GIVEN_UP) or send_until_settled(engine, message("a"), clock) == "sent"
        assert send_until_settled(engine, message("b"), clock) == "sent"
        assert engine.close(5) == []
    # The server has taken each content whose dot it saw, whatever it answered.
    assert copies(server, "a") == (verb == "dot" and fault is not Fault.SPLIT) + (outcomes[0].verdict not in GIVEN_UP)
    assert copies(server, "b") == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_at_the_dot_the_message_sent_ahead_is_not_charged(fault, clock):
    with FaultServer("dot", fault) as server, Engine([settings(server)], clock=clock) as engine:
        engine.submit([message("a"), message("b")])
        verdicts = {outcome.key: outcome.verdict for outcome in run(engine, server, clock, 2)}
        goes_on = fault in (Fault.LATER, Fault.NEVER, Fault.SPLIT)

        assert verdicts == {"a": IN_A_TRANSACTION["dot", fault], "b": "sent" if goes_on else "lost"}
        assert (engine.waiting, engine.in_flight) == (0, 0)
        engine.close(5)


IN_THE_BODY = {
    Fault.CLOSE: "lost",
    Fault.RESET: "lost",
    Fault.CLOSING: "lost",
    Fault.LATER: "later",
    Fault.NEVER: "never",
    Fault.HANG: "lost",
    Fault.GARBAGE: "lost",
    Fault.SPLIT: "sent",
    Fault.TRICKLE: "lost",
}


@PLAIN_OR_NOT
@pytest.mark.parametrize("fault", IN_THE_BODY)
def test_before_the_dot_is_written_nothing_is_unknown(fault, pipelining, clock):
    with FaultServer("body", fault, pipelining) as server, Engine([settings(server)], clock=clock) as engine:
        engine.submit([message("a", size=12_000_000), message("b")])
        goes_on = fault is Fault.SPLIT
        verdicts = {
            outcome.key: outcome.verdict for outcome in run(engine, server, clock, 2 if pipelining or goes_on else 1)
        }

        ahead = {"b": "sent"} if goes_on else {"b": "lost"} if pipelining else {}
        assert verdicts == {"a": IN_THE_BODY[fault], **ahead}
        assert copies(server, "a") == copies(server, "b") == goes_on

        engine.withdraw()
        if verdicts["a"] in ("lost", "later"):
            assert send_until_settled(engine, message("a"), clock) == "sent"
        assert copies(server, "a") == (verdicts["a"] != "never")


@PLAIN_OR_NOT
@pytest.mark.parametrize("fault", FAULTS)
def test_at_the_end_nothing_can_be_lost(fault, pipelining):
    with FaultServer("QUIT", fault, pipelining) as server, Engine([settings(server)]) as engine:
        engine.submit([message("a")])
        assert [outcome.verdict for outcome in collect(engine, 1)] == ["sent"]
        assert engine.close(0.1) == []
        assert server.commands[-1] == b"QUIT"


@PLAIN_OR_NOT
@pytest.mark.parametrize("fault", FAULTS)
def test_an_idle_relay_that_goes_is_no_trouble(fault, pipelining, clock):
    with FaultServer("QUIT", fault, pipelining) as server, Engine([settings(server)], clock=clock) as engine:
        engine.submit([message("a")])
        collect(engine, 1)
        clock.ahead += 61
        drive(engine, server.at_fault.is_set)
        engine.poll(0.01)
        clock.ahead += 61
        engine.submit([message("b")])
        assert [outcome.verdict for outcome in collect(engine, 1)] == ["sent"]
        assert engine.trouble is None
        assert server.connections == 2


OWN_TIMEOUT = {
    "CONNECT": "greeting",
    "EHLO": "command",
    "STARTTLS": "command",
    "TLS": "connect",
    "AUTH": "command",
    "MAIL": "command",
    "RCPT": "command",
    "DATA": "data",
    "body": "block",
    "dot": "dot",
    "QUIT": "quit",
}


@pytest.mark.parametrize("verb", OWN_TIMEOUT)
def test_each_step_has_its_own_timeout(verb, clock, server_tls, certificate):
    timeouts = replace(Timeouts(**{each.name: 1000.0 for each in fields(Timeouts)}), **{OWN_TIMEOUT[verb]: 5.0})
    with FaultServer(verb, Fault.HANG, False, server_tls) as server:
        chosen = replace(settings(server, certificate), timeouts=timeouts, messages_per_connection=1)
        with Engine([chosen], clock=clock) as engine:
            engine.submit([message("a", size=12_000_000 if verb == "body" else 1000)])
            drive(engine, server.at_fault.is_set)
            engine.poll(0.05)
            clock.ahead += 4.0
            engine.poll(0.05)
            assert server.ended == 0
            assert engine.trouble is None
            clock.ahead += 1.0
            drive(engine, lambda: server.ended == 1 or engine.trouble is not None)


def test_a_connection_that_does_not_come_about_has_a_timeout_too(clock):
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as deaf, ExitStack() as others:
        port = deaf.getsockname()[1]
        for _ in range(3):  # fill its queue: what comes then gets no answer at all
            other = others.enter_context(closing(socket.socket()))
            other.setblocking(False)
            other.connect_ex(("127.0.0.1", port))
        chosen = RelaySettings("127.0.0.1", port, tls=TlsMode.NONE, timeouts=Timeouts(connect=5.0))
        with Engine([chosen], clock=clock) as engine:
            engine.submit([message("a")])
            engine.poll(0.05)
            clock.ahead += 4.0
            engine.poll(0.05)
            assert engine.trouble is None
            clock.ahead += 1.1
            drive(engine, lambda: engine.trouble is not None)
            assert str(engine.trouble) == "the relay kept us waiting too long (CONNECT)"
