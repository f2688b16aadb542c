"""What is held, on the command line: looked at, sent again, given up."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from newsletter.jobs.sender import utc_now
from newsletter.storage.database import Database
from newsletter.storage.tables import Delivery, Edition

NO_REPLY = "no reply after the end of the message"


@pytest.fixture
def database(run, instance):
    """The instance's database, with an edition that was sent but for three deliveries that are held."""
    opened = Database(f"sqlite:///{instance / 'newsletter.db'}")
    with opened.writing() as session:
        edition = Edition(month="2022-11", state="sent", created_at=utc_now(), send_started_at=utc_now())
        session.add(edition)
        session.flush()
        for number, (state, detail) in enumerate(
            [("sent", None), ("held", NO_REPLY), ("held", NO_REPLY), ("held", "held: the sender died")]
        ):
            session.add(Delivery(edition_id=edition.id, subscriber_id=number, state=state, detail=detail))
    yield opened
    opened.close()


@pytest.fixture
def states(database):
    """How many deliveries are in each state, and the edition's state."""

    def count():
        with database.reading() as session:
            counts = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all()
            return dict(counts), session.scalar(select(Edition.state))

    return count


def test_what_is_held_is_shown_with_its_reasons_and_what_to_do(run, states):
    ran = run("edition", "held", "2022-11")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "2022-11: 3 deliveries are held\n"
        f"  2: {NO_REPLY}\n"
        "  1: held: the sender died\n"
        "Decide with 'newsletter edition held 2022-11 --send-again' or '--give-up'.\n"
    )
    assert states() == ({"sent": 1, "held": 3}, "sent")


def test_what_is_held_as_json(run, database):
    told = json.loads(run("edition", "held", "2022-11", "--json").out)

    assert told == {"month": "2022-11", "held": 3, "details": {NO_REPLY: 2, "held: the sender died": 1}}


def test_what_is_held_is_sent_again_and_the_edition_goes_on(run, states):
    assert run("edition", "held", "2022-11", "--send-again").out == "2022-11: 3 deliveries are sent again\n"
    assert states() == ({"sent": 1, "pending": 3}, "sending")


def test_what_is_held_is_given_up(run, states):
    told = json.loads(run("edition", "held", "2022-11", "--give-up", "--json").out)

    assert told == {"month": "2022-11", "decided": 3}
    assert states() == ({"sent": 1, "failed": 3}, "sent")


def test_where_nothing_is_held_there_is_nothing_to_decide(run, database):
    run("edition", "held", "2022-11", "--give-up")

    for words in ([], ["--give-up"], ["--send-again"]):
        ran = run("edition", "held", "2022-11", *words)
        assert (ran.code, ran.out) == (0, "2022-11: nothing is held\n")


def test_one_can_not_decide_both_ways_nor_on_an_edition_that_is_not_there(refused, states):
    assert refused("edition", "held", "2022-11", "--send-again", "--give-up") == (
        "give --send-again or --give-up, not both"
    )
    assert refused("edition", "held", "2020-01", "--give-up").startswith("there is no edition for 2020-01")
    assert states() == ({"sent": 1, "held": 3}, "sent")


def test_the_doctor_warns_of_what_is_held_until_it_is_decided(run, database):
    def held():
        found = json.loads(run("doctor", "--offline", "--json").out)
        return [(each["state"], f"{each['words']} {each['remedy']}") for each in found if each["check"] == "held"]

    assert held() == [
        (
            "warn",
            "Of 2022-11, 3 deliveries are held. See why with 'newsletter edition held 2022-11', "
            "then decide with '--send-again' or '--give-up'.",
        )
    ]
    run("edition", "held", "2022-11", "--send-again")
    assert held() == []
