"""How many connections a relay takes: as figures, and with a server that has a limit."""

import math
import time
from collections.abc import Callable

import pytest

from newsletter.delivery.capacity import FIRST_WAIT, LONGEST_WAIT, SOON, Capacity
from newsletter.delivery.engine import Engine
from newsletter.errors import RelayUnavailable
from tests.delivery.conftest import PATIENCE, collect, drive
from tests.delivery.fault_server import Fault, FaultServer
from tests.delivery.test_engine import message, settings


def filled(most: int, working: int) -> Capacity:
    capacity = Capacity(most)
    for number in range(1, working + 1):
        capacity.taken(number, 0.0)
    return capacity


def test_all_may_be_open_until_one_is_turned_away():
    capacity = filled(8, 3)
    assert (capacity.limit, capacity.try_at) == (8, math.inf)

    capacity.turned_away(3, 100.0)
    assert (capacity.limit, capacity.try_at) == (3, 100.0 + FIRST_WAIT)


def test_one_more_is_tried_at_growing_intervals():
    capacity, waits, now = filled(8, 3), [], 0.0
    capacity.turned_away(3, now)
    for _ in range(9):
        waits.append(capacity.try_at - now)
        now = capacity.try_at
        capacity.look(now - 0.1)
        assert capacity.limit == 3, "it is not yet time"
        capacity.look(now)
        assert capacity.limit == 4
        capacity.turned_away(3, now)

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert capacity.try_at - now == LONGEST_WAIT


def test_those_that_are_turned_away_together_are_one_failure():
    capacity = filled(8, 1)
    capacity.turned_away(1, 0.0)
    capacity.taken(2, 0.1)
    for at in (0.1, 0.2, 0.3):
        capacity.turned_away(2, at)
    assert (capacity.limit, round(capacity.try_at)) == (2, 60)

    capacity.look(61.0)
    capacity.turned_away(2, 61.0)
    assert capacity.try_at <= 61.0 + 2 * FIRST_WAIT


def test_a_relay_that_takes_more_again_gets_one_after_another_up_to_the_number_set():
    capacity, limits = filled(5, 3), []
    capacity.turned_away(3, 0.0)
    capacity.look(60)
    capacity.turned_away(3, now := 60)
    while capacity.try_at < math.inf:
        now = capacity.try_at
        capacity.look(now)
        capacity.taken(capacity.limit, now)
        limits.append((now, capacity.limit))

    assert limits == [(180, 4), (180 + FIRST_WAIT, 5)]


def test_one_that_took_the_place_of_another_is_tried_again_soon():
    capacity = filled(8, 3)
    capacity.turned_away(3, 0.0)

    capacity.turned_away(2, 10.0)
    assert (capacity.limit, capacity.try_at) == (2, 10.0 + SOON)
    capacity.look(11.0)
    capacity.turned_away(2, 11.0)
    assert capacity.try_at > 11.0 + FIRST_WAIT, "by now it is the limit"


def test_a_relay_that_was_away_may_take_more():
    capacity = filled(8, 3)
    capacity.turned_away(3, 0.0)
    capacity.forget()

    assert (capacity.limit, capacity.try_at) == (8, math.inf)


def keep_sending(engine: Engine, until: Callable[[], bool]) -> None:
    """Send message after message until something is so; nothing must go wrong meanwhile."""
    last = time.monotonic() + PATIENCE
    while True:
        engine.submit(map(message, range(20)))
        assert {outcome.verdict for outcome in collect(engine, 20)} == {"sent"}
        assert engine.trouble is None
        if until():
            return
        assert time.monotonic() < last, "it never came to that"


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("fault", [Fault.CLOSING, Fault.LATER, Fault.NEVER, Fault.RESET, Fault.CLOSE, Fault.GARBAGE])
def test_a_relay_that_takes_three_connections_is_no_trouble_and_gets_three(fault, clock):
    with (
        FaultServer(most=3, too_many=fault) as server,
        Engine([settings(server.port, connections=4)], clock=clock) as engine,
    ):
        keep_sending(engine, lambda: server.senders == 3 and server.turned_away == server.ended == 1)

        # A minute later one more is tried, and no other.
        clock.ahead += 50
        keep_sending(engine, lambda: True)
        assert server.turned_away == 1
        clock.ahead += 61
        keep_sending(engine, lambda: server.turned_away == server.ended == 2)
        assert (server.most_at_once, server.connections) == (3, 5)

        # It takes more from now on.
        server.most = 100
        clock.ahead += 50
        keep_sending(engine, lambda: True)
        assert server.most_at_once == 3
        clock.ahead += 200
        keep_sending(engine, lambda: server.most_at_once == 4)


@pytest.mark.usefixtures("no_leaks")
def test_however_many_are_turned_away_at_once_the_others_carry_on():
    with FaultServer(most=2) as server, Engine([settings(server.port, connections=20)]) as engine:
        keep_sending(engine, lambda: server.senders == 2 and server.turned_away > 0)

        assert server.turned_away <= 18
        assert server.most_at_once == 2


@pytest.mark.usefixtures("no_leaks")
def test_connections_that_are_refused_while_others_work_are_no_trouble(clock):
    with FaultServer() as server, Engine([settings(server.port, connections=4)], clock=clock) as engine:
        engine.submit([message(0)])
        collect(engine, 1)
        server.stop_listening()
        engine.submit(map(message, range(1, 60)))
        assert {outcome.verdict for outcome in collect(engine, 59)} == {"sent"}
        assert engine.trouble is None

        # Once the last one is gone, it is.
        clock.ahead += 61
        drive(engine, lambda: server.at_work == 0)
        engine.submit([message(60)])
        drive(engine, lambda: engine.trouble is not None)
        assert isinstance(engine.trouble, RelayUnavailable)
        assert engine.waiting == 1


@pytest.mark.usefixtures("no_leaks")
def test_when_all_others_are_silent_a_relay_that_takes_no_connection_is_trouble(clock):
    with (
        FaultServer("dot", Fault.HANG) as server,
        Engine([settings(server.port, connections=2)], clock=clock) as engine,
    ):
        engine.submit([message(1)])
        drive(engine, server.at_fault.is_set)
        server.stop_listening()
        clock.ahead += 31
        engine.submit([message(2), message(3)])
        drive(engine, lambda: engine.trouble is not None)

        assert [(outcome.key, outcome.verdict) for outcome in engine.close(0)] == [(1, "unknown")]
        assert engine.withdraw() == [2, 3]
