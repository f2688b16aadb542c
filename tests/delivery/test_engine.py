"""The engine against a scripted server: order, lanes, limits, reconnecting, and taking leave."""

import errno
import itertools
import os
import subprocess
import sys
import time

import pytest

from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.errors import RelayRefused, RelayUnavailable, SettingsError
from tests.delivery.conftest import collect, drive
from tests.delivery.fault_server import Fault, FaultServer

pytestmark = pytest.mark.usefixtures("no_leaks")


def message(key: int, data: bytes = b"Subject: x\r\n\r\ny\r\n") -> OutgoingMessage:
    return OutgoingMessage(key, "news@example.org", f"r{key}@example.net", data)


def settings(port: int, **changes: object) -> RelaySettings:
    return RelaySettings(
        **{"host": "127.0.0.1", "port": port, "tls": TlsMode.NONE, "helo_name": "x.example.org", **changes}
    )


def recipients(server: FaultServer) -> list[int]:
    return [int(received.rcpt.split(b"<r")[1].split(b"@")[0]) for received in server.received]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("connections", [1, 4])
def test_every_message_is_sent_once(pipelining, connections):
    with (
        FaultServer(pipelining=pipelining) as server,
        Engine([settings(server.port, connections=connections)]) as engine,
    ):
        engine.submit(map(message, range(100)))
        outcomes = collect(engine, 100)

        assert {outcome.verdict for outcome in outcomes} == {"sent"}
        assert sorted(outcome.key for outcome in outcomes) == list(range(100))
        assert sorted(recipients(server)) == list(range(100))
        assert 1 <= server.connections <= connections
        assert (engine.waiting, engine.in_flight) == (0, 0)
        assert engine.close(5) == []


