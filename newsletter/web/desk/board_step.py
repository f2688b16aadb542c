"""The one thing to do next about a month, for whoever looks at its board."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.role import Act, Role, may
from newsletter.errors import NotFound
from newsletter.services import editions
from newsletter.services.board import Board, BoardState
from newsletter.web.access import current_admin
from newsletter.web.database import current_session


@dataclass(frozen=True, slots=True)
class Step:
    """What a button says, and where it leads."""

    words: str
    url: str


def next_step(board: Board) -> Step | None:
    """To review comes first, as others wait for it; None when it is the turn of others. Of a month that is open."""
    me, role, rows = current_admin().address, Role(current_admin().role), board.rows
    first = {row.state: row.place for row in reversed(rows)}
    to_review = next((row.place for row in rows if row.may_be_reviewed_by(me)), None)
    if to_review and may(role, Act.REVIEW):
        return _to_editor("Review", to_review, board.month)
    for state, words in ((BoardState.DRAFT, "Finish"), (BoardState.MISSING, "Write")):
        if state in first and may(role, Act.WRITE):
            return _to_editor(words, first[state], board.month)
    is_done = set(first) == {BoardState.REVIEWED}
    return _to_edition(board.month) if is_done and may(role, Act.APPROVE) else None


def _to_editor(words: str, place: Place, month: Month) -> Step:
    return Step(f"{words} {place.name}", url_for("desk.update", month=month, code=place.code))


def _to_edition(month: Month) -> Step:
    try:
        editions.get(current_session(), month)
    except NotFound:
        return Step("Go on to the edition", url_for("desk.editions"))
    return Step("Check and approve", url_for("desk.checks_page", month=month))
