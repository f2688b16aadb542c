"""T14: nothing is sent from a database that may be older than what was sent from it, until an admin says so."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, delete, insert, make_url, select, text, update

from newsletter.domain.states import EditionState
from newsletter.jobs.sender import Sender
from newsletter.jobs.witness import FOLDER
from newsletter.services import editions, guard, runs
from newsletter.services.guard import Witness
from newsletter.storage import migrating
from newsletter.storage.database import Database
from newsletter.storage.home import home
from newsletter.storage.tables import Base, Delivery, SenderRun, SendingGuard
from tests.conftest import NOW
from tests.relay import Relay
from tests.services.stock import NOVEMBER, deliveries_of, start_sending

OURS = "this database"
SECOND = int(NOW.timestamp())
LATER = NOW + timedelta(hours=1)
DAY = timedelta(days=1)
READERS = 60
BACKED_UP = 10  #: messages after which the backup is taken
SENT_ON = 40  #: and after which it is put back


@pytest.fixture
def relay():
    """Takes about 100 messages a second over two connections."""
    with Relay(delay=0.02) as running:
        yield running


@pytest.fixture
def sending(make_settings, relay):
    """The settings of a sender to the relay."""
    return make_settings(smtp_url=relay.url, connections="2", mx_lookup="off")


class SqliteBackup:
    """A copy of the file, made while the sender writes to it."""

    def __init__(self, database: Database) -> None:
        self._path = database.path
        self._copy = database.path.with_name("backup.db")
        with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(self._copy)) as copy:
            source.backup(copy)

    def restore(self, database: Database, way: str) -> Database:
        database.close()
        for end in ("-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)
        if way == "as another file":
            self._copy.replace(self._path)
            return Database(database.url)
        if way == "after the file was removed":
            self._path.unlink()
        shutil.copyfile(self._copy, self._path)
        return Database(database.url)


class PostgresqlBackup:
    """Rows and sequences, as a dump has them; and a database made from this one, whose number is another."""

    def __init__(self, database: Database) -> None:
        self.name = make_url(database.url).database + "_copy"
        database.close()
        on_server(database, f"CREATE DATABASE {self.name} TEMPLATE {make_url(database.url).database}")
        with database.engine.connect() as connection:
            self._rows = {
                table: [row._asdict() for row in connection.execute(select(table))]
                for table in Base.metadata.sorted_tables
            }
            sequences = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()"
            self._sequences = connection.execute(text(sequences)).all()

    def restore(self, database: Database, way: str) -> Database:
        if way == "as another database":
            return Database(make_url(database.url).set(database=self.name).render_as_string(hide_password=False))
        with database.engine.begin() as connection:
            for table in reversed(self._rows):
                connection.execute(delete(table))
            for table, rows in self._rows.items():
                if rows:
                    connection.execute(insert(table), rows)
            for name, value in self._sequences:
                connection.execute(
                    text("SELECT setval(:name, coalesce(:value, 1), :called)"),
                    {"name": name, "value": value, "called": value is not None},
                )
        return database


def on_server(database: Database, statement: str) -> None:
    url = make_url(database.url).set(database="postgres")
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(statement))
    server.dispose()


@pytest.fixture
def back_up():
    """Makes a backup of a database of either kind."""
    made = []

    def make(database):
        backup = SqliteBackup(database) if database.path else PostgresqlBackup(database)
        made.append((database, backup))
        return backup

    yield make
    for database, backup in made:
        if isinstance(backup, PostgresqlBackup):
            on_server(database, f"DROP DATABASE {backup.name} WITH (FORCE)")


def run(database, settings, is_over, *, now=NOW):
    """A sender's life, which ends when `is_over`, or soon when nothing may be sent; the sender."""
    sender = Sender(database, settings, clock=lambda: now)
    halted = 0

    def ends():
        nonlocal halted
        halted += sender.halted is not None
        return halted > 3 or is_over()

    sender.run(ends)
    return sender


def is_sent(database):
    with database.reading() as session:
        return editions.get(session, NOVEMBER).state == EditionState.SENT


def rows_of(database):
    with database.reading() as session:
        return deliveries_of(session, editions.get(session, NOVEMBER).id)


def accept(database, now):
    with database.writing() as session:
        return guard.accept(session, home=home(database, session), now=now)