def test_content_arrives_octet_for_octet():
    contents = [
        b"", b".", b".\r\n", b"..\r\n.\r\n", b"a\r\n.\r\nb\r\n", b"a\r\n..b\r\n", b"no end", b"x" * 300_000 + b"\r\n",
        b".\r\n" * 1000, b"QUIT\r\n.\r\nMAIL FROM:<x@example.org>\r\n", bytes(range(32, 127)) + b"\r\n",
    ]  # fmt: skip
    with FaultServer() as server, Engine([settings(server.port, connections=1)]) as engine:
        engine.submit(message(key, data) for key, data in enumerate(contents))
        collect(engine, len(contents))

    for sent, received in zip(contents, server.received, strict=True):
        stuffed = b"".join(b"." + line if line.startswith(b".") else line for line in sent.splitlines(keepends=True))
        assert received.content == (stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")


def test_one_bad_address_never_fails_another():
    bad = OutgoingMessage("bad", "news@example.org", "x@example.net>\r\nRCPT TO:<y@example.net", b"")
    with FaultServer() as server, Engine([settings(server.port, connections=1)]) as engine:
        engine.submit([message(1), bad, message(2)])

        assert {outcome.key: outcome.verdict for outcome in collect(engine, 3)} == {
            1: "sent",
            "bad": "never",
            2: "sent",
        }
    assert not any(b"y@example.net" in command for command in server.commands)


def test_the_lane_ahead_goes_first():
    with FaultServer() as server, Engine([settings(server.port, connections=1)]) as engine:
        engine.submit(map(message, range(3)))
        engine.submit(map(message, [10, 11]), ahead=True)
        engine.submit([message(12)], ahead=True)
        collect(engine, 6)

    assert recipients(server) == [10, 11, 12, 0, 1, 2]


def test_what_was_not_started_can_be_withdrawn():
    with FaultServer("dot", Fault.HANG) as server, Engine([settings(server.port, connections=1)]) as engine:
        engine.submit(map(message, range(10)))
        engine.submit([message(10)], ahead=True)
        assert engine.waiting == 11
        drive(engine, server.at_fault.is_set)

        # One is at its dot, and the commands of the next were sent behind it.
        assert (engine.waiting, engine.in_flight) == (9, 2)
        assert engine.withdraw() == list(range(1, 10))
        assert (engine.waiting, engine.in_flight) == (0, 2)
        assert {outcome.key: outcome.verdict for outcome in engine.close(0)} == {10: "unknown", 0: "lost"}
        assert engine.in_flight == 0


def test_poll_gives_up_after_its_time():
    with FaultServer("dot", Fault.HANG) as server, Engine([settings(server.port)]) as engine:
        engine.submit([message(1)])
        begun = time.monotonic()

        assert engine.poll(0.1) == []
        assert 0.1 <= time.monotonic() - begun < 5


def test_poll_waits_for_as_many_as_are_wanted_but_not_for_what_never_comes():
    with FaultServer() as server, Engine([settings(server.port, connections=2)]) as engine:
        engine.submit(map(message, range(20)))
        assert len(engine.poll(10, at_least=15)) >= 15
        engine.poll(10, at_least=1000)
        engine.submit([message(20)])
        assert len(engine.poll(10, at_least=1000)) == 1


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_connection_is_given_up_after_its_number_of_messages(pipelining):
    with (
        FaultServer(pipelining=pipelining) as server,
        Engine([settings(server.port, connections=1, messages_per_connection=3)]) as engine,
    ):
        engine.submit(map(message, range(10)))
        collect(engine, 10)

        assert recipients(server) == list(range(10))
        assert server.connections == 4
        assert server.commands.count(b"QUIT") == 3


def test_no_more_connections_than_messages():
    with FaultServer() as server, Engine([settings(server.port, connections=50)]) as engine:
        engine.submit(map(message, range(3)))
        collect(engine, 3)

        assert server.connections <= 3


def test_the_rate_is_kept_over_all_connections():
    with FaultServer() as server, Engine([settings(server.port, connections=4)], rate=100.0) as engine:
        engine.submit(map(message, range(40)))
        begun = time.monotonic()
        collect(engine, 40)

        # 10 at once, and 30 at 100 a second.
        assert time.monotonic() - begun >= 0.29


def test_the_rate_may_change_while_it_runs(clock):
    with FaultServer() as server, Engine([settings(server.port, connections=1)], rate=10.0, clock=clock) as engine:
        engine.submit(map(message, range(1000)))
        assert len(collect(engine, 1)) == 1
        engine.rate = 10.0
        assert engine.poll(0.01) == [], "to set it again is no reason for a burst"

        engine.rate = 200.0
        assert engine.poll(0) == [], "nor is a change"
        clock.ahead += 0.05
        assert len(collect(engine, 10)) <= 20

        engine.rate = 0
        collect(engine, 900)
        assert engine.rate == 0


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(SettingsError, match="rate"):
        Engine([settings(25)], rate=rate)
    with Engine([settings(25)]) as engine, pytest.raises(SettingsError, match="rate"):
        engine.rate = rate


def test_replies_that_waited_while_nobody_polled_are_read_before_time_is_up(clock):
    with (
        FaultServer("dot", Fault.HOLD) as server,
        Engine([settings(server.port, connections=1)], clock=clock) as engine,
    ):
        engine.submit([message(1)])
        drive(engine, server.at_fault.is_set)
        server.release.set()
        assert server.released.wait(10)
        clock.ahead += 10_000

        assert [outcome.verdict for outcome in collect(engine, 1)] == ["sent"]


def test_an_idle_connection_is_ended_politely_and_opened_again(clock):
    with FaultServer() as server, Engine([settings(server.port)], clock=clock) as engine:
        engine.submit([message(1)])
        collect(engine, 1)
        engine.poll(0.01)
        assert b"QUIT" not in server.commands
        clock.ahead += 61
        drive(engine, lambda: b"QUIT" in server.commands)

        engine.submit([message(2)])
        collect(engine, 1)
        assert server.connections == 2


def test_a_relay_that_is_not_there(closed_port, clock):
    with Engine([settings(closed_port)], clock=clock) as engine:
        engine.submit([message(1)])
        drive(engine, lambda: engine.trouble is not None)

        assert isinstance(engine.trouble, RelayUnavailable)
        assert os.strerror(errno.ECONNREFUSED).lower() in str(engine.trouble)
        assert engine.withdraw() == [1]


def test_a_host_that_does_not_exist():
    with Engine([settings(25, host="relay.invalid")]) as engine:
        engine.submit([message(1)])
        drive(engine, lambda: engine.trouble is not None)

        assert isinstance(engine.trouble, RelayUnavailable)
        assert "relay.invalid" in str(engine.trouble)
        assert engine.waiting == 1


def test_while_the_relay_is_away_one_connection_at_a_time_is_tried(clock):
    with (
        FaultServer("CONNECT", Fault.CLOSING, times=100) as server,
        Engine([settings(server.port, connections=8)], clock=clock) as engine,
    ):
        engine.submit(map(message, range(20)))
        for attempts in (1, 2, 3, 4):
            drive(engine, lambda attempts=attempts: server.ended == attempts)
            engine.poll(0.05)
            assert server.connections == attempts
            clock.ahead += 61

        server.times = 0
        assert {outcome.verdict for outcome in collect(engine, 20)} == {"sent"}
        assert engine.trouble is None


def test_the_wrong_password_is_a_matter_for_a_person(clock):
    with (
        FaultServer() as server,
        Engine([settings(server.port, username="user", password="wrong")], clock=clock) as engine,
    ):
        engine.submit([message(1)])
        drive(engine, lambda: engine.trouble is not None)

        assert isinstance(engine.trouble, RelayRefused)
        assert engine.trouble.reply_code == 535
        attempts = server.connections
        clock.ahead += 30
        engine.poll(0.05)
        assert server.connections == attempts, "accounts get locked by trying often"


@pytest.mark.parametrize("mode", [TlsMode.REQUIRED, TlsMode.IMPLICIT])
def test_a_certificate_that_nobody_vouches_for(mode, server_tls):
    with FaultServer(tls=server_tls) as server, Engine([settings(server.port, tls=mode)]) as engine:
        engine.submit([message(1)])
        drive(engine, lambda: engine.trouble is not None)

        assert isinstance(engine.trouble, RelayUnavailable)
        if mode is TlsMode.REQUIRED:
            assert "certificate" in str(engine.trouble)
        assert engine.waiting == 1
        assert server.received == []


def test_a_certificate_for_another_name(server_tls, certificate):
    with FaultServer(tls=server_tls, host="127.0.0.2") as server:
        relay = settings(server.port, host=server.host, tls=TlsMode.REQUIRED, ca_file=str(certificate))
        with Engine([relay]) as engine:
            engine.submit([message(1)])
            drive(engine, lambda: engine.trouble is not None)

            assert "certificate" in str(engine.trouble)
            assert server.received == []


def test_opportunistic_encryption_that_fails_is_done_without(server_tls):
    with (
        FaultServer("TLS", Fault.CLOSE, tls=server_tls) as server,
        Engine([settings(server.port, tls=TlsMode.OPPORTUNISTIC)]) as engine,
    ):
        engine.submit([message(1)])
        assert [outcome.verdict for outcome in collect(engine, 1)] == ["sent"]
        assert server.commands.count(b"STARTTLS") == 1
        assert server.connections == 2


def test_closing_finishes_what_is_under_way_and_starts_nothing():
    with FaultServer() as server, Engine([settings(server.port, connections=1)]) as engine:
        engine.submit(map(message, range(50)))
        outcomes = collect(engine, 1)
        started = len(outcomes) + engine.in_flight
        outcomes += engine.close(10)

        assert len(outcomes) == started
        assert {outcome.verdict for outcome in outcomes} == {"sent"}
        assert recipients(server) == [outcome.key for outcome in outcomes]
        assert server.commands[-1] == b"QUIT"


def test_closing_without_having_done_anything():
    with Engine([settings(25)]) as engine:
        assert engine.close(1) == []


def test_closing_does_not_wait_for_a_connection_that_is_not_open_yet():
    with FaultServer("CONNECT", Fault.HANG) as server, Engine([settings(server.port)]) as engine:
        engine.submit([message(1)])
        drive(engine, server.at_fault.is_set)
        begun = time.monotonic()

        assert engine.close(10) == []
        assert time.monotonic() - begun < 5
        assert engine.withdraw() == [1]


def test_the_keys_come_back_as_they_were_given():
    keys = [(1, "a"), "x", 7, None]
    with FaultServer() as server, Engine([settings(server.port, connections=1)]) as engine:
        engine.submit(OutgoingMessage(key, "a@x.org", "b@x.org", b"") for key in keys)

        assert [outcome.key for outcome in collect(engine, 4)] == keys


def test_refusals_among_many_messages_touch_only_theirs():
    with (
        FaultServer("RCPT", Fault.NEVER, times=5) as server,
        Engine([settings(server.port, connections=2)]) as engine,
    ):
        engine.submit(map(message, range(40)))
        by_verdict = {
            verdict: [outcome.key for outcome in found]
            for verdict, found in itertools.groupby(
                sorted(collect(engine, 40), key=lambda outcome: outcome.verdict), key=lambda outcome: outcome.verdict
            )
        }

        assert len(by_verdict["never"]) == 5
        assert sorted(by_verdict["sent"]) == sorted(recipients(server))
        assert len(by_verdict["sent"]) == 35


def test_the_engine_needs_neither_flask_nor_a_database():
    hide = "import sys; sys.modules.update(flask=None, sqlalchemy=None); "
    subprocess.run([sys.executable, "-c", hide + "import newsletter.delivery.engine"], check=True)
