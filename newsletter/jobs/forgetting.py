"""Forgets whatever is due, in short transactions with rests between them: others write to SQLite too."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from newsletter.mail.links import Tokens
from newsletter.services import retention, suppressions
from newsletter.services.retention import RULES, Rule
from newsletter.storage import erasing
from newsletter.storage.database import Database

log = logging.getLogger(__name__)

EVERY: Final = timedelta(hours=1)  #: how often the scheduler runs it
LOOKING_BACK: Final = 2 * EVERY  #: for who was erased since the last run, which may have been late


def run(
    database: Database, tokens: Tokens, *, now: datetime, is_over: Callable[[], bool] = lambda: False
) -> Mapping[Rule, int]:
    """Forget all that is due until nothing is, or `is_over`; how much by each rule. Raises StorageUnavailable."""
    found = {rule: _forget(database, rule, tokens, now, is_over) for rule in RULES}
    told = ", ".join(f"{number} {rule.name}" for rule, number in found.items() if number)
    if told:
        log.info("forgotten: %s", told)
    with database.reading() as session:
        is_erased = suppressions.is_anybody_erased(session, since=now - LOOKING_BACK)
    if is_erased and erasing.is_small(database.engine):
        erasing.rebuild(database.engine)
    elif told or is_erased:
        erasing.scrub(database.engine)
    return found


def _forget(database: Database, rule: Rule, tokens: Tokens, now: datetime, is_over: Callable[[], bool]) -> int:
    total = 0
    while not is_over():
        with database.reading() as session:
            if not retention.is_due(session, rule, now=now):
                return total
        began = time.monotonic()
        with database.writing() as session:
            count = rule.forget(session, tokens, now)
        if not count:  # another process has them in hand
            return total
        total += count
        # Who waits for SQLite's write lock looks for it ever less often: without a rest they would hardly find it free.
        time.sleep(time.monotonic() - began)
    return total