WAYS = [
    ("sqlite", "over the same file", "is older than what was sent from it at 2022-12-01 09:00 UTC"),
    ("sqlite", "as another file", "is in another place"),
    ("sqlite", "after the file was removed", "is (older|in another place)"),
    ("postgresql", "into the same database", "is older than what was sent from it at 2022-12-01 09:00 UTC"),
    ("postgresql", "as another database", "is in another place"),
]


@pytest.mark.parametrize("case", [pytest.param(each, id=each[1]) for each in WAYS])
def test_a_backup_that_is_restored_sends_nothing_until_an_admin_says_so(request, sending, relay, back_up, case):
    kind, way, reason = case
    database = request.getfixturevalue(kind)
    start_sending(database, sending, ["KZ"] * READERS)
    backup = None

    def is_sent_on():
        nonlocal backup
        if backup is None and len(relay.taken()) >= BACKED_UP:
            backup = back_up(database)
        return len(relay.taken()) >= SENT_ON

    run(database, sending, is_sent_on)
    went_out = [taken.rcpt_to for taken in relay.taken()]
    restored = backup.restore(database, way)
    sender = Sender(restored, sending, clock=lambda: LATER)
    looks = 0

    def is_over():
        nonlocal looks
        looks += 1
        if looks == 4:
            assert re.fullmatch(f"This database {reason}.* say so with 'newsletter db accept'.", sender.halted)
            assert len(relay.taken()) == len(went_out)
            assert {row.state for row in rows_of(restored)} == {"sent", "pending"}
            assert accept(restored, LATER)
            assert {row.flagged for row in rows_of(restored) if row.state == "pending"} == {True}
        return is_sent(restored)

    sender.run(is_over)

    assert sender.halted is None
    rows = rows_of(restored)
    assert {row.state for row in rows} == {"sent"}
    copies = Counter(taken.rcpt_to for taken in relay.taken())
    assert len(copies) == READERS
    assert max(copies.values()) == 2
    doubled = {address for address, count in copies.items() if count > 1}
    flagged = {f"reader{row.subscriber_id}@example.org" for row in rows if row.flagged}
    assert set() < doubled <= flagged & set(went_out)
    assert run(restored, sending, lambda: True, now=LATER + DAY).halted is None
    restored.close()


def test_an_ordinary_restart_is_no_reason_to_stop(database, sending, relay):
    start_sending(database, sending, ["KZ"] * 40)
    for count in (5, 10, 15):
        assert run(database, sending, has_taken(relay, count)).halted is None
    with pytest.raises(EOFError):  # the next one dies
        run(database, sending, lambda: has_taken(relay, 20)() and _die())

    late = NOW + DAY - timedelta(hours=1)
    assert run(database, sending, lambda: is_sent(database), now=late).halted is None
    assert len({taken.rcpt_to for taken in relay.taken()}) == 40


def has_taken(relay, count):
    return lambda: len(relay.taken()) >= count


def _die():
    raise EOFError


def test_a_database_that_was_renamed_is_the_same(sqlite, sending, relay):
    start_sending(sqlite, sending, ["KZ"] * 5)
    run(sqlite, sending, has_taken(relay, 1))
    sqlite.close()
    moved = sqlite.path.rename(sqlite.path.with_name("renamed.db"))
    renamed = Database(f"sqlite:///{moved}")

    assert run(renamed, sending, lambda: is_sent(renamed), now=LATER).halted is None
    renamed.close()


GARBAGE = [
    pytest.param("", id="empty"),
    pytest.param("\0" * 512, id="zeros"),
    pytest.param('{"home": "%s", "run": 1, "ti', id="cut"),
    pytest.param("[1, 2]", id="a list"),
    pytest.param("null", id="nothing"),
    pytest.param("7", id="a number"),
    pytest.param('{"home": "%s"}', id="not all of it"),
    pytest.param('{"home": "%s", "run": 1, "ticks": 99, "at": "soon"}', id="words for a time"),
    pytest.param('{"home": "%s", "run": 1, "ticks": "many", "at": 9999999999}', id="words for a number"),
    pytest.param('{"home": "%s", "run": [1], "ticks": 99, "at": 9999999999}', id="a list for a run"),
    pytest.param('{"home": "%s", "run": null, "ticks": null, "at": null}', id="nulls"),
    pytest.param('{"home": "%s", "run": 1, "ticks": 99, "at": 1e999}', id="the end of time"),
    pytest.param("\u00fc", id="not ASCII"),
]


