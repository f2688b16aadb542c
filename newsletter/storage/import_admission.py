"""A stretch of a list becomes subscribers: what they follow, what they agreed to; who has not is asked.

To be called after storage.import_staging.lock_subscribers: whose id is above the last one of before was added here.
"""
# ruff: noqa: S608 (the statements are put together from constants)

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from newsletter.storage.import_staging import Stretch
from newsletter.storage.signup_queries import moment

_WITHIN: Final = "r.import_id = :import_id AND r.line > :after AND r.line <= :last"
_LET_IN: Final = (
    f"FROM import_row r JOIN subscriber s ON s.address_key = r.address_key {{more}} WHERE {_WITHIN}"
    " AND (r.outcome = 'changed' OR (r.outcome = 'new' AND s.id > :before))"
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a stretch has come to."""

    added: int
    asked: int  #: of those: get a confirmation mail


def admit(session: Session, stretch: Stretch, *, source: str, now: datetime) -> Admitted:
    """Let in all rows that are new, and those that have asked and not answered."""
    dialect = session.get_bind().dialect.name
    if dialect == "sqlite":
        _teach_sha256(session)
    before = session.scalar(text("SELECT coalesce(max(id), 0) FROM subscriber"))
    bound = stretch.bound | {"before": before, "now": moment(session, now), "source": source}
    bound["second"] = int(now.timestamp())
    for statement in (_ADD, _ANSWER, _END_ASKED, _FOLLOW[dialect], _CONSENT[dialect]):
        session.execute(statement, bound)
    asked: Any = session.execute(_ASK, bound)
    added = session.scalar(text("SELECT count(*) FROM subscriber WHERE id > :before"), bound) or 0
    return Admitted(added, int(asked.rowcount))


def _teach_sha256(session: Session) -> None:
    """SQLite has no hashes of its own."""
    driver: Any = session.connection().connection.driver_connection
    driver.create_function("sha256_hex", 1, _sha256_hex, deterministic=True)


def _sha256_hex(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


# The order of the lines is the order of the ids.
_ADD = text(
    "INSERT INTO subscriber (address, address_key, language, state, follows, alerts_at_once, created_at, confirmed_at,"
    " text_only) SELECT r.address, r.address_key, r.language,"
    " CASE WHEN r.confirmed_at IS NULL THEN 'pending' ELSE 'active' END,"
    " CASE WHEN r.confirmed_at IS NULL THEN '' ELSE r.follows END, false, :now, r.confirmed_at, false"
    f" FROM import_row r WHERE {_WITHIN} AND r.outcome = 'new' ORDER BY r.line ON CONFLICT (address_key) DO NOTHING"
)

# As services.signup.confirm does for who presses the button.
_ANSWER = text(
    "UPDATE subscriber SET state = 'active', follows = r.follows, language = r.language, confirmed_at = r.confirmed_at,"
    " ended_at = NULL, paused_until = NULL, alerts_at_once = false FROM import_row r"
    f" WHERE {_WITHIN} AND r.outcome = 'changed' AND subscriber.address_key = r.address_key"
)

_END_ASKED = text(
    "UPDATE subscription SET ended_at = :now, reason = 'imported' WHERE ended_at IS NULL AND subscriber_id IN"
    " (SELECT s.id FROM import_row r JOIN subscriber s ON s.address_key = r.address_key"
    f" WHERE {_WITHIN} AND r.outcome = 'changed')"
)


def _follow(subjects: str) -> Any:
    more = f"{subjects} LEFT JOIN region g ON g.code = f.value"
    return text(
        "INSERT INTO subscription (subscriber_id, place_code, region_code, requested_at, confirmed_at)"
        " SELECT s.id, CASE WHEN f.value <> 'all' AND g.code IS NULL THEN f.value END, g.code,"
        f" coalesce(r.confirmed_at, :now), r.confirmed_at {_LET_IN.format(more=more)}"
    )


_FOLLOW = {
    "sqlite": _follow("""JOIN json_each('["' || replace(r.follows, ';', '","') || '"]') f"""),
    "postgresql": _follow("CROSS JOIN LATERAL unnest(string_to_array(r.follows, ';')) AS f(value)"),
}


def _consent(sha256: str) -> Any:
    return text(
        "INSERT INTO consent (subscriber_id, at, act, source, text, text_sha256)"
        " SELECT s.id, coalesce(r.confirmed_at, :now),"
        " CASE WHEN r.confirmed_at IS NULL THEN 'requested' ELSE 'confirmed' END,"
        f" :source, r.consent, {sha256} {_LET_IN.format(more='')}"
    )


_CONSENT = {
    "sqlite": _consent("sha256_hex(r.consent)"),
    "postgresql": _consent("encode(sha256(convert_to(r.consent, 'UTF8')), 'hex')"),
}

_ASK = text(
    "INSERT INTO notice (kind, subscriber_id, created_at, state, attempt, flagged, due_at)"
    " SELECT 'confirmation', s.id, :now, 'pending', 0, false, :second"
    f" {_LET_IN.format(more='')} AND r.confirmed_at IS NULL"
)
