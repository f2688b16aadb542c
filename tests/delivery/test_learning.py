"""What replies say about a destination's speed."""

from __future__ import annotations

import pytest

from newsletter.delivery.learning import HIGHEST_RATE, LOWEST_RATE, is_too_fast, lowered, pause_seconds, raised
from newsletter.delivery.reply import Reply


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(421, "4.7.28", "Gmail has detected an unusual rate of mail"), True),
        (Reply(451, "4.7.500", "Server busy"), True),
        (Reply(421, "4.7.0", "[TSS04] Messages temporarily deferred"), True),
        (Reply(452, "4.5.3", "Too many recipients"), True),
        (Reply(450, None, "too many connections"), True),
        (Reply(450, "4.2.1", "The user is receiving mail at a rate that is too high"), False),
        (Reply(452, "4.2.2", "Mailbox full, over quota limit"), False),
        (Reply(450, "4.7.1", "Greylisted, try again in 300 seconds"), False),
        (Reply(451, "4.7.1", "grey-listing in action, rate"), False),
        (Reply(451, "4.3.0", "Temporary lookup failure"), False),
        (Reply(450, None, "try again later"), False),
    ],
)
def test_only_some_refusals_ask_for_less_speed(reply, expected):
    assert is_too_fast(reply) is expected


def test_a_rate_is_halved_down_to_a_floor_and_grows_until_it_is_no_limit():
    assert lowered(100.0) == 50.0
    assert lowered(0.15) == LOWEST_RATE
    assert raised(100.0) == 125.0
    assert raised(HIGHEST_RATE) is None


def test_pauses_grow_to_eight_hours():
    assert [pause_seconds(number) // 3600 for number in range(6)] == [1, 2, 4, 8, 8, 8]
