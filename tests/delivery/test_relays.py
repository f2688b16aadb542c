"""Several relays: each gets its part, a sick one is rested, and the others carry on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from newsletter.delivery.engine import Engine
from newsletter.delivery.outcome import Outcome
from newsletter.delivery.settings import RelaySettings
from newsletter.errors import RelayRefused, RelayUnavailable, SettingsError
from tests.delivery.conftest import PATIENCE, collect, drive
from tests.delivery.fault_server import Fault, FaultServer
from tests.delivery.test_engine import message, recipients, settings
from tests.relay import Relay

pytestmark = pytest.mark.usefixtures("no_leaks")


def send(engine: Engine, count: int, until: Callable[[], bool] = lambda: True) -> list[Outcome]:
    """Send so many messages, and again so many until something is so."""
    outcomes = []
    last = time.monotonic() + PATIENCE
    while True:
        engine.submit(map(message, range(count)))
        outcomes += collect(engine, count)
        if until():
            return outcomes
        assert time.monotonic() < last, f"it never came to that; {engine.troubles=}"


def counts(*servers: FaultServer) -> list[int]:
    return [len(server.received) for server in servers]


def pair(*servers: FaultServer, **changes: object) -> Sequence[RelaySettings]:
    return [settings(server.port, **changes) for server in servers]


@pytest.mark.parametrize("pipelining", [True, False])
def test_messages_go_to_each_by_its_weight(pipelining):
    with FaultServer(pipelining=pipelining) as large, FaultServer(pipelining=pipelining) as small:
        relays = [settings(large.port, connections=6, weight=3), settings(small.port, connections=2)]
        with Engine(relays) as engine:
            send(engine, 400)
            assert {outcome.verdict for outcome in send(engine, 400)} == {"sent"}
            assert engine.close(5) == []

    assert sorted(recipients(large) + recipients(small)) == sorted([*range(400), *range(400)])
    assert counts(large, small) == pytest.approx([600, 200], abs=16)
    assert large.most_at_once <= 6
    assert small.most_at_once <= 2


def test_single_messages_alternate():
    with FaultServer() as one, FaultServer() as other, Engine(pair(one, other, connections=1)) as engine:
        send(engine, 20, until=lambda: bool(one.received and other.received))
        before = counts(one, other)
        for number in range(20):
            engine.submit([message(number)])
            collect(engine, 1)

        more = [now - then for now, then in zip(counts(one, other), before, strict=True)]
        assert more == pytest.approx([10, 10], abs=3)


def test_the_rate_is_that_of_all_relays_together():
    with FaultServer() as one, FaultServer() as other, Engine(pair(one, other), rate=100.0) as engine:
        begun = time.monotonic()
        send(engine, 40)

        assert time.monotonic() - begun >= 0.29
        assert min(counts(one, other)) >= 10


def test_while_one_is_away_the_others_carry_all_and_it_comes_back_by_itself(clock):
    with (
        FaultServer() as well,
        FaultServer("CONNECT", Fault.CLOSING, times=1000) as sick,
        Engine([settings(well.port, weight=2), settings(sick.port)], clock=clock) as engine,
    ):
        outcomes = send(engine, 50, until=lambda: bool(engine.troubles))
        assert {outcome.verdict for outcome in outcomes} == {"sent"}
        assert engine.trouble is None
        assert list(engine.troubles) == [f"127.0.0.1:{sick.port}"]
        assert isinstance(engine.troubles[f"127.0.0.1:{sick.port}"], RelayUnavailable)

        # It is tried again seldom, one connection at a time.
        attempts = sick.connections
        send(engine, 50)
        assert sick.connections <= attempts + 1
        assert counts(sick) == [0]

        sick.times = 0
        clock.ahead += 61
        send(engine, 50, until=lambda: not engine.troubles)
        before = counts(well, sick)
        send(engine, 300)
        more = [now - then for now, then in zip(counts(well, sick), before, strict=True)]
        assert more == pytest.approx([200, 100], abs=20)


def test_one_that_is_not_there_at_all(closed_port):
    with FaultServer() as server, Engine([settings(closed_port), settings(server.port)]) as engine:
        assert {outcome.verdict for outcome in send(engine, 50, until=lambda: bool(engine.troubles))} == {"sent"}
        assert engine.trouble is None
        assert list(engine.troubles) == [f"127.0.0.1:{closed_port}"]


@pytest.mark.parametrize(("fault", "verdict"), [(Fault.CLOSE, "unknown"), (Fault.CLOSING, "lost")])
def test_only_what_was_started_on_a_relay_that_dies_is_touched(fault, verdict):
    with (
        FaultServer() as well,
        FaultServer("dot", fault, times=1000) as sick,
        Engine(pair(well, sick, connections=1)) as engine,
    ):
        outcomes = send(engine, 50, until=lambda: bool(engine.troubles))

    touched = [outcome for outcome in outcomes if outcome.verdict != "sent"]
    assert {outcome.verdict for outcome in touched} <= {verdict, "lost"}
    assert verdict in {outcome.verdict for outcome in touched}
    assert len(touched) <= 2 * sick.connections
    assert len(well.received) == len(outcomes) - len(touched)


def test_a_slow_one_slows_the_others_only_where_weights_say_so():
    with Relay(delay=0.02) as slow, FaultServer() as fast:
        relays = [settings(slow.port, connections=1), settings(fast.port, connections=1)]
        with Engine(relays) as engine:
            send(engine, 200)
            of_slow = len(slow.taken())
            assert of_slow < 50
        with Engine([relays[0], replace(relays[1], weight=2)]) as engine:
            send(engine, 90)
            assert len(slow.taken()) - of_slow == pytest.approx(30, abs=4)


@pytest.mark.parametrize("weight", [1, 2])
@pytest.mark.parametrize("verb", ["CONNECT", "MAIL", "dot"])
def test_one_that_falls_silent_does_not_keep_the_others(verb, weight):
    with (
        FaultServer() as well,
        FaultServer(verb, Fault.HANG, times=1000) as silent,
        Engine([settings(well.port, weight=weight, connections=2), settings(silent.port, connections=2)]) as engine,
    ):
        engine.submit(map(message, range(500)))
        begun = time.monotonic()
        outcomes = collect(engine, 490)

        assert {outcome.verdict for outcome in outcomes} == {"sent"}
        assert time.monotonic() - begun < 5
        assert len(well.received) >= 490
        assert engine.trouble is None


def test_when_none_can_be_used_all_are_told(closed_port):
    with FaultServer("CONNECT", Fault.LATER, times=1000) as sick:
        relays = [settings(closed_port), settings(sick.port)]
        with Engine(relays) as engine:
            engine.submit([message(1)])
            drive(engine, lambda: engine.trouble is not None)
            trouble = engine.trouble

            assert isinstance(trouble, RelayUnavailable)
            assert f"127.0.0.1:{closed_port}: no connection" in str(trouble)
            assert f"127.0.0.1:{sick.port}: the relay doesn't take us in: 451 no" in str(trouble)
            assert engine.trouble is trouble, "one trouble is told once"
            assert len(engine.troubles) == 2
            assert engine.waiting == 1


def test_a_person_is_needed_only_when_all_refuse_us(closed_port, clock):
    with FaultServer() as one, FaultServer() as other:
        wrong = {"username": "user", "password": "hunter3"}
        for relays, kind in (
            (pair(one, other, **wrong), RelayRefused),
            ([*pair(one, **wrong), settings(closed_port)], RelayUnavailable),
        ):
            with Engine(relays, clock=clock) as engine:
                engine.submit([message(1)])
                drive(engine, lambda engine=engine: engine.trouble is not None)

                assert type(engine.trouble) is kind
                assert "hunter3" not in str(engine.trouble)


def test_an_engine_without_a_relay_is_no_engine():
    with pytest.raises(SettingsError, match="relay"):
        Engine([])


def test_closing_takes_leave_of_all():
    with FaultServer() as one, FaultServer() as other, Engine(pair(one, other, connections=1)) as engine:
        send(engine, 20, until=lambda: bool(one.received and other.received))
        assert engine.close(5) == []

        assert one.commands[-1] == other.commands[-1] == b"QUIT"
