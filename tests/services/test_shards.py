"""An edition cut into shards: every reader in one of them, and a job for each; which ones have anything to do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from newsletter.services import deliveries, runs, shards
from newsletter.services.deliveries import Terms
from newsletter.storage import job_queue
from newsletter.storage.tables import Delivery, Edition, Shard
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, arm, begin, start_sending

SECOND = int(NOW.timestamp())
LAST = runs.LAST


@pytest.fixture(autouse=True)
def no_jobs(postgresql):
    """The jobs of other tests are gone: they are in no table of ours."""
    with postgresql.engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate.procrastinate_jobs"))


@pytest.fixture
def edition_id(postgresql, settings):
    """November's edition on its way to readers 1 to 10, in shards of four, without jobs."""
    found = start_sending(postgresql, settings, ["KZ"] * 10)
    with postgresql.writing() as session:
        session.execute(delete(Shard))
        session.execute(text("DELETE FROM procrastinate.procrastinate_jobs"))
        shards.cut(session, found, readers=4)
    return found


def ranges(database, edition_id):
    with database.reading() as session:
        return [(shard.first_id, shard.last_id) for shard in shards.of(session, edition_id)]


def waiting(database):
    with database.reading() as session:
        return job_queue.waiting(session)


def with_work(database, edition_id, *, now=NOW):
    with database.reading() as session:
        return shards.with_work(session, edition_id, now=now)


def settle(database, *, first=0, last=LAST, **values):
    """Write to the deliveries of some readers."""
    with database.writing() as session:
        of_readers = Delivery.subscriber_id.between(first, last)
        session.execute(update(Delivery).where(of_readers).values(**{"state": "sent", "due_at": None} | values))


@pytest.mark.parametrize(
    ("readers", "most", "expected"),
    [
        pytest.param(4, 64, [(0, 4), (5, 7), (8, LAST)], id="of nearly the same size"),
        pytest.param(5, 64, [(0, 5), (6, LAST)], id="just as many as fit"),
        pytest.param(100, 64, [(0, LAST)], id="one, if they are few"),
        pytest.param(1, 2, [(0, 5), (6, LAST)], id="never more than the most, and larger instead"),
    ],
)
def test_every_reader_is_in_one_shard(postgresql, edition_id, readers, most, expected):
    with postgresql.writing() as session:
        session.execute(delete(Shard))
        made = shards.cut(session, edition_id, readers=readers, most=most)
        assert [(shard.first_id, shard.last_id) for shard in made] == expected

    assert ranges(postgresql, edition_id) == expected


def test_gaps_among_the_readers_are_in_a_shard_too(postgresql, edition_id):
    with postgresql.writing() as session:
        session.execute(delete(Shard))
        session.execute(delete(Delivery).where(Delivery.subscriber_id.in_([1, 5, 6])))
        shards.cut(session, edition_id, readers=4)

    assert ranges(postgresql, edition_id) == [(0, 7), (8, LAST)]


def test_an_edition_without_readers_is_one_shard(postgresql, settings):
    assert ranges(postgresql, start_sending(postgresql, settings, [])) == [(0, LAST)]


def test_starting_writes_a_job_for_each_shard_with_the_edition(postgresql, settings, monkeypatch):
    found = start_sending(postgresql, settings, ["KZ"] * 3)

    assert ranges(postgresql, found) == [(0, LAST)]
    assert waiting(postgresql) == {f"send_shard {found} 0 {LAST}"}


def test_one_that_is_resumed_is_handed_out_again(postgresql, edition_id):
    with postgresql.writing() as session:
        deliveries.pause(session, NOVEMBER)
        deliveries.resume(session, NOVEMBER, now=NOW)

    assert len(waiting(postgresql)) == 3


def test_what_was_held_is_handed_out_when_an_admin_lets_it_go_out(postgresql, edition_id):
    settle(postgresql, first=6, last=6, state="held")
    with postgresql.writing() as session:
        deliveries.give_up_held(session, NOVEMBER, now=NOW)
    assert waiting(postgresql) == set()

    settle(postgresql, first=6, last=6, state="held")
    with postgresql.writing() as session:
        deliveries.send_held_again(session, NOVEMBER, now=NOW)
    assert len(waiting(postgresql)) == 3


def test_nothing_is_cut_on_sqlite(sqlite, settings):
    with sqlite.reading() as session:
        assert shards.of(session, start_sending(sqlite, settings, ["KZ"])) == []


def test_a_shard_has_work_until_all_its_readers_are_done_with(postgresql, edition_id):
    assert with_work(postgresql, edition_id) == {0, 5, 8}

    settle(postgresql, first=5, last=7)
    assert with_work(postgresql, edition_id) == {0, 8}
    with postgresql.reading() as session:
        assert shards.with_work(session, edition_id, now=NOW, first=8) == {8}
        assert shards.with_work(session, edition_id, now=NOW, first=5) == set()


def test_what_waits_for_a_time_is_work_once_that_has_come(postgresql, edition_id):
    settle(postgresql)
    settle(postgresql, first=6, last=6, state="deferred", due_at=SECOND + 600)
    settle(postgresql, first=9, last=9, state="pending", due_at=SECOND + 60)

    assert with_work(postgresql, edition_id) == set()
    assert with_work(postgresql, edition_id, now=NOW + timedelta(minutes=1)) == {8}
    assert with_work(postgresql, edition_id, now=NOW + timedelta(minutes=10)) == {5, 8}


def test_what_a_sender_left_armed_is_work(postgresql, edition_id):
    with postgresql.writing() as session:
        arming, _ = begin(session, runs.Scope(notices=False, edition_id=edition_id, first=5, last=7))
        arm(session, arming, edition_id)

    assert 5 in with_work(postgresql, edition_id)


def test_who_is_not_in_the_first_wave_is_no_work_yet(postgresql, edition_id):
    with postgresql.writing() as session:
        session.get_one(Edition, edition_id).first_wave = 6
    settle(postgresql, last=6)
    assert with_work(postgresql, edition_id) == set()

    with postgresql.writing() as session:
        session.get_one(Edition, edition_id).first_wave = None
    assert with_work(postgresql, edition_id) == {5, 8}


@pytest.mark.parametrize("state", ["paused", "cancelled", "sent"])
def test_an_edition_that_is_not_being_sent_has_no_work(postgresql, edition_id, state):
    with postgresql.writing() as session:
        session.get_one(Edition, edition_id).state = state

    assert with_work(postgresql, edition_id) == set()


def test_the_terms_of_a_first_wave_are_kept_with_shards(postgresql, settings):
    found = start_sending(postgresql, settings, ["KZ"] * 10, terms=Terms(canary=20))

    with postgresql.reading() as session:
        assert session.scalar(select(Edition.first_wave)) == 2
    assert ranges(postgresql, found) == [(0, LAST)]
