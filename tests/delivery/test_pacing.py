"""The rate of messages, and the waits before connecting again."""

import pytest

from newsletter.delivery.pacing import Backoff, TokenBucket


@pytest.mark.parametrize("rate", [0.5, 1.0, 7.0, 50.0, 1000.0])
def test_a_bucket_lets_the_rate_pass(rate):
    bucket = TokenBucket(rate, now=100.0)
    now, taken = 100.0, 0
    while now < 120.0:
        if bucket.take(now):
            taken += 1
        else:
            now = bucket.ready_at(now)

    assert rate * 20 <= taken <= rate * 20 + max(1.0, rate / 10) + 1


def test_a_full_bucket_holds_a_tenth_of_a_second():
    bucket = TokenBucket(50.0, now=0.0)

    assert sum(bucket.take(1000.0) for _ in range(20)) == 5


def test_without_a_rate_everything_passes():
    bucket = TokenBucket(0.0, now=0.0)

    assert all(bucket.take(0.0) for _ in range(1000))
    assert bucket.ready_at(3.0) == 3.0


def test_at_the_time_told_there_is_a_token():
    bucket = TokenBucket(3.0, now=0.0)
    now = 0.0
    for _ in range(1000):
        now = bucket.ready_at(now)
        assert bucket.take(now)


def test_a_clock_that_goes_back_gives_nothing_away():
    bucket = TokenBucket(1.0, now=100.0)
    assert bucket.take(100.0)

    assert not bucket.take(50.0)
    assert not bucket.take(100.5)
    assert bucket.take(101.0)


def test_waits_double_up_to_a_minute():
    backoff = Backoff()
    waits = []
    for _ in range(10):
        backoff.fail(0.0)
        waits.append(backoff.until)

    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_success_ends_the_waiting():
    backoff = Backoff()
    backoff.fail(10.0)
    assert backoff.is_failing

    backoff.succeed()
    assert not backoff.is_failing
    assert backoff.until <= 10.0


def test_a_refusal_waits_longest_at_once():
    backoff = Backoff()
    backoff.fail(10.0, longest=True)

    assert backoff.until == 70.0
