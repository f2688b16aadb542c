"""Find updates by words: FTS5 on SQLite, a tsvector with GIN on PostgreSQL. The index itself is kept by triggers.

Both know English word stems, and both rank a place's name before the headline, and that before the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Around what was found. No stored text has them: updates with control characters are refused.
BEGIN, END = "\x01", "\x02"

_COUNT = {
    "sqlite": text(
        "SELECT count(*) FROM update_search JOIN country_update ON country_update.id = update_search.rowid "
        "WHERE update_search MATCH :words AND country_update.state = 'ready'"
    ),
    "postgresql": text(
        "SELECT count(*) FROM update_search JOIN country_update ON id = update_id "
        "WHERE words @@ websearch_to_tsquery('english', :words) AND state = 'ready'"
    ),
}
_FIND = {
    "sqlite": text(
        """
        SELECT country_update.id, highlight(update_search, 1, :begin, :end),
            snippet(update_search, 2, :begin, :end, '…', 32)
        FROM update_search JOIN country_update ON country_update.id = update_search.rowid
        WHERE update_search MATCH :words AND country_update.state = 'ready'
        ORDER BY bm25(update_search, 10.0, 4.0, 1.0), country_update.month DESC, country_update.place_code
        LIMIT :limit OFFSET :offset
        """
    ),
    # In two steps, as the passages cost far more than the rank.
    "postgresql": text(
        """
        SELECT update_text.id,
            ts_headline('english', update_text.headline, query, :for_headline),
            ts_headline('english', left(update_text.body, 200000), query, :for_passage)
        FROM websearch_to_tsquery('english', :words) AS query,
            LATERAL (
                SELECT id, ts_rank(words, query) AS rank, month, place_code
                FROM update_search JOIN country_update ON id = update_id
                WHERE words @@ query AND state = 'ready'
                ORDER BY rank DESC, month DESC, place_code LIMIT :limit OFFSET :offset
            ) AS found
            JOIN update_text ON update_text.id = found.id
        ORDER BY found.rank DESC, found.month DESC, found.place_code
        """
    ),
}


@dataclass(frozen=True, slots=True)
class Match:
    """An update that has all the words; BEGIN and END stand around them in its texts."""

    update_id: int
    headline: str
    passage: str  #: of the rest, where the words are


def count(session: Session, phrases: Sequence[str]) -> int:
    """How many public updates have all the phrases."""
    found = session.scalar(_COUNT[session.get_bind().dialect.name], {"words": _query(phrases)})
    return int(found or 0)


def find(session: Session, phrases: Sequence[str], *, limit: int, offset: int) -> list[Match]:
    """The public updates that have all the phrases, the most fitting first."""
    dialect = session.get_bind().dialect.name
    values: dict[str, object] = {"words": _query(phrases), "limit": limit, "offset": offset}
    if dialect == "sqlite":
        values |= {"begin": BEGIN, "end": END}
    else:
        marks = f"StartSel={BEGIN}, StopSel={END}"
        values |= {"for_headline": f"{marks}, HighlightAll=true", "for_passage": f"{marks}, MaxWords=32, MinWords=20"}
    return [Match(*row) for row in session.execute(_FIND[dialect], values)]


def _query(phrases: Sequence[str]) -> str:
    """Each phrase in quotes: both databases take that as a phrase, in which nothing is an operator."""
    return " ".join(f'"{phrase}"' for phrase in phrases)
