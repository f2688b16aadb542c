"""Who gets the next message, by weight: pure figures."""

import math
from collections import Counter

import pytest

from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.shares import PATIENCE, Shares

MESSAGE = OutgoingMessage(1, "a@example.org", "b@example.org", b"")


def shares(*weights: int, connections: int = 4) -> Shares:
    return Shares(weights, connections, lambda: MESSAGE)


def take_all(shares: Shares, *who: int) -> int:
    """Let some relays take messages until none of them may; how many that were."""
    taken = 0
    while any(shares.each[at].take() for at in who):
        taken += 1
    return taken


@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (1, 100), (5, 3, 2), (7, 7, 7, 1)])
def test_messages_are_in_proportion_to_weights(weights):
    parts, taken = shares(*weights), Counter()
    for _ in range(40 * sum(weights)):
        first = min(range(len(weights)), key=lambda at: parts.each[at].passed)
        assert parts.each[first].take()
        taken[first] += 1

    assert [taken[at] for at in range(len(weights))] == [40 * weight for weight in weights]


def test_whoever_is_ahead_waits_for_the_others():
    parts = shares(3, 1, connections=4)

    assert take_all(parts, 0) == 7, (
        "two for each connection, less what is not its part, and the one that crosses the end"
    )
    assert not parts.each[0].is_open
    assert parts.each[1].take()
    assert parts.each[0].is_open


def test_whoever_has_the_same_weight_does_not_wait():
    parts = shares(1, 1)
    for _ in range(1000):
        assert parts.each[0].take()

    # What the other missed is not made up for.
    assert parts.each[1].take()
    assert abs(parts.each[0].passed - parts.each[1].passed) <= 4


def test_nobody_waits_for_a_relay_that_is_away_and_it_gets_no_more_than_its_part_afterwards():
    parts = shares(2, 1)
    parts.each[1].step_out()
    for _ in range(1000):
        assert parts.each[0].take()

    assert parts.each[1].is_open
    assert take_all(parts, 1) <= 7
    assert parts.each[0].take()


def test_when_all_are_away_whoever_comes_back_first_goes_on():
    parts = shares(2, 1)
    for share in parts.each:
        share.step_out()

    for _ in range(100):
        assert parts.each[1].take()


def test_a_relay_that_takes_nothing_keeps_the_others_for_a_moment_only():
    parts = shares(2, 1)
    take_all(parts, 0)

    assert parts.look(100.0, is_waiting=True) == 100.0 + PATIENCE
    assert parts.look(100.0 + PATIENCE / 2, is_waiting=True) == 100.0 + PATIENCE
    assert not parts.each[0].is_open
    parts.look(100.0 + PATIENCE, is_waiting=True)
    for _ in range(1000):
        assert parts.each[0].take()

    # It counts again when it takes one, beside the other.
    assert parts.each[1].take()
    assert take_all(parts, 0) <= 4


def test_a_relay_that_takes_something_in_time_is_waited_for():
    parts = shares(2, 1)
    now = 0.0
    for _ in range(20):
        take_all(parts, 0)
        assert parts.look(now, is_waiting=True) > now
        now += PATIENCE * 0.9
        assert parts.each[1].take()

    assert abs(parts.each[0].passed - parts.each[1].passed) <= 4


def test_nobody_is_late_while_nothing_waits():
    parts = shares(2, 1)
    take_all(parts, 0)
    parts.look(0.0, is_waiting=True)

    assert parts.look(PATIENCE, is_waiting=False) == math.inf
    assert parts.look(PATIENCE, is_waiting=True) == 2 * PATIENCE
    assert not parts.each[0].is_open
