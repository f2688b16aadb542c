"""When a subscription moved to another address, and which links are from before that; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.services import consents, moves
from newsletter.services.consents import ConsentAct
from tests.conftest import NOW
from tests.services.stock import ORIGIN, add_readers

HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(database):
    """Two readers, of whom the first has moved twice, half a second after the hour."""
    mover, other = add_readers(database, ["KZ", "SD"])
    acts = (ConsentAct.ADDRESS_CHANGED, ConsentAct.ADDRESS_CHANGED, ConsentAct.ADDRESS_ASKED, ConsentAct.CHANGED)
    with database.writing() as session:
        for hours, act in enumerate(acts, 1):
            at = NOW + hours * HOUR + timedelta(milliseconds=500)
            consents.record(session, mover, act, ORIGIN, now=at)
        consents.record(session, other, ConsentAct.ADDRESS_ASKED, ORIGIN, now=NOW)
    return mover, other


def test_the_last_move_counts_and_asking_is_none(database, ledger):
    mover, other = ledger
    with database.reading() as session:
        assert moves.moved_at(session, mover) == NOW + 2 * HOUR + timedelta(milliseconds=500)
        assert moves.moved_at(session, other) is None
        assert moves.moved_at(session, 99) is None


@pytest.mark.parametrize(
    ("made_at", "is_before"),
    [
        pytest.param(NOW, True, id="before both moves"),
        pytest.param(NOW + 2 * HOUR - timedelta(seconds=1), True, id="between them"),
        pytest.param(NOW + 2 * HOUR, False, id="on the page after the last, in whole seconds"),
        pytest.param(NOW + 3 * HOUR, False, id="after it"),
    ],
)
def test_a_link_is_from_before_a_move_or_not(database, ledger, made_at, is_before):
    mover, other = ledger
    with database.reading() as session:
        assert moves.is_from_before(session, mover, made_at) == is_before
        assert not moves.is_from_before(session, other, made_at)
