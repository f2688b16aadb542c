"""T9b: whoever asks, the answer is the same, and takes as long; so nobody can learn from it who is subscribed."""

from __future__ import annotations

import random
import statistics
import time

import pytest
from sqlalchemy import event

from newsletter.domain.address import Address
from newsletter.domain.states import SuppressionReason
from newsletter.services import suppressions
from newsletter.web.database import db
from tests.web.conftest import dump

KINDS = ("new", "pending", "active", "suppressed")
ASKED_OF_EACH = 40
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


def ask(client, address):
    return client.post("/subscribe", data={"email": address, "follow": "SD"})


def test_the_answer_is_the_same_to_the_byte(client, prepare):
    addresses = [prepare(kind) for kind in KINDS]

    answers = [ask(client, address) for address in addresses]

    assert len({(answer.status, answer.data, str(answer.headers)) for answer in answers}) == 1


def test_a_suppressed_address_takes_the_statements_of_a_new_one_and_leaves_no_trace(app, client, database, prepare):
    suppressed, new = prepare("suppressed"), prepare("new")
    before = dump(database)
    with app.app_context():
        engine = db.engine
    taken = []
    event.listen(engine, "before_cursor_execute", lambda *args: taken.append(args[2].partition(" VALUES")[0]))

    ask(client, suppressed)
    of_suppressed, taken[:] = list(taken), []
    assert dump(database) == before
    ask(client, new)

    end = [statement.startswith(("ROLLBACK TO", "RELEASE")) for statement in taken].index(True)
    assert of_suppressed[:end] == taken[:end]
    assert len(of_suppressed) == len(taken)


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_waits_for_the_disk(client, database, prepare, kind):
    address = prepare(kind)
    log = database.path.with_name(f"{database.path.name}-wal")
    before = log.stat().st_size if log.exists() else 0

    ask(client, address)

    assert log.stat().st_size > before


@pytest.mark.soak  # on a busy machine the medians say more of the machine
def test_the_time_to_the_answer_tells_nothing(client, prepare):
    for attempt in range(RUNS):
        work = [prepare(kind, f"{attempt}.{number}") for kind in KINDS for number in range(ASKED_OF_EACH)]
        random.Random(attempt).shuffle(work)
        taken = {kind: [] for kind in KINDS}
        for address in work:
            began = time.perf_counter()
            ask(client, address)
            taken[address.partition(".")[0]].append(time.perf_counter() - began)
        medians = [statistics.median(each) for each in taken.values()]
        if max(medians) - min(medians) < SPREAD_SECONDS:
            return
    pytest.fail(f"the medians are {[f'{median * 1000:.1f} ms' for median in medians]}")
