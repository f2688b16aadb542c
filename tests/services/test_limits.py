"""Limits are counted in rows: by all processes together, to the last one, and for their time only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.services import limits
from newsletter.services.limits import DAY, HOUR, Caps, Limit, Limits
from newsletter.storage.tables import RateWindow
from tests.conftest import NOW
from tests.services.stock import TOKENS, at_once, dump


def of(ip="192.0.2.1", *, most=2, everybody=100, at=NOW):
    return Limits("form", [Limit("ip", ip, most), Limit("all", "", everybody)], tokens=TOKENS, now=at)


def ask(database, held):
    """What a form does: look, act, count; the kind of limit that stopped it."""
    with database.writing() as session:
        reached = held.reached(session)
        if reached is None:
            reached = held.count(session)
            if reached is not None:
                session.rollback()
        return reached and reached.kind


def counts(database):
    with database.reading() as session:
        return sorted(session.scalars(select(RateWindow.count)))


def test_so_many_and_no_more(database):
    assert [ask(database, of()) for _ in range(4)] == [None, None, "ip", "ip"]


def test_others_are_not_held_back_by_it_but_by_the_whole(database):
    asked = [ask(database, of(f"192.0.2.{number}", most=1, everybody=2)) for number in (1, 1, 2, 3)]

    assert asked == [None, "ip", None, "all"]


def test_what_is_over_a_limit_writes_nothing(database):
    ask(database, of(most=1))
    before = dump(database)

    for _ in range(3):
        ask(database, of(most=1))

    assert dump(database) == before


def test_it_begins_anew_with_the_next_hour(database):
    assert ask(database, of(most=1, at=NOW)) is None
    assert ask(database, of(most=1, at=NOW + HOUR - timedelta(seconds=1))) == "ip"
    assert ask(database, of(most=1, at=NOW + HOUR)) is None


def test_no_limit_counts_nothing(database):
    held = Limits("form", [Limit("ip", "192.0.2.1", 0)], tokens=TOKENS, now=NOW)

    assert [ask(database, held) for _ in range(3)] == [None] * 3
    assert counts(database) == []


def test_many_at_once_get_no_more_than_one_after_the_other(database):
    asked = at_once(12, lambda: ask(database, of(most=5)))

    assert asked.count(None) == 5
    assert counts(database) == [5, 5]


def test_nobody_who_asked_can_be_read_from_the_table(database):
    ask(database, of("192.0.2.77"))

    assert "192.0.2.77" not in str(dump(database))


def test_what_is_spent_is_spent(database):
    def spend():
        with database.writing() as session:
            return limits.spend(session, "proof", "key", until=NOW + HOUR)

    assert at_once(4, spend).count(True) == 1
    assert not spend()


def test_windows_that_are_over_are_forgotten(database):
    ask(database, of(at=NOW - DAY - 2 * HOUR))
    ask(database, of(at=NOW - DAY))
    ask(database, of(at=NOW))

    with database.writing() as session:
        assert limits.purge(session, NOW) == 2
        assert limits.purge(session, NOW) == 0
    assert counts(database) == [1, 1, 1, 1]


@pytest.mark.parametrize(("caps", "tenth"), [(Caps(20, 100, 2000), Caps(2, 10, 200)), (Caps(5, 0, 11), Caps(1, 0, 2))])
def test_a_tenth_is_at_least_one_where_there_is_a_limit(caps, tenth):
    assert caps.tenth() == tenth
