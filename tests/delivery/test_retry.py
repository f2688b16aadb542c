"""When a deferred message is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.delivery.retry import RetryPolicy

QUEUED = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        (1, timedelta(minutes=10)),
        (2, timedelta(minutes=30)),
        (3, timedelta(hours=1)),
        (4, timedelta(hours=2)),
        (5, timedelta(hours=4)),
        (6, timedelta(hours=6)),
        (7, timedelta(hours=6)),
        (15, timedelta(hours=6)),
    ],
)
def test_wait_before_the_next_attempt(attempts, wait):
    assert RetryPolicy().next_attempt(queued_at=QUEUED, attempts=attempts, now=QUEUED) == QUEUED + wait


@pytest.mark.parametrize(
    ("age", "gives_up"),
    [
        pytest.param(timedelta(days=3, hours=18), False, id="the next attempt is just in time"),
        pytest.param(timedelta(days=3, hours=18, seconds=1), True, id="the next attempt would be too late"),
        pytest.param(timedelta(days=30), True, id="long past"),
    ],
)
def test_it_gives_up_when_the_message_would_be_older_than_four_days(age, gives_up):
    attempt = RetryPolicy().next_attempt(queued_at=QUEUED, attempts=20, now=QUEUED + age)

    assert (attempt is None) is gives_up


def test_a_message_that_is_always_deferred_is_tried_about_twenty_times():
    policy, attempts, now = RetryPolicy(), 0, QUEUED
    while now is not None:
        attempts += 1
        last, now = now, policy.next_attempt(queued_at=QUEUED, attempts=attempts, now=now)

    # 7 h 40 min for the first six tries, then every 6 h: 6 + 88.3 h / 6 h
    assert attempts == 20
    assert timedelta(days=3, hours=18) < last - QUEUED <= timedelta(days=4)


def test_there_is_no_next_attempt_before_the_first():
    with pytest.raises(ValueError, match="first"):
        RetryPolicy().next_attempt(queued_at=QUEUED, attempts=0, now=QUEUED)