@pytest.mark.parametrize("content", GARBAGE)
def test_a_witness_that_is_garbage_is_no_reason_to_stop(sqlite, sending, relay, content):
    start_sending(sqlite, sending, ["KZ"] * 3)
    with sqlite.writing() as session:
        known = home(sqlite, session)
    folder = sending.instance / FOLDER
    folder.mkdir()
    (folder / "edition-1-from-0.json").write_text(content.replace("%s", known), encoding="utf-8")

    assert run(sqlite, sending, lambda: is_sent(sqlite)).halted is None
    assert len(relay.taken()) == 3


def check(database, *, witnesses=(), place="here", within=DAY, now=NOW):
    with database.writing() as session:
        return guard.check(session, home=place, witnesses=witnesses, within=within, now=now)


def test_at_first_and_in_the_same_place_nothing_stands_in_the_way(database):
    assert check(database) is None
    assert check(database) is None
    with database.reading() as session:
        assert guard.halted(session) is None
        assert session.get_one(SendingGuard, 1).home == "here"


def test_what_stands_in_the_way_stays_until_an_admin_accepts_it(database):
    assert check(database) is None
    reason = check(database, place="there", now=LATER)

    assert reason is not None
    assert check(database, place="here", now=LATER + DAY) == reason
    with database.reading() as session:
        assert guard.halted(session) == reason
        assert session.get_one(SendingGuard, 1).halted_at == LATER
    with database.writing() as session:
        assert guard.accept(session, home="there", now=LATER + DAY)
        assert not guard.accept(session, home="there", now=LATER + DAY)
    with database.reading() as session:
        assert guard.halted(session) is None
    assert check(database, place="there", now=LATER + DAY) is None


#: a witness of this place -> whether it has seen what the database doesn't know: three runs, the last with five ticks.
_SEEN = [
    pytest.param(Witness(OURS, 3, 5, SECOND), False, id="all that there is"),
    pytest.param(Witness(OURS, 3, 4, SECOND), False, id="less"),
    pytest.param(Witness(OURS, 3, 6, SECOND), True, id="a later tick"),
    pytest.param(Witness(OURS, 4, 1, SECOND), True, id="a later run"),
    pytest.param(Witness(OURS, 2, 99, SECOND), True, id="a later tick of an earlier run"),
    pytest.param(Witness(OURS, 1, 99, SECOND), False, id="a run that was forgotten"),
    pytest.param(Witness("another", 4, 99, SECOND), False, id="another database"),
]


@pytest.mark.parametrize(("witness", "is_behind"), _SEEN)
def test_a_witness_tells_what_the_database_has_forgotten(database, witness, is_behind):
    assert check(database) is None
    with database.writing() as session:
        session.get_one(SendingGuard, 1).timeline = OURS
        for _ in range(3):
            owner = runs.begin(session, runs.EVERYTHING, now=NOW)
        session.execute(update(SenderRun).where(SenderRun.id == owner).values(ticks=5))
        session.execute(delete(SenderRun).where(SenderRun.id == 1))

    reason = check(database, witnesses=[Witness(OURS, 3, 5, SECOND), witness])
    assert (reason is not None) is is_behind
    if reason is not None:
        assert reason.startswith("This database is older than what was sent from it at 2022-12-01 09:00 UTC: it is")


@pytest.mark.parametrize("now", [pytest.param(LATER, id="later"), pytest.param(NOW - DAY, id="by a clock set back")])
def test_what_a_witness_saw_before_the_database_was_accepted_counts_no_more(database, now):
    with database.reading() as session:
        before = Witness(guard.timeline(session), 9, 9, SECOND)
    assert check(database, witnesses=[before]) is not None
    with database.writing() as session:
        guard.accept(session, home="here", now=now)
        after = Witness(guard.timeline(session), 9, 9, SECOND)

    assert check(database, witnesses=[before], now=LATER + DAY) is None
    assert check(database, witnesses=[after], now=LATER + DAY) is not None


