"""The database on the command line: brought up to date, and accepted after a backup was restored."""

from __future__ import annotations

import io
import json

import pytest
from sqlalchemy import select

from newsletter.jobs.sender import utc_now
from newsletter.services import guard
from newsletter.storage.database import Database
from newsletter.storage.home import home
from newsletter.storage.tables import Delivery, Edition, SendingGuard

REASON = "This database is older than what was sent from it: it is a restored backup."


@pytest.fixture
def database(run, instance):
    """The instance's database."""
    opened = Database(f"sqlite:///{instance / 'newsletter.db'}")
    yield opened
    opened.close()


@pytest.fixture
def halted(database):
    """A sender has found a restored backup, in which an edition is being sent and another one is through."""
    with database.writing() as session:
        session.merge(SendingGuard(id=1, home="file 0", halted_at=utc_now(), reason=REASON))
        for month, state in (("2022-11", "sending"), ("2022-10", "sent")):
            edition = Edition(month=month, state=state, created_at=utc_now(), send_started_at=utc_now())
            session.add(edition)
            session.flush()
            for number, of_row in enumerate(["sent", "pending", "deferred"] if state == "sending" else ["sent"]):
                session.add(Delivery(edition_id=edition.id, subscriber_id=number, state=of_row))


def is_halted(database):
    with database.reading() as session:
        return guard.halted(session) is not None


def test_a_new_database_is_set_up_and_one_that_is_up_to_date_stays_as_it_is(run, instance):
    (instance / "newsletter.db").unlink()

    for _ in range(2):
        ran = run("db", "upgrade")
        assert (ran.code, ran.out) == (0, "the database is up to date\n")


def test_where_nothing_is_in_the_way_there_is_nothing_to_accept(run, database):
    ran = run("db", "accept")

    assert (ran.code, ran.out) == (0, "there is nothing to accept: mail may go out from this database\n")


@pytest.mark.usefixtures("halted")
def test_accepting_tells_first_what_was_found_and_what_would_go_on(run, database):
    ran = run("db", "accept", "--yes")

    assert (ran.code, ran.err) == (0, "")
    reason, edition, accepted = ran.out.splitlines()
    assert reason == REASON
    assert edition.startswith("2022-11 is sending: 2 of its 3 digests are still to be sent.")
    assert "run 'newsletter edition cancel 2022-11' first" in edition
    assert accepted == "accepted: mail may go out from this database"


@pytest.mark.usefixtures("halted")
def test_what_is_accepted_is_sent_from_again_and_what_is_left_of_it_is_flagged(run, database):
    run("db", "accept", "--yes")

    assert not is_halted(database)
    with database.reading() as session:
        assert session.get_one(SendingGuard, 1).home == home(database, session)
        flagged = session.scalars(select(Delivery.state).where(Delivery.flagged)).all()
    assert sorted(flagged) == ["deferred", "pending"]
    assert "nothing to accept" in run("db", "accept").out


@pytest.mark.usefixtures("halted")
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param("y\n", 0, id="yes"),
        pytest.param("n\n", 130, id="no"),
        pytest.param("\n", 130, id="just return"),
        pytest.param("", 130, id="nobody there to answer"),
    ],
)
def test_without_a_yes_nothing_is_accepted(run, database, monkeypatch, answer, code):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))

    ran = run("db", "accept")

    assert ran.code == code
    assert "Send from this database?" in ran.out
    assert is_halted(database) is (code != 0)


def doctor(run):
    """Of each check its state and words."""
    found = json.loads(run("doctor", "--offline", "--json").out)
    return {each["check"]: (each["state"], f"{each['words']} {each['remedy']}") for each in found}


@pytest.mark.usefixtures("halted")
def test_the_doctor_says_that_nothing_is_sent_and_what_to_do(run, database):
    state, words = doctor(run)["backup"]

    assert state == "bad"
    assert words.startswith(f"Nothing is sent. {REASON}")
    assert words.endswith("If there is a newer copy of it, stop the service and put that in its place.")

    run("db", "accept", "--yes")
    assert doctor(run)["backup"] == ("ok", "No sender has found signs of a restored backup. ")
