"""The times that those are given who have to wait: none too early, none in vain, and the rate made use of."""

from __future__ import annotations

from heapq import heappop, heapreplace

import pytest

from newsletter.delivery.destinations.slots import HORIZON, Slots

NOW = 1_700_000_000.0


class Queue:
    """Messages that ask for their slot, and again when it has come; senders look four times a second."""

    def __init__(self, waiting: int, *, late: float = 0.0) -> None:
        self.due = [NOW] * waiting  #: a heap
        self.asked = 0
        self._late = late

    def sent_in(self, slots: Slots, seconds: int, *, begin: int = 0) -> list[int]:
        """How many go out in each second."""
        return [
            sum(self._look(slots, NOW + begin + second + quarter / 4 + self._late) for quarter in range(4))
            for second in range(seconds)
        ]

    def _look(self, slots: Slots, now: float) -> int:
        gone = 0
        while self.due and self.due[0] <= now:
            slot = slots.take(now)
            self.asked += 1
            gone += slot is None
            heappop(self.due) if slot is None else heapreplace(self.due, slot)
        return gone


@pytest.mark.parametrize("late", [0.0, 0.2])
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.9, 1.0, 2.5, 20.0, 60.6])
def test_the_rate_goes_out_no_less_and_no_more(rate, late):
    queue = Queue(int(rate * 800) + 1, late=late)

    sent = queue.sent_in(Slots(rate, NOW), 300)

    assert sum(sent) == pytest.approx(rate * 300, rel=0.02, abs=1.5)
    assert max(sent) <= 2 * rate + 1


def test_those_who_wait_are_not_looked_at_in_vain():
    queue = Queue(5000)

    sent = queue.sent_in(Slots(10.0, NOW), 400)

    assert queue.asked - sum(sent) <= 5000 * 1.02


def test_one_second_is_given_to_one_at_a_message_a_second():
    slots = Slots(1.0, NOW)
    assert slots.take(NOW) is None

    given = [slots.take(NOW) for _ in range(HORIZON)]

    assert given == [int(NOW) + number for number in range(1, HORIZON + 1)]


def test_who_comes_after_a_quarter_of_an_hour_is_spread_evenly_over_the_next():
    slots = Slots(1.0, NOW)
    given = [slots.take(NOW) for _ in range(1 + HORIZON + 3 * HORIZON)][1 + HORIZON :]

    assert min(given) > NOW + HORIZON
    assert max(given) <= NOW + 2 * HORIZON + 1
    assert {given.count(second) for second in given} == {3}


def test_who_comes_new_does_not_overtake_those_who_were_given_a_time():
    slots = Slots(4.0, NOW)
    waiting = [slots.take(NOW) for _ in range(41)][1:]
    assert waiting == sorted(waiting)

    overtook = 0
    for quarter in range(1, 41):
        now = NOW + quarter / 4
        for _ in [due for due in waiting if now - 0.25 < due <= now]:
            assert slots.take(now) is None
        overtook += slots.take(now) is None
    assert overtook <= 1


def test_what_those_leave_who_don_t_come_is_used_by_others():
    slots = Slots(2.0, NOW)
    for _ in range(600):
        slots.take(NOW)

    later = Queue(400).sent_in(slots, 100, begin=60)
    assert sum(later) == pytest.approx(200, abs=5)


def test_those_who_come_late_all_at_once_are_given_times_anew():
    slots = Slots(2.0, NOW)
    queue = Queue(400)
    queue.sent_in(slots, 20)

    paused = 60
    assert sum(queue.sent_in(slots, 100, begin=20 + paused)) == pytest.approx(200, abs=5)


def test_a_rate_that_rises_is_used_by_those_who_come_new():
    slots = Slots(1.0, NOW)
    queue = Queue(400)
    queue.sent_in(slots, 10)

    slots.change(5.0, NOW + 10)
    queue.due = sorted([*queue.due, *[NOW + 10] * 1000])
    assert sum(queue.sent_in(slots, 60, begin=10)) == pytest.approx(300, rel=0.05)


def test_a_rate_that_falls_holds_at_once():
    slots = Slots(20.0, NOW)
    queue = Queue(4000)
    queue.sent_in(slots, 10)

    slots.change(2.0, NOW + 10)
    sent = queue.sent_in(slots, 100, begin=10)
    assert sum(sent) == pytest.approx(200, abs=6)
    assert max(sent[1:]) <= 4


def test_after_a_long_rest_a_second_s_worth_goes_at_once_and_no_more():
    slots = Slots(10.0, NOW)

    assert sum(slots.take(NOW + 5000) is None for _ in range(100)) == 10


def test_a_clock_that_goes_back_gives_nothing_away():
    slots = Slots(1.0, NOW)
    assert slots.take(NOW) is None

    given = [slots.take(NOW - 3600) for _ in range(10)]
    assert None not in given
