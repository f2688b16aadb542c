"""Statements that go past SQLAlchemy: they do the same on either database, and their errors are told the same way."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, delete, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from newsletter.errors import StorageUnavailable
from newsletter.storage import database as database_module
from newsletter.storage.database import Database
from newsletter.storage.prepared import Prepared, any_of
from newsletter.storage.tables import Base, Delivery

_DELIVERY = Base.metadata.tables["delivery"]
_REGION = Base.metadata.tables["region"]

FIND = Prepared(
    select(_DELIVERY.c.subscriber_id, _DELIVERY.c.state, _DELIVERY.c.flagged, _DELIVERY.c.due_at)
    .where(_DELIVERY.c.edition_id == 1, _DELIVERY.c.subscriber_id > bindparam("after"))
    .order_by(_DELIVERY.c.subscriber_id)
    .limit(bindparam("most"))
)
COUNT = Prepared(select(func.count()).select_from(_DELIVERY).where(_DELIVERY.c.state == bindparam("in_state")))
AMONG = Prepared(
    select(_DELIVERY.c.subscriber_id)
    .where(any_of(_DELIVERY.c.detail, "words"), _DELIVERY.c.subscriber_id < bindparam("before"))
    .order_by(_DELIVERY.c.subscriber_id)
)
CHANGE = Prepared(
    update(_DELIVERY)
    .where(_DELIVERY.c.edition_id == 1, _DELIVERY.c.subscriber_id == bindparam("reader"))
    .values(
        state=bindparam("new_state"),
        attempt=_DELIVERY.c.attempt + 2,
        flagged=or_(_DELIVERY.c.flagged, bindparam("new_flagged")),
        due_at=bindparam("new_due_at"),
        detail="told",
    )
)
STATE = Prepared(
    update(_DELIVERY).where(_DELIVERY.c.subscriber_id <= bindparam("last")).values(state=bindparam("new_state"))
)
RENAME = Prepared(update(_REGION).where(_REGION.c.code == bindparam("of")).values(name=bindparam("new_name")))
WRONG = Prepared(select(text("nothing")).select_from(text("gone")))


@pytest.fixture
def rows(database):
    """A database with an edition and five deliveries, whose details are the letters a to e."""
    with database.writing() as session:
        session.execute(
            text("INSERT INTO edition (id, month, state, created_at) VALUES (1, '2022-11', 'sending', '2022-12-01')")
        )
        values = [
            {"edition_id": 1, "subscriber_id": number, "state": "pending", "attempt": 0, "flagged": number == 5}
            | {"detail": letter}
            for number, letter in enumerate("abcde", 1)
        ]
        session.execute(insert(Delivery), values)
    return database


def found(database, **values):
    with database.reading() as session:
        return FIND.rows(session, **values)


def test_rows_are_found_by_values_that_are_bound(rows):
    assert found(rows, after=3, most=9) == [(4, "pending", False, None), (5, "pending", True, None)]
    assert [reader for reader, *_ in found(rows, after=0, most=2)] == [1, 2]
    assert found(rows, after=5, most=9) == []


def test_the_first_value_is_that_of_the_first_row(rows):
    with rows.reading() as session:
        assert COUNT.first(session, in_state="pending") == 5
        assert COUNT.first(session, in_state="sent") == 0
        assert FIND.first(session, after=3, most=9) == 4
        assert FIND.first(session, after=5, most=9) is None


@pytest.mark.parametrize(
    ("words", "readers"),
    [
        pytest.param([], [], id="none"),
        pytest.param(["c"], [3], id="one"),
        pytest.param(["e", "b", "a", "b", "z"], [1, 2], id="some, within the other condition"),
        pytest.param([f"word {number}" for number in range(40_000)] + ["d"], [4], id="more than may be bound"),
        pytest.param(['"', "'", "\\", "%s", "{", "ü", "a,b"], [], id="what means something elsewhere"),
    ],
)
def test_any_of_a_list_of_whatever_length(rows, words, readers):
    with rows.reading() as session:
        assert AMONG.rows(session, words=words, before=5) == [(reader,) for reader in readers]


def test_words_of_a_list_are_bound_as_they_are(rows):
    odd = ["'; --", '"]', "ü\n", "%(x)s", "a,b", "{}"]
    with rows.writing() as session:
        for reader, word in enumerate(odd[:5], 1):
            session.execute(update(Delivery).where(Delivery.subscriber_id == reader).values(detail=word))
    for reader, word in enumerate(odd[:5], 1):
        with rows.reading() as session:
            assert AMONG.rows(session, words=[word], before=9) == [(reader,)]


def test_a_change_is_made_with_what_is_bound_and_what_the_statement_holds(rows):
    with rows.writing() as session:
        assert CHANGE.change(session, reader=2, new_state="deferred", new_flagged=True, new_due_at=77) == 1
        assert CHANGE.change(session, reader=5, new_state="sent", new_flagged=False, new_due_at=None) == 1
        assert CHANGE.change(session, reader=9, new_state="sent", new_flagged=False, new_due_at=None) == 0
        assert STATE.change(session, last=1, new_state="failed") == 1

    assert found(rows, after=0, most=9) == [
        (1, "failed", False, None),
        (2, "deferred", True, 77),
        (3, "pending", False, None),
        (4, "pending", False, None),
        (5, "sent", True, None),
    ]
    with rows.reading() as session:
        assert (session.get_one(Delivery, (1, 2)).attempt, session.get_one(Delivery, (1, 2)).detail) == (2, "told")


def test_a_change_of_several_rows_counts_them_all(rows):
    with rows.writing() as session:
        assert STATE.change(session, last=4, new_state="sent") == 4


def test_many_changes_count_the_rows_that_were_changed(rows):
    each = {"new_state": "sent", "new_flagged": False, "new_due_at": None}
    with rows.writing() as session:
        assert CHANGE.change_many(session, [each | {"reader": reader} for reader in (1, 9, 3, 4)]) == 3
        assert CHANGE.change_many(session, [each | {"reader": 9}]) == 0
        assert CHANGE.change_many(session, []) == 0
        assert STATE.change_many(session, [{"last": 2, "new_state": "held"}, {"last": 1, "new_state": "failed"}]) == 3

    assert [state for _, state, *_ in found(rows, after=0, most=9)] == ["failed", "held", "sent", "sent", "pending"]


def test_what_it_writes_is_of_the_sessions_transaction(rows):
    with rows.writing() as session:
        session.execute(delete(Delivery).where(Delivery.subscriber_id == 1))
        assert [reader for reader, *_ in FIND.rows(session, after=0, most=1)] == [2]
        STATE.change(session, last=9, new_state="sent")
        assert session.scalars(select(Delivery.state).distinct()).all() == ["sent"]
        session.rollback()

    assert {state for _, state, *_ in found(rows, after=0, most=9)} == {"pending"}
    assert len(found(rows, after=0, most=9)) == 5


def test_one_statement_serves_databases_of_either_kind(sqlite, postgresql):
    for each in (sqlite, postgresql, sqlite):
        with each.reading() as session:
            assert COUNT.first(session, in_state="pending") == 0


def test_a_rule_that_is_broken_is_told_as_such_and_without_the_values(database):
    with database.reading() as session:
        codes = session.scalars(select(_REGION.c.code).order_by(_REGION.c.code).limit(2)).all()
    both = [{"of": code, "new_name": "ada@example.org"} for code in codes]
    with pytest.raises(IntegrityError) as refused, database.writing() as session:
        RENAME.change_many(session, both)

    assert "parameters" not in str(refused.value)
    if database.path is not None:  # PostgreSQL's own words name the key
        assert "ada@" not in str(refused.value)


def test_a_wrong_statement_is_not_taken_for_a_database_that_is_away(postgresql):
    with pytest.raises(ProgrammingError, match="gone"), postgresql.writing() as session:
        WRONG.rows(session)


def test_a_lock_that_is_not_free_in_time_is_told_as_a_database_that_is_away(rows, monkeypatch):
    monkeypatch.setattr(database_module, "BUSY_MILLISECONDS", 20)
    impatient = Database(rows.url)

    def change():
        # On SQLite a transaction that said that it only reads: one that writes waits at its beginning.
        begun = impatient.reading() if rows.path is not None else impatient.writing()
        with begun as session:
            if rows.path is None:
                session.execute(text("SET LOCAL lock_timeout = '20ms'"))
            STATE.change(session, last=9, new_state="sent")

    with rows.writing() as writer:
        STATE.change(writer, last=9, new_state="failed")
        with pytest.raises(StorageUnavailable, match=r"database is locked|lock timeout"):
            change()
    with impatient.writing() as session:
        assert STATE.change(session, last=9, new_state="sent") == 5
    impatient.close()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda session: FIND.rows(session, after=0, most=1), id="rows"),
        pytest.param(lambda session: STATE.change(session, last=9, new_state="sent"), id="change"),
    ],
)
def test_a_connection_that_was_cut_off_is_told_and_the_next_transaction_works_again(postgresql, act):
    def be_cut_off():
        with postgresql.writing() as session:
            cut_off(postgresql, [session.scalar(text("SELECT pg_backend_pid()"))])
            act(session)

    with pytest.raises(StorageUnavailable):
        be_cut_off()
    with postgresql.writing() as session:
        assert COUNT.first(session, in_state="pending") == 0


def test_a_server_that_was_restarted_costs_one_transaction(postgresql):
    with postgresql.reading() as one, postgresql.reading() as other:  # two connections wait in the pool then
        pids = [session.scalar(text("SELECT pg_backend_pid()")) for session in (one, other)]
    cut_off(postgresql, pids)

    with pytest.raises(StorageUnavailable), postgresql.writing() as session:
        COUNT.first(session, in_state="pending")
    for _ in range(2):
        with postgresql.writing() as session:
            assert COUNT.first(session, in_state="pending") == 0


def cut_off(database, pids):
    """End these connections, and wait until the server has."""
    other = Database(database.url)
    with other.writing() as session:
        for pid in pids:
            assert session.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
    other.close()
