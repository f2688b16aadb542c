"""What became of an edition, on the command line."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from newsletter.jobs.sender import utc_now
from newsletter.storage.database import Database
from newsletter.storage.tables import Delivery, Edition


@pytest.fixture
def database(run, instance):
    """The instance's database, with an edition that was sent to three, of whom one failed."""
    opened = Database(f"sqlite:///{instance / 'newsletter.db'}")
    with opened.writing() as session:
        now = utc_now()
        edition = Edition(month="2022-11", state="sent", created_at=now, send_started_at=now, ended_at=now)
        session.add(edition)
        session.flush()
        for number, (state, detail) in enumerate([("sent", None), ("sent", None), ("failed", "550 5.1.1 nobody")]):
            second = int(now.timestamp())
            values = {"state": state, "detail": detail, "changed_at": second}
            session.add(Delivery(edition_id=edition.id, subscriber_id=number, **values))
    yield opened
    opened.close()


def test_it_is_told_in_words(run, database):
    told = run("edition", "report", "2022-11").out

    assert "2022-11: 2 delivered to the relay, 1 failed (33.33 %), 0 held" in told
    assert "failed: 1 there is no such mailbox" in told
    assert "opens and clicks are not tracked" in told


def test_programs_get_it_as_json(run, database):
    told = json.loads(run("edition", "report", "2022-11", "--json").out)

    assert (told["sent"], told["failed"], told["left"]) == (2, 1, 0)
    assert told["failures"] == [{"words": "there is no such mailbox", "count": 1, "said": "550 5.1.1 nobody"}]


def test_of_an_edition_that_is_not_over_there_is_none(refused, database):
    with database.writing() as session:
        session.execute(update(Edition).values(state="sending", ended_at=None))

    assert refused("edition", "report", "2022-11") == (
        "the edition for 2022-11 is sending; there is a report when it was sent. "
        "'newsletter edition show 2022-11' tells how far it is"
    )
