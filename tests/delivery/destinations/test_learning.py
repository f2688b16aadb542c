"""What is learnt from replies: tables, and what comes of them over time."""

from __future__ import annotations

import pytest

from newsletter.delivery.destinations import learning
from newsletter.delivery.destinations.learning import (
    SLOWEST,
    Taken,
    dropped,
    is_refusal,
    is_too_busy,
    pause_seconds,
    risen,
)
from newsletter.delivery.destinations.signals import Signal

NOW = 1_700_000_000.0
TAKEN, BUSY, TOO_FAST, DOUBTFUL, REFUSED, OTHER = Signal


@pytest.mark.parametrize(
    ("rate", "taken", "by", "new"),
    [
        pytest.param(None, 80.0, TOO_FAST, 40.0, id="half of what was taken"),
        pytest.param(None, 80.0, BUSY, 56.0, id="a busy one: seven tenths"),
        pytest.param(None, 0.0, TOO_FAST, 1.0, id="nothing is known: one a second"),
        pytest.param(None, 0.3, TOO_FAST, 1.0, id="the first limit is not below one a second"),
        pytest.param(20.0, 20.0, TOO_FAST, 10.0, id="half of the limit"),
        pytest.param(20.0, 8.0, TOO_FAST, 4.0, id="half of what was taken, where that is less"),
        pytest.param(20.0, 30.0, TOO_FAST, 10.0, id="never more than half of the limit"),
        pytest.param(20.0, 0.0, TOO_FAST, 10.0, id="nothing was taken of late"),
        pytest.param(0.15, 0.1, TOO_FAST, SLOWEST, id="not below the slowest"),
        pytest.param(0.01, 0.01, TOO_FAST, 0.01, id="not above a limit that is slower still"),
    ],
)
def test_a_rate_drops_from_that_at_which_mail_was_taken(rate, taken, by, new):
    assert dropped(rate, taken, by) == pytest.approx(new)


@pytest.mark.parametrize(
    ("rate", "taken", "is_felt", "new"),
    [
        pytest.param(10.0, 9.8, True, 11.0, id="by a tenth"),
        pytest.param(10.0, 9.8, False, None, id="it is past what is being sent"),
        pytest.param(10.0, 1.0, True, 10.0, id="it is hardly used: nothing is known"),
        pytest.param(10.0, 1.0, False, 10.0, id="nor forgotten"),
        pytest.param(0.1, 0.0, True, 0.11, id="from the slowest in any case"),
    ],
)
def test_a_rate_rises_when_it_is_used_and_is_forgotten_when_it_limits_nobody(rate, taken, is_felt, new):
    found = risen(rate, taken, is_felt=is_felt)

    assert found == (new if new is None else pytest.approx(new))


@pytest.mark.parametrize(
    ("replies", "is_busy"),
    [([BUSY] * 4 + [TAKEN] * 16, False), ([BUSY] * 5 + [TAKEN] * 15, True), ([BUSY] * 4 + [TOO_FAST], True)],
)
def test_some_who_are_told_to_come_later_are_chance(replies, is_busy):
    assert is_too_busy(replies) is is_busy


@pytest.mark.parametrize(
    ("replies", "pauses"),
    [
        pytest.param([REFUSED], True, id="we are refused"),
        pytest.param([DOUBTFUL], False, id="one reader's filter"),
        pytest.param([DOUBTFUL, TAKEN, DOUBTFUL], False, id="another's"),
        pytest.param([DOUBTFUL] * 3, True, id="no chance any more"),
        pytest.param([DOUBTFUL, *[TAKEN] * 17, DOUBTFUL, DOUBTFUL], True, id="three in twenty"),
    ],
)
def test_when_refusals_are_about_us(replies, pauses):
    assert is_refusal(replies) is pauses


def test_pauses_grow_to_eight_hours():
    assert [pause_seconds(number) // 3600 for number in (0, 1, 2, 3, 4, 5000)] == [1, 2, 4, 8, 8, 8]


def test_how_fast_mail_is_taken_is_what_the_last_ten_seconds_say():
    taken = Taken(NOW)
    for number in range(200):
        taken.add(NOW + number / 10)

    assert taken.rate(NOW + 20) == pytest.approx(10.0, rel=0.12)
    assert taken.rate(NOW + 25) == pytest.approx(5.0, rel=0.25)
    assert taken.rate(NOW + 40) == 0.0


def test_how_fast_mail_is_taken_in_the_first_seconds():
    taken = Taken(NOW)
    for number in range(60):
        taken.add(NOW + number / 20)

    assert taken.rate(NOW + 3) == pytest.approx(20.0)


def test_the_numbers_are_those_that_are_told():
    steps_from_slowest_to_100 = 0
    rate = SLOWEST
    while rate < 100:
        rate *= learning.RISE
        steps_from_slowest_to_100 += 1

    assert steps_from_slowest_to_100 == 73
    assert learning.RISE**8 > 2 > learning.RISE**7
