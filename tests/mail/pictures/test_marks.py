"""Signs keep apart where they can, and near their place always."""

from __future__ import annotations

import math
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.pictures.marks import Mark, spread
from tests.mail.pictures.seen import CHANCE, RISK, SAME, WORSE

#: A whole pixel is the nearest that a sign can come to where it should be.
ROUNDING = 1.5
FARTHEST = 7

points = st.tuples(st.floats(0, 60), st.floats(0, 60))
marks = st.builds(
    Mark, points, st.sampled_from([WORSE, SAME]), st.sampled_from([(), (RISK,), (CHANCE,), (RISK, CHANCE)])
)


def test_signs_that_have_room_stay_where_they_are():
    apart = [Mark((10.0, 10.0), WORSE, ()), Mark((30.0, 10.0), SAME, ()), Mark((10.0, 40.0), WORSE, (RISK,))]

    assert spread(apart) == apart


def test_signs_that_cover_each_other_move_apart():
    one, other = spread([Mark((10.0, 10.0), WORSE, ()), Mark((13.0, 10.0), WORSE, ())])

    assert math.dist(one.at, other.at) >= one.radius + other.radius - ROUNDING
    assert one.at[0] < other.at[0]


def test_signs_on_the_same_spot_move_apart_too():
    three = spread([Mark((20.0, 20.0), WORSE, ())] * 3)

    for one, other in combinations(three, 2):
        assert math.dist(one.at, other.at) >= one.radius + other.radius - ROUNDING


@given(st.lists(marks, max_size=12))
def test_no_sign_leaves_its_place(crowd):
    moved = spread(crowd)

    for before, after in zip(crowd, moved, strict=True):
        assert (after.trend, after.alerts) == (before.trend, before.alerts)
        assert math.dist(before.at, after.at) <= FARTHEST + ROUNDING
        assert all(each == int(each) for each in after.at)
