"""An address whose owner never answered is not kept; the history of who once agreed is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.services import preferences, retention, signup
from newsletter.storage.tables import Consent, Notice, Subscriber, Subscription
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, add_readers, at_once, dump

ADA = Address.parse("ada@example.org")
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def ask(database, *, at=NOW, address=ADA, subject="KZ"):
    with database.writing() as session:
        signup.request(session, address, [subject], origin=ORIGIN, tokens=TOKENS, now=at)


def confirm(database, *, at=NOW):
    with database.writing() as session:
        signup.confirm(session, 1, origin=ORIGIN, now=at)


def leave(database, *, at=NOW):
    with database.writing() as session:
        preferences.end(session, session.get_one(Subscriber, 1), "unsubscribed", origin=ORIGIN, now=at)


def purge(database, *, at):
    with database.reading() as session:
        is_due = retention.is_purge_due(session, now=at)
    with database.writing() as session:
        count = retention.purge_pending(session, at)
    assert is_due == bool(count)
    return count


def test_who_never_confirmed_is_forgotten_with_all_that_belongs_to_them(database):
    before = dump(database)
    ask(database)

    assert purge(database, at=NOW + 7 * DAY) == 0
    assert purge(database, at=NOW + 7 * DAY + SECOND) == 1
    assert dump(database) == before
    assert purge(database, at=NOW + 8 * DAY) == 0


def test_a_link_that_is_still_good_is_not_taken_away(database):
    ask(database)
    ask(database, at=NOW + 6 * DAY)

    assert purge(database, at=NOW + 13 * DAY) == 0
    assert purge(database, at=NOW + 13 * DAY + SECOND) == 1


def test_asking_on_and_on_neither_keeps_an_address_nor_its_owner_out(database):
    for days in range(9):
        ask(database, at=NOW + days * DAY, subject=("KZ", "SD")[days % 2])
    assert purge(database, at=NOW + 9 * DAY + SECOND) == 1  # the third and last question went out on day 2

    ask(database, at=NOW + 10 * DAY)

    with database.reading() as session:
        assert session.scalars(select(Notice.kind)).all() == ["confirmation"]


def test_who_had_left_and_does_not_confirm_has_left_again(database):
    ask(database)
    confirm(database)
    leave(database, at=NOW + DAY)
    ask(database, at=NOW + 30 * DAY, subject="SD")
    with database.reading() as session:
        acts = session.scalars(select(Consent.act)).all()

    assert purge(database, at=NOW + 37 * DAY) == 0
    later = NOW + 37 * DAY + SECOND
    assert purge(database, at=later) == 1
    assert purge(database, at=later + DAY) == 0

    with database.reading() as session:
        found = session.scalars(select(Subscriber)).one()
        assert (found.state, found.confirmed_at, found.ended_at) == ("ended", NOW, later)
        history = session.execute(select(Subscription.ended_at, Subscription.reason).order_by(Subscription.id)).all()
        assert history == [(NOW + DAY, "unsubscribed"), (later, "not confirmed")]
        assert session.scalars(select(Consent.act)).all() == acts


def test_a_question_that_was_held_back_still_has_its_time(database):
    ask(database)
    confirm(database)
    leave(database, at=NOW + 30 * DAY)
    with database.writing() as session:
        session.get_one(Subscriber, 1).state = "pending"

    assert purge(database, at=NOW + 37 * DAY) == 0


@pytest.mark.parametrize("leaves", [False, True], ids=["active", "ended"])
def test_nobody_else_is_touched(database, leaves):
    ask(database)
    confirm(database)
    if leaves:
        leave(database)
    before = dump(database)

    assert purge(database, at=NOW + 400 * DAY) == 0
    assert dump(database) == before


def test_a_flood_is_forgotten_in_parts(database, monkeypatch):
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    add_readers(database, ["KZ"])
    for number in range(3):
        ask(database, address=Address.parse(f"nobody{number}@example.org"))

    assert [purge(database, at=NOW + 8 * DAY) for _ in range(3)] == [2, 1, 0]
    with database.reading() as session:
        assert session.scalars(select(Subscriber.state)).all() == ["active"]


def test_who_asks_again_while_they_are_forgotten_is_asked(database):
    later = NOW + 8 * DAY
    for round_ in range(10):
        address = Address.parse(f"ada{round_}@example.org")
        ask(database, address=address)
        acts = [lambda at: purge_only(database, at), lambda at, address=address: ask(database, at=at, address=address)]
        at_once(2, lambda acts=acts: acts.pop()(later))

        with database.reading() as session:
            query = select(Notice.created_at).join(Subscriber, Subscriber.id == Notice.subscriber_id)
            assert later in session.scalars(query.where(Subscriber.address_key == address.key)).all()


def purge_only(database, at):
    with database.writing() as session:
        retention.purge_pending(session, at)
