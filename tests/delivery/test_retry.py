"""When a deferred message is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.delivery.retry import RetryPolicy

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
FAR = NOW + timedelta(days=30)


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
@pytest.mark.parametrize(("chance", "longer"), [(0.0, 1.0), (0.5, 1.05), (1.0, 1.1)])
def test_wait_before_the_next_attempt(attempts, wait, chance, longer):
    due = RetryPolicy().next_attempt(attempts=attempts, now=NOW, until=FAR, chance=chance)

    assert due == NOW + wait * longer


@pytest.mark.parametrize(
    ("left", "chance", "gives_up"),
    [
        pytest.param(timedelta(hours=6), 0.0, False, id="the next attempt is just in time"),
        pytest.param(timedelta(hours=6, seconds=-1), 0.0, True, id="the next attempt would be too late"),
        pytest.param(timedelta(hours=6, minutes=36), 1.0, False, id="just in time, with all of the jitter"),
        pytest.param(timedelta(hours=6, minutes=35), 1.0, True, id="too late by the jitter"),
        pytest.param(timedelta(days=-30), 0.0, True, id="long past"),
    ],
)
def test_it_gives_up_when_the_next_attempt_would_come_after_the_end(left, chance, gives_up):
    due = RetryPolicy().next_attempt(attempts=20, now=NOW, until=NOW + left, chance=chance)

    assert (due is None) is gives_up


@pytest.mark.parametrize(
    ("chance", "tries"),
    [
        # 7 h 40 min for the first six tries, then every 6 h: 6 + 88.3 h / 6 h
        pytest.param(0.0, 20, id="without jitter"),
        # 8 h 26 min, then every 6.6 h: 6 + 87.6 h / 6.6 h
        pytest.param(1.0, 19, id="with all of it"),
    ],
)
def test_a_message_that_is_always_deferred_is_tried_about_twenty_times_in_four_days(chance, tries):
    policy, attempts, now = RetryPolicy(), 0, NOW
    until = NOW + policy.lifetime
    while now is not None:
        attempts += 1
        last, now = now, policy.next_attempt(attempts=attempts, now=now, until=until, chance=chance)

    assert attempts == tries
    assert timedelta(days=4) - timedelta(hours=6.6) < last - NOW <= timedelta(days=4)


def test_other_waits_can_be_given():
    policy = RetryPolicy(waits=(timedelta(seconds=1),), later_wait=timedelta(seconds=5))

    dues = [policy.next_attempt(attempts=attempts, now=NOW, until=FAR) for attempts in (1, 2, 3)]
    assert [due - NOW for due in dues] == [timedelta(seconds=each) for each in (1, 5, 5)]


def test_there_is_no_next_attempt_before_the_first():
    with pytest.raises(ValueError, match="first"):
        RetryPolicy().next_attempt(attempts=0, now=NOW, until=FAR)
