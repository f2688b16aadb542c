"""How many rows may be armed: what the relay takes in a second, between two bounds."""

from __future__ import annotations

import pytest

from newsletter.jobs.speed import Allowance


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


def at_speed(allowance, clock, speed, seconds=1.0):
    """A relay that has taken so many a second for a while."""
    for _ in range(round(seconds / 0.25)):
        clock.seconds += 0.25
        allowance.note(round(speed * 0.25))
    return allowance


@pytest.mark.parametrize(
    ("connections", "rate", "speed", "armed"),
    [
        pytest.param(8, 0, 0, 16, id="at first two messages a connection"),
        pytest.param(8, 0, 4, 16, id="a slow relay gets no fewer"),
        pytest.param(8, 0, 40, 40, id="what it takes in a second"),
        pytest.param(8, 0, 4000, 50, id="a fast one gets no more than the bound"),
        pytest.param(1, 0, 0, 2, id="one connection"),
        pytest.param(100, 0, 0, 200, id="many connections raise the bound"),
        pytest.param(100, 0, 4000, 200, id="and it holds at any speed"),
        pytest.param(8, 10, 4000, 10, id="a limit of the rate holds, too"),
        pytest.param(8, 0.5, 4, 1, id="however low, one is armed"),
        pytest.param(8, 1000, 4000, 50, id="a limit above the bound changes nothing"),
    ],
)
def test_how_many_rows_may_be_armed(clock, connections, rate, speed, armed):
    assert at_speed(Allowance(connections, rate, clock=clock), clock, speed).armed == armed


def test_the_speed_is_that_of_the_last_window(clock):
    allowance = at_speed(Allowance(8, 0, clock=clock), clock, 40)
    assert allowance.armed == 40

    at_speed(allowance, clock, 24)
    assert allowance.armed == 24


def test_within_a_window_nothing_changes(clock):
    allowance = at_speed(Allowance(8, 0, clock=clock), clock, 40)

    clock.seconds += 0.125
    allowance.note(20)
    assert allowance.armed == 40
    clock.seconds += 0.125
    allowance.note(0)
    assert allowance.armed == 50


def test_a_rest_is_not_taken_for_speed(clock):
    allowance = at_speed(Allowance(8, 0, clock=clock), clock, 40)

    clock.seconds += 3600
    allowance.note(50)
    assert allowance.armed == 16


@pytest.mark.parametrize(
    ("connections", "speed", "batch"),
    [
        pytest.param(8, 0, 1, id="at first each outcome is worth a tick"),
        pytest.param(8, 100, 1, id="where few are sent, too"),
        pytest.param(8, 300, 3, id="of a slow relay, what comes back in ten milliseconds"),
        pytest.param(8, 800, 4, id="but of half the connections at most, so that the others are kept busy"),
        pytest.param(8, 4000, 10, id="of a fast one, what comes back in two and a half milliseconds"),
        pytest.param(8, 400_000, 16, id="never more than a third of what may be armed"),
        pytest.param(100, 400_000, 66, id="nor with many connections"),
    ],
)
def test_how_many_outcomes_make_a_tick(clock, connections, speed, batch):
    assert at_speed(Allowance(connections, 0, clock=clock), clock, speed).batch == batch