def test_a_new_database_in_the_folder_of_an_old_one_is_no_backup(sqlite, sending, relay):
    start_sending(sqlite, sending, ["KZ"])
    assert run(sqlite, sending, lambda: is_sent(sqlite)).halted is None
    sqlite.close()
    for path in sending.instance.glob("*.db*"):
        path.unlink()
    migrating.upgrade(sqlite)
    start_sending(sqlite, sending, ["KZ"])

    assert run(sqlite, sending, lambda: is_sent(sqlite)).halted is None
    assert len(relay.taken()) == 2


_STILL = "An edition is being sent, and nothing was recorded since {}: this may be a restored backup"


@pytest.mark.parametrize(
    ("case", "since"),
    [
        pytest.param({"started": 0, "ticked": 5}, "09:05", id="the last tick"),
        pytest.param({"started": 5, "ticked": 0}, "09:05", id="the start of the edition"),
        pytest.param({"started": 0}, "09:00", id="the start, if nothing was ever sent"),
        pytest.param({"started": 0, "ticked": 1, "accepted": 5}, "09:05", id="an admin's word"),
        pytest.param({"started": 0, "ticked": 1, "resumed": 5}, "09:05", id="when it was resumed"),
    ],
)
def test_an_edition_that_stood_still_for_too_long_waits_for_an_admin(database, settings, case, since):
    at = {name: NOW + timedelta(minutes=minutes) for name, minutes in case.items()}
    start_sending(database, settings, ["KZ"])
    with database.writing() as session:
        edition = editions.get(session, NOVEMBER)
        edition.send_started_at, edition.resumed_at = at["started"], at.get("resumed")
        if "ticked" in at:
            owner = runs.begin(session, runs.EVERYTHING, now=NOW)
            runs.tick(session, owner, seen=0, now=at["ticked"])
        session.merge(SendingGuard(id=1, home="here", accepted_at=at.get("accepted")))

    last, within = max(at.values()), timedelta(hours=2)
    assert check(database, within=within, now=last + within) is None
    reason = check(database, within=within, now=last + within + timedelta(seconds=1))
    assert reason is not None
    assert reason.startswith(_STILL.format(f"2022-12-01 {since} UTC"))


@pytest.mark.parametrize("state", [each for each in EditionState if each is not EditionState.SENDING])
def test_where_no_edition_is_being_sent_nothing_stands_still(database, settings, state):
    start_sending(database, settings, ["KZ"])
    with database.writing() as session:
        editions.get(session, NOVEMBER).state = state.value

    assert check(database, now=NOW + 100 * DAY) is None


def test_a_sender_that_stood_still_for_too_long_sends_nothing(database, sending, relay):
    start_sending(database, sending, ["KZ"] * 3)
    late = NOW + timedelta(hours=sending.resume_within, seconds=1)

    assert run(database, sending, lambda: is_sent(database), now=late).halted is not None
    assert relay.taken() == []
    assert {row.state for row in rows_of(database)} == {"pending"}


def test_accepting_where_nothing_stands_in_the_way_changes_nothing(database, settings):
    start_sending(database, settings, ["KZ"])
    with database.writing() as session:
        assert not guard.accept(session, home="here", now=NOW)
    assert check(database) is None
    with database.writing() as session:
        assert not guard.accept(session, home="there", now=NOW)
    assert check(database) is None
    assert {row.flagged for row in rows_of(database)} == {False}


@pytest.mark.parametrize(("state", "is_flagged"), [("sending", True), ("paused", True), ("sent", False)])
def test_what_may_have_gone_out_before_is_flagged_when_the_database_is_accepted(database, settings, state, is_flagged):
    states = ["pending", "armed", "deferred", "sent", "failed", "skipped", "held"]
    edition_id = start_sending(database, settings, ["KZ"] * len(states))
    with database.writing() as session:
        for reader, each in enumerate(states, 1):
            session.get_one(Delivery, (edition_id, reader)).state = each
        editions.get(session, NOVEMBER).state = state
    check(database)
    check(database, place="there")
    with database.writing() as session:
        assert guard.accept(session, home="there", now=NOW)

    flagged = [row.state for row in rows_of(database) if row.flagged]
    assert flagged == (["pending", "armed", "deferred"] if is_flagged else [])
