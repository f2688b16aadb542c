"""The lives of senders: what a dead one leaves, who fences whom, and what is held because it may kill."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter.domain.states import NoticeKind
from newsletter.errors import SenderRunning
from newsletter.services import claims, deliveries, editions, notices, runs
from newsletter.services.runs import EVERYTHING, MOST_TRIES, NOTICES, Scope
from newsletter.storage.tables import Delivery, Notice, SenderRun
from tests.conftest import NOW
from tests.services.stock import (
    NOVEMBER,
    arm,
    begin,
    deliveries_of,
    everybody,
    readers_of,
    start_sending,
    wait_until_it_waits,
)

SECOND = int(NOW.timestamp())
FIRST_PART = Scope(notices=False, edition_id=1, first=0, last=3)
SECOND_PART = Scope(notices=False, edition_id=1, first=4, last=runs.LAST)


def notices_of(session):
    """Every notice as the database has it now; they may be read when the session is over."""
    rows = session.scalars(select(Notice).order_by(Notice.id).execution_options(populate_existing=True)).all()
    for row in rows:
        session.expunge(row)
    return rows


@pytest.mark.parametrize(
    ("scope", "name", "covered"),
    [
        (EVERYTHING, "all", {1, 2}),
        (NOTICES, "notices", set()),
        (FIRST_PART, "edition 1 from 0", {1}),
        (SECOND_PART, "edition 1 from 4", {1}),
        (replace(SECOND_PART, edition_id=2), "edition 2 from 4", {2}),
    ],
)
def test_a_scope_has_a_name_and_covers_editions(scope, name, covered):
    assert scope.name == name
    assert {edition_id for edition_id in (1, 2) if scope.covers(edition_id)} == covered


def test_a_new_sender_takes_back_what_a_dead_one_had_armed_and_flags_it(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4)
    with database.writing() as session:
        notices.enqueue(session, NoticeKind.WELCOME, 1, now=NOW)
        notices.enqueue(session, NoticeKind.WELCOME, 2, now=NOW + timedelta(hours=1))
    with database.writing() as session:
        arming, _ = begin(session)
        arm(session, arming, edition_id, limit=2)
        assert len(claims.arm_notices(session, arming, limit=9)) == 1
    with database.writing() as session:
        owner = runs.begin(session, EVERYTHING, now=NOW + timedelta(minutes=5))
        rows = deliveries_of(session, edition_id)
        waiting = [(each.state, each.owner, each.flagged, each.attempt, each.due_at) for each in notices_of(session)]

    assert owner > arming.owner
    told = [(row.state, row.owner, row.flagged, row.attempt) for row in rows]
    assert told == [("pending", None, True, 1)] * 2 + [("pending", None, False, 0)] * 2
    assert waiting == [("pending", None, True, 1, SECOND + 300), ("pending", None, False, 0, SECOND + 3600)]
    with database.writing() as session:
        again = arm(session, replace(arming, owner=owner), edition_id)
        assert [each.claim.attempt for each in again.deliveries] == [2, 2, 1, 1]


def test_what_a_dead_sender_had_armed_of_a_cancelled_edition_is_skipped_and_flagged(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 2)
    with database.writing() as session:
        arming, _ = begin(session)
        arm(session, arming, edition_id, limit=1)
    with database.writing() as session:
        deliveries.cancel(session, NOVEMBER, now=NOW)
    with database.writing() as session:
        runs.begin(session, EVERYTHING, now=NOW)
        rows = deliveries_of(session, edition_id)

    told = [(row.state, row.detail, row.flagged) for row in rows]
    assert told == [("skipped", "cancelled", True), ("skipped", "cancelled", False)]


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        pytest.param(FIRST_PART, {1, 2, 3}, id="the first part"),
        pytest.param(SECOND_PART, {4, 5, 6}, id="the second part"),
        pytest.param(NOTICES, {"notice"}, id="notices"),
        pytest.param(replace(FIRST_PART, edition_id=2), set(), id="a part of another edition"),
        pytest.param(EVERYTHING, {1, 2, 3, 4, 5, 6, "notice"}, id="everything"),
    ],
)
def test_a_sender_takes_back_only_what_is_armed_in_its_scope(database, settings, scope, gone):
    edition_id = start_sending(database, settings, ["KZ"] * 6)
    with database.writing() as session:
        notices.enqueue(session, NoticeKind.WELCOME, 1, now=NOW)
    with database.writing() as session:
        for each in (FIRST_PART, SECOND_PART):
            arming, _ = begin(session, each)
            assert len(arm(session, arming, edition_id).deliveries) == 3
        arming, _ = begin(session, NOTICES)
        assert len(claims.arm_notices(session, arming, limit=9)) == 1
    with database.writing() as session:
        runs.begin(session, scope, now=NOW)
        rows = [(row.subscriber_id, row) for row in deliveries_of(session, edition_id)]
        rows += [("notice", row) for row in notices_of(session)]

    assert {name for name, row in rows if row.state == "pending"} == gone
    assert {name for name, row in rows if row.flagged} == gone
    assert {name for name, row in rows if row.owner is None} == gone
    assert {row.state for name, row in rows if name not in gone} <= {"armed"}


_PAIRS = [
    pytest.param(EVERYTHING, EVERYTHING, True, id="everything by everything"),
    pytest.param(EVERYTHING, FIRST_PART, True, id="everything by a part"),
    pytest.param(EVERYTHING, NOTICES, True, id="everything by notices"),
    pytest.param(FIRST_PART, EVERYTHING, True, id="a part by everything"),
    pytest.param(NOTICES, EVERYTHING, True, id="notices by everything"),
    pytest.param(FIRST_PART, FIRST_PART, True, id="a part by the same"),
    pytest.param(NOTICES, NOTICES, True, id="notices by notices"),
    pytest.param(FIRST_PART, SECOND_PART, False, id="a part by another"),
    pytest.param(FIRST_PART, replace(FIRST_PART, edition_id=2), False, id="a part by the same of another edition"),
    pytest.param(FIRST_PART, NOTICES, False, id="a part by notices"),
    pytest.param(NOTICES, FIRST_PART, False, id="notices by a part"),
]


@pytest.mark.parametrize(("earlier", "later", "is_fenced"), _PAIRS)
def test_who_is_fenced_by_whom(database, earlier, later, is_fenced):
    def ticks(owner, scope):
        try:
            with database.writing() as session:
                runs.tick(session, owner, seen=0, now=NOW)
        except SenderRunning:
            return False
        return True

    with database.writing() as session:
        owner = runs.begin(session, earlier, now=NOW)
    assert ticks(owner, earlier)
    with database.writing() as session:
        other = runs.begin(session, later, now=NOW)
    assert ticks(other, later)
    assert ticks(owner, earlier) is not is_fenced
    with database.writing() as session:
        runs.end(session, other, now=NOW)
    assert ticks(owner, earlier) is not is_fenced  # for ever


def test_a_sender_that_begins_waits_for_the_tick_that_is_under_way_and_takes_back_what_it_armed(postgresql, settings):
    edition_id = start_sending(postgresql, settings, ["KZ"] * 2)
    with postgresql.writing() as session:
        arming, _ = begin(session)

    def begin_anew():
        with postgresql.writing() as session:
            runs.begin(session, EVERYTHING, now=NOW)

    with ThreadPoolExecutor(1) as thread:
        with postgresql.writing() as session:
            runs.tick(session, arming.owner, seen=0, now=NOW)
            beginning = thread.submit(begin_anew)
            wait_until_it_waits(postgresql, beginning)
            assert not beginning.done()
            arm(session, arming, edition_id)
        beginning.result()

    with postgresql.reading() as session:
        assert [(row.state, row.flagged) for row in deliveries_of(session, edition_id)] == [("pending", True)] * 2


def test_a_tick_that_waited_for_another_sender_to_begin_is_fenced_by_it(postgresql):
    with postgresql.writing() as session:
        owner = runs.begin(session, EVERYTHING, now=NOW)

    def tick():
        with postgresql.writing() as session:
            runs.tick(session, owner, seen=0, now=NOW)

    with ThreadPoolExecutor(1) as thread:
        with postgresql.writing() as session:
            runs.begin(session, EVERYTHING, now=NOW)
            ticking = thread.submit(tick)
            wait_until_it_waits(postgresql, ticking)
        with pytest.raises(SenderRunning):
            ticking.result()


def test_senders_of_other_parts_do_not_wait_for_one_that_begins(postgresql):
    with postgresql.writing() as session:
        owner = runs.begin(session, FIRST_PART, now=NOW)
    with postgresql.writing() as session:
        runs.begin(session, SECOND_PART, now=NOW)
        with postgresql.writing() as other:
            runs.tick(other, owner, seen=0, now=NOW)


def runs_of(database):
    with database.reading() as session:
        query = select(SenderRun.id, SenderRun.scope, SenderRun.started_at, SenderRun.ended_at)
        return [tuple(row) for row in session.execute(query.order_by(SenderRun.id))]


def test_a_run_has_a_beginning_and_an_end(database):
    with database.writing() as session:
        first = runs.begin(session, NOTICES, now=NOW)
        second = runs.begin(session, FIRST_PART, now=NOW)
        runs.end(session, second, now=NOW + timedelta(hours=1))

    assert runs_of(database) == [
        (first, "notices", NOW, None),
        (second, "edition 1 from 0", NOW, NOW + timedelta(hours=1)),
    ]


def test_runs_that_ended_are_forgotten_after_a_day_and_their_numbers_are_never_used_again(database):
    later = NOW + timedelta(days=1)
    with database.writing() as session:
        for at in (NOW, NOW + timedelta(seconds=1)):
            last = runs.begin(session, EVERYTHING, now=NOW)
            runs.end(session, last, now=at)
    with database.writing() as session:
        assert runs.begin(session, EVERYTHING, now=later + timedelta(seconds=1)) == last + 1
    assert [run for run, *_ in runs_of(database)] == [last, last + 1]
    with database.writing() as session:
        runs.end(session, last + 1, now=later)
    with database.writing() as session:
        assert runs.begin(session, EVERYTHING, now=later + timedelta(days=60)) == last + 2
    assert [run for run, *_ in runs_of(database)] == [last + 2]


def test_a_database_that_was_set_back_under_a_sender_is_noticed_at_its_next_tick(database):
    with database.writing() as session:
        owner = runs.begin(session, EVERYTHING, now=NOW)
        runs.tick(session, owner, seen=0, now=NOW)
        runs.tick(session, owner, seen=1, now=NOW)

    with pytest.raises(SenderRunning, match="set back"), database.writing() as session:
        runs.tick(session, owner, seen=3, now=NOW)


def test_ticks_are_counted_and_their_time_is_kept(database):
    def facts():
        with database.reading() as session:
            run = session.get_one(SenderRun, owner)
            return run.ticks, run.ticked_at - SECOND

    with database.writing() as session:
        owner = runs.begin(session, EVERYTHING, now=NOW)
        other = runs.begin(session, NOTICES, now=NOW - timedelta(days=1))
        runs.end(session, other, now=NOW)
    with database.writing() as session:
        owner = runs.begin(session, EVERYTHING, now=NOW)
    assert facts() == (0, 0)
    for seconds in (1, 2, 7):
        with database.writing() as session:
            runs.tick(session, owner, seen=0, now=NOW + timedelta(seconds=seconds))
    assert facts() == (3, 7)
    with database.writing() as session:
        runs.tick(session, owner, seen=0, now=NOW + timedelta(seconds=8))
        session.rollback()
    assert facts() == (3, 7)


def die(database, edition_id):
    """A sender arms whatever it may, with a notice, and is gone."""
    with database.writing() as session:
        arming, _ = begin(session)
        armed = arm(session, arming, edition_id)
        return readers_of(armed), len(claims.arm_notices(session, arming, limit=9))


def test_what_was_under_way_in_five_deaths_is_held_and_told(database, settings):
    edition_id = start_sending(database, settings, ["KZ"])
    with database.writing() as session:
        notices.enqueue(session, NoticeKind.WELCOME, 1, now=NOW)

    assert [die(database, edition_id) for _ in range(MOST_TRIES)] == [([1], 1)] * 5
    assert die(database, edition_id) == ([], 0)

    died = "the sender died while this was under way, after 5 tries"
    with database.writing() as session:
        (row,), (notice,) = deliveries_of(session, edition_id), notices_of(session)
        for each, state in ((row, "held"), (notice, "failed")):
            assert (each.state, each.detail, each.flagged, each.owner) == (state, died, True, None)
            assert (each.attempt, each.due_at) == (5, None)
        assert not claims.is_notice_due(session, now=NOW + timedelta(days=30))
        assert not deliveries.has_open(session, edition_id)
        assert deliveries.finish(session, editions.get(session, NOVEMBER), now=NOW)


def send_until_one_goes_alone(database, edition_id):
    """A sender sends whatever it may, until it dies of one that goes alone; who it was, if there is one."""
    with database.writing() as session:
        arming, _ = begin(session)
        while (armed := arm(session, arming, edition_id)).deliveries:
            if armed.is_alone:
                return readers_of(armed)
            is_armed = Delivery.state == "armed"
            session.execute(update(Delivery).where(is_armed).values(state="sent", owner=None))
    return []


def test_who_comes_behind_one_that_kills_is_sent_to_when_it_is_held(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4)
    with database.writing() as session:
        is_killer = Delivery.subscriber_id == 3
        session.execute(update(Delivery).where(is_killer).values(attempt=2, flagged=True))

    assert [send_until_one_goes_alone(database, edition_id) for _ in range(4)] == [[3], [3], [3], []]
    with database.reading() as session:
        rows = deliveries_of(session, edition_id)
    assert [row.state for row in rows] == ["sent", "sent", "held", "sent"]
    assert [row.attempt for row in rows] == [1, 1, 5, 1]


def test_what_is_held_may_go_out_again_and_is_armed_anew(database, settings):
    edition_id = start_sending(database, settings, ["KZ"])
    for _ in range(MOST_TRIES + 1):
        die(database, edition_id)
    with database.writing() as session:
        assert deliveries.send_held_again(session, NOVEMBER, now=NOW) == 1
    with database.writing() as session:
        arming, _ = begin(session)
        due = claims.arm_due(session, arming, edition_id, has_news=everybody, limit=9)
        assert [each.claim.attempt for each in due.deliveries] == [1]


def test_the_senders_at_work_are_those_that_ticked_lately_and_send_editions(database):
    def at_work(later):
        with database.reading() as session:
            return runs.at_work(session, now=NOW + timedelta(seconds=later))

    assert at_work(0) == 1
    with database.writing() as session:
        runs.begin(session, NOTICES, now=NOW)
    assert at_work(0) == 1
    with database.writing() as session:
        first = runs.begin(session, FIRST_PART, now=NOW)
        second = runs.begin(session, SECOND_PART, now=NOW)
        third = runs.begin(session, replace(FIRST_PART, edition_id=2), now=NOW)
    assert at_work(0) == 3
    with database.writing() as session:
        runs.tick(session, first, seen=0, now=NOW + timedelta(seconds=10))
        runs.tick(session, second, seen=0, now=NOW + timedelta(seconds=5))
        runs.end(session, third, now=NOW)
    assert [at_work(seconds) for seconds in (14, 19, 20, 24, 25, 60)] == [2, 2, 1, 1, 1, 1]
