"""One PostgreSQL database for all of these tests, emptied in between: to make one takes longer than most of them."""

from __future__ import annotations

import pytest

from newsletter.config import Settings
from newsletter.services.claims import Claim
from newsletter.services.results import Recording
from newsletter.storage.database import Database
from tests.services.stock import arm, begin, start_sending


@pytest.fixture
def postgresql(emptied_postgresql: Database) -> Database:
    """The one that is shared."""
    return emptied_postgresql


@pytest.fixture
def sent(database: Database, settings: Settings) -> tuple[Recording, list[Claim]]:
    """A sender that has armed five digests of an edition for six: how it records, and their claims."""
    edition_id = start_sending(database, settings, ["KZ"] * 6)
    with database.writing() as session:
        arming, recording = begin(session)
        armed = arm(session, arming, edition_id, limit=5)
        return recording, [each.claim for each in armed.deliveries]
