"""T9b: whoever asks, the answer is the same, and takes as long; so nobody can learn from it who is subscribed."""

from __future__ import annotations

import random
import re
import statistics
import time
from datetime import timedelta

import pytest
from sqlalchemy import event

from newsletter.domain.address import Address
from newsletter.domain.states import SuppressionReason
from newsletter.services import suppressions
from newsletter.storage.places import gazetteer
from newsletter.web.database import db
from tests.web.conftest import dump

KINDS = ("new", "pending", "active", "suppressed", "trapped")
FORMS = ("/subscribe", "/manage")
ASKED_OF_EACH = 24  #: with those who ask beforehand, less in an hour than is let through
SPREAD_SECONDS = 0.002
RUNS = 4  #: another process may take the processor or the disk from one of them


@pytest.fixture
def prepare(database, settings, clock, sign_up):
    """Make an address of a kind."""

    def make(kind, name="a"):
        address = f"{kind}.{name}@example.org"
        if kind in ("pending", "active"):
            sign_up(address, confirm=kind == "active")
        if kind == "suppressed":
            key = Address.parse(address).key
            with database.writing() as session:
                suppressions.suppress(session, key, SuppressionReason.COMPLAINT, tokens=settings.tokens, now=clock())
        return address

    return make


def ask(client, address, form="/subscribe"):
    """A browser that fills in all it is shown; and for who is trapped, a program that fills in what it isn't."""
    fields = {"email": address, "follow": "SD"}
    if address.startswith("trapped"):
        fields["homepage"] = "https://spam.example"
    return client.post(form, data=fields)


def stored(database):
    """All rows but the counts of requests."""
    return [row for row in dump(database) if row[0] != "rate_window"]


@pytest.fixture
def statements(app):
    """What the database is asked, without the values: as it says itself, whoever asks it."""
    taken = []
    with app.app_context():
        engine = db.engine

    def note(statement):
        if not statement.startswith("PRAGMA"):  # of the connection, which may be a new one
            taken.append(re.sub(r"'[^']*'|\b(\d+|NULL)\b", "?", statement))

    event.listen(engine, "checkout", lambda connection, *_: connection.set_trace_callback(note))
    return taken


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_the_same_to_the_byte(client, prepare, form):
    addresses = [prepare(kind) for kind in KINDS]

    answers = [ask(client, address, form) for address in addresses]

    assert {answer.status_code for answer in answers} == {303}
    assert len({(answer.status, answer.data, str(answer.headers)) for answer in answers}) == 1


@pytest.mark.parametrize("kind", ["suppressed", "trapped"])
def test_what_is_not_kept_takes_the_statements_of_a_new_address_and_leaves_no_trace(
    client, database, prepare, statements, kind
):
    unwanted, new = prepare(kind), prepare("new")
    before = stored(database)

    ask(client, unwanted)
    of_unwanted, statements[:] = list(statements), []
    assert stored(database) == before
    ask(client, new)

    end = [statement.startswith(("ROLLBACK TO", "RELEASE")) for statement in statements].index(True)
    assert of_unwanted[:end] == statements[:end]
    assert len(of_unwanted) == len(statements)


@pytest.mark.parametrize("kind", KINDS)
def test_asking_for_the_link_takes_the_same_statements_for_everybody(client, prepare, clock, statements, kind):
    known, new = prepare(kind), prepare("new")
    clock.pass_by(timedelta(hours=1))
    statements[:] = []

    ask(client, known, "/manage")
    of_known, statements[:] = list(statements), []
    ask(client, new, "/manage")

    ends = ("ROLLBACK TO", "RELEASE")
    assert [each for each in of_known if not each.startswith(ends)] == [
        each for each in statements if not each.startswith(ends)
    ]


@pytest.mark.parametrize("asked", [["all"], ["KZ", "SD", "ET"]], ids=["all", "three places"])
@pytest.mark.parametrize("confirmed", [True, False], ids=["active", "pending"])
def test_who_follows_very_much_is_asked_with_the_statements_of_a_new_address(
    client, sign_up, clock, statements, asked, confirmed
):
    everywhere = [place.code for place in gazetteer().places]
    known = sign_up("many@example.org", tuple(everywhere), confirm=confirmed).address
    clock.pass_by(timedelta(hours=1))
    statements[:] = []

    client.post("/subscribe", data={"email": known, "follow": asked})
    of_known, statements[:] = list(statements), []
    client.post("/subscribe", data={"email": "new@example.org", "follow": asked})

    ends = ("ROLLBACK TO", "RELEASE")
    assert [each for each in of_known if not each.startswith(ends)] == [
        each for each in statements if not each.startswith(ends)
    ]
    assert len(of_known) == len(statements)


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_waits_for_the_disk(client, database, prepare, kind):
    address = prepare(kind)
    log = database.path.with_name(f"{database.path.name}-wal")
    before = log.stat().st_size if log.exists() else 0

    ask(client, address)

    assert log.stat().st_size > before


@pytest.mark.soak  # on a busy machine the medians say more of the machine
@pytest.mark.parametrize("form", FORMS)
def test_the_time_to_the_answer_tells_nothing(client, prepare, clock, form):
    for attempt in range(RUNS):
        clock.pass_by(timedelta(hours=1))  # for the limits
        work = [prepare(kind, f"{attempt}.{number}") for kind in KINDS for number in range(ASKED_OF_EACH)]
        random.Random(attempt).shuffle(work)
        taken = {kind: [] for kind in KINDS}
        for address in work:
            began = time.perf_counter()
            ask(client, address, form)
            taken[address.partition(".")[0]].append(time.perf_counter() - began)
        medians = [statistics.median(each) for each in taken.values()]
        if max(medians) - min(medians) < SPREAD_SECONDS:
            return
    pytest.fail(f"the medians are {[f'{median * 1000:.1f} ms' for median in medians]}")
