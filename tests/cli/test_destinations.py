"""Destinations on the command line."""

from __future__ import annotations

import json

import pytest

from newsletter.delivery.destinations.destination import DestinationState
from newsletter.jobs.checkup import paused
from newsletter.services import destinations
from newsletter.storage.database import Database
from tests.conftest import NOW

UNTIL = int(NOW.timestamp()) + 3600


@pytest.fixture
def known(instance):
    """Two destinations in the database: one is slow, one is paused."""
    database = Database(f"sqlite:///{instance / 'newsletter.db'}")
    states = [
        DestinationState("gmail", rate=12.345678),
        DestinationState("ngo.org", paused_until=UNTIL, pauses=1, note="ngo.org refuses this sender: 550 5.7.26."),
    ]
    with database.writing() as session:
        destinations.save(session, states, now=NOW)
    database.close()


def test_nothing_is_known_at_first(run):
    assert run("destination", "list").out == "No destination has asked for less, or refused anything.\n"
    assert json.loads(run("destination", "list", "--json").out) == []


@pytest.mark.usefixtures("known")
def test_what_is_known_is_listed(run):
    assert run("destination", "list").out.splitlines() == [
        "gmail                 12.3 messages a second",
        "ngo.org               no limit  paused until 2022-12-01 10:00 UTC  ngo.org refuses this sender: 550 5.7.26.",
    ]
    assert json.loads(run("destination", "list", "--json").out)[1] == {
        "name": "ngo.org",
        "rate": None,
        "paused_until": UNTIL,
        "pauses": 1,
        "note": "ngo.org refuses this sender: 550 5.7.26.",
    }


@pytest.mark.usefixtures("known")
def test_a_pause_is_ended(run, refused):
    assert run("destination", "resume", "NGO.org").out == "ngo.org: mail may go there again\n"
    assert "ngo.org" not in run("destination", "list").out

    assert refused("destination", "resume", "gmail") == "gmail is not paused"
    assert refused("destination", "resume", "nowhere.org").startswith("nothing is known of a destination 'nowhere.org'")


@pytest.mark.usefixtures("known")
def test_the_doctor_tells_what_is_paused_and_what_to_do(run):
    told = {each["check"]: each for each in json.loads(run("doctor", "--offline", "--json").out)}["destinations"]

    assert told["state"] == "warn"
    assert told["words"].startswith("ngo.org was paused. Ngo.org refuses this sender: 550 5.7.26.")
    assert told["remedy"] == "Mend that, then run 'newsletter destination resume ngo.org'."


def test_until_when_a_destination_is_paused_is_told(database):
    def found():
        return [each.words for each in paused.check(database, now=NOW)]

    assert found() == ["All of them get mail."]
    state = DestinationState("ngo.org", paused_until=UNTIL, pauses=1)
    with database.writing() as session:
        destinations.save(session, [state], now=NOW)

    assert found() == ["Nothing is sent to ngo.org until 2022-12-01 10:00 UTC."]
