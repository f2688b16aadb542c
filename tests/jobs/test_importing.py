"""An import that is killed at any time goes on where it was: nobody is lost, nobody is there twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.storage.database import Database
from newsletter.storage.places import synchronise
from newsletter.storage.tables import Consent, ImportRow, Subscriber, SubscriberImport, Subscription
from tests.program import Program

ROWS = 12_000
HEAD = "email,follows,language,status,confirmed_at,consent\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A list with a thousand rows that stand in it twice."""
    path = tmp_path / "list.csv"
    lines = [f"r{number}@example.org,KZ;SD,,,2022-06-01,by letter\n" for number in range(ROWS)]
    path.write_text(HEAD + "".join(lines + lines[:1000]))
    return path


def start(database: Database, folder: Path, file: Path) -> Program:
    environment = {
        "NEWSLETTER_INSTANCE": str(folder),
        "NEWSLETTER_DATABASE_URL": database.url,
        "NEWSLETTER_SECRET_KEY": "a secret key for tests",
    }
    return Program(["subscribers", "import", str(file)], environment)


def steps(database: Database) -> int:
    """How far it is: lines that are read, and lines that are in."""
    with database.reading() as session:
        found = session.execute(select(SubscriberImport.last_line, SubscriberImport.lines_done)).first()
        return sum(found) if found is not None else 0


def kill_when(process: Program, database: Database, far: int) -> None:
    """Kill it once it is so far. Looking costs it little, and a process that is done already is a fault of the test."""
    while steps(database) < far:
        assert process.poll() is None, process.finish(60)
        time.sleep(0.002)
    process.kill()
    process.finish(60)


def test_killed_again_and_again_every_row_goes_in_once(database, tmp_path, file):
    with database.writing() as session:
        synchronise(session)
    dice = random.Random(3)
    for far in sorted(dice.sample(range(1, 2 * ROWS - 6_000), 3)):
        kill_when(start(database, tmp_path, file), database, far)

    code, told = start(database, tmp_path, file).finish(100)

    assert code == 0, told
    assert "12,000 were taken in, 1,000 rejected" in told
    with database.reading() as session:
        for table, number in ((Subscriber, ROWS), (Subscription, 2 * ROWS), (Consent, ROWS), (ImportRow, 0)):
            assert session.scalar(select(func.count()).select_from(table)) == number, table.__tablename__
        assert session.scalar(select(func.count(Subscriber.address_key.distinct()))) == ROWS
        assert session.scalar(select(func.count()).where(Subscriber.follows != "SD;KZ").select_from(Subscriber)) == 0
    rejects = (tmp_path / "list.rejects.csv").read_text().splitlines()
    assert len(rejects) == 1_001
    assert rejects[1].startswith("12002,this address is in line 2 already,r0@example.org,SD;KZ,")
