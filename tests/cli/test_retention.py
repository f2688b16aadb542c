"""What is forgotten, on the command line."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from newsletter.jobs.sender import utc_now
from newsletter.storage.database import Database
from newsletter.storage.tables import Subscriber


@pytest.fixture
def database(instance):
    """The instance's database: one has left long ago, one yesterday."""
    found = Database(f"sqlite:///{instance / 'newsletter.db'}")
    now = utc_now()
    with found.writing() as session:
        for name, days in (("ada", 29), ("bert", 1)):
            address, left = f"{name}@example.org", now - timedelta(days=days)
            values = {"address": address, "address_key": address, "state": "ended", "created_at": left}
            session.add(Subscriber(**values, ended_at=left))
    yield found
    found.close()


@pytest.mark.usefixtures("database")
def test_it_is_shown_what_is_kept_for_how_long_and_what_is_due(run):
    lines = run("retention", "show").out.splitlines()

    assert (
        "addresses                 1 due  after 28 days   addresses of who has left; what they agreed to stays" in lines
    )
    assert "limits                    0 due  after 25 hours  how often something was asked for" in lines
    rows = {row["name"]: row for row in json.loads(run("retention", "show", "--json").out)}
    assert (rows["addresses"]["due"], rows["addresses"]["kept_hours"]) == (1, 28 * 24)
    assert {row["due"] for name, row in rows.items() if name != "addresses"} == {0}


@pytest.mark.usefixtures("database")
def test_showing_forgets_nothing_and_running_does(run, instance):
    run("retention", "show")
    assert b"ada@" in file_and_log(instance)

    assert run("retention", "run").out == "1 addresses: addresses of who has left; what they agreed to stays\n"

    assert b"ada@" not in file_and_log(instance)
    assert b"bert@" in file_and_log(instance)
    assert run("retention", "run").out == "nothing was due\n"


def file_and_log(instance):
    return b"".join(path.read_bytes() for path in sorted(instance.glob("newsletter.db*")))


@pytest.mark.usefixtures("database")
def test_programs_get_numbers(run):
    told = json.loads(run("retention", "run", "--json").out)

    assert {name: number for name, number in told["forgotten"].items() if number} == {"addresses": 1}
    assert told["log_is_cut"] is True


def test_it_is_told_that_somebody_reads_and_the_log_is_not_cut(run, database):
    with database.reading() as session:
        session.get(Subscriber, 1)
        out = run("retention", "run").out

    assert out.endswith("somebody reads from the database just now: its log is cut at the scheduler's next tick\n")


def test_the_file_is_written_anew_when_that_is_asked_for(run, database, instance):
    with database.writing() as session:
        session.add_all(
            Subscriber(address=f"{number}@example.org", address_key=str(number), state="active", created_at=utc_now())
            for number in range(2000)
        )
    with database.writing() as session:
        session.query(Subscriber).filter(Subscriber.state == "active").delete()
    run("retention", "run")
    before = (instance / "newsletter.db").stat().st_size

    assert run("retention", "run", "--rebuild").code == 0

    assert (instance / "newsletter.db").stat().st_size < before
