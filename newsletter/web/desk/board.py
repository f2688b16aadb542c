"""The month's board: what is there, what is left, and what can be done to many places at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, TypeVar

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.errors import Conflict, InvalidInput, NotFound, UnknownPlace
from newsletter.services import board as board_
from newsletter.services import editing
from newsletter.services.board import Board, BoardState, Order, Wanted
from newsletter.storage.places import gazetteer
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import desk, note
from newsletter.web.desk.board_step import next_step
from newsletter.web.wiring import now, wiring

_LONGEST = 100  #: characters of a filter's text

Word = TypeVar("Word", bound=StrEnum)


@desk.get("/months")
@desk.get("/months/<month:month>")
def board(month: Month | None = None) -> str | Response:
    if month is None:
        newest = board_.newest(current_session()) or Month.of(now().astimezone(wiring().settings.zone))
        return redirect(url_for("desk.board", month=newest))
    return board_page(month)


def board_page(month: Month, *, errors: dict[str, str] | None = None, typed: str = "") -> str:
    """The page; with what could not be done, by the field that it stands beside."""
    session = current_session()
    loaded = board_.load(session, month, me=current_admin().id, now=now())
    wanted = _wanted()
    rows = loaded.selected(wanted)
    frozen = editing.frozen_as(session, month)
    groups = [(region.name, list(each)) for region, each in groupby(rows, key=lambda row: row.place.region)]
    return render_template(
        "desk/board.html",
        month=month,
        board=loaded,
        wanted=wanted,
        rows=rows,
        groups=groups if wanted.order is Order.REGION else [("", rows)],
        states=list(BoardState),
        orders=list(Order),
        regions=[region for region in gazetteer().regions if any(row.place.region == region for row in loaded.rows)],
        uncovered=board_.uncovered(loaded),
        left=_left(loaded),
        next_step=None if frozen else next_step(loaded),
        frozen=frozen,
        me=current_admin().address,
        errors=errors or {},
        typed=typed,
        query=_query(),
    )


def _wanted() -> Wanted:
    """What the address asks for; what it can't mean is left out."""
    given = request.args
    return Wanted(
        state=_word(BoardState, given.get("state", "")),
        region=given.get("region", ""),
        author=given.get("author", ""),
        text=given.get("text", "")[:_LONGEST],
        order=_word(Order, given.get("order", "")) or Order.REGION,
    )


def _word(words: type[Word], text: str) -> Word | None:
    return words(text) if text in list(words) else None


def _query() -> dict[str, Any]:
    """The filter, so that a button leads back to the same rows."""
    names = ("state", "region", "author", "text", "order")
    return {name: request.args[name][:_LONGEST] for name in names if request.args.get(name)}


def _left(loaded: Board) -> str:
    """What is left to do, in a sentence."""
    counts = loaded.counts
    parts = [
        f"{counts[state]} {words}"
        for state, words in (
            (BoardState.MISSING, "to write"),
            (BoardState.DRAFT, "to finish"),
            (BoardState.READY, "to review"),
        )
        if counts[state]
    ]
    if not loaded.rows:
        return "No place is covered yet. Add the first one below."
    if not parts:
        return "Nothing is left: every place is reviewed."
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"Left: {listed}."


@desk.get("/months/<month:month>/add")
def add_place(month: Month) -> Response | tuple[str, int]:
    """Lead to the form of a place that is named."""
    typed = request.args.get("place", "")[:_LONGEST]
    try:
        place = gazetteer().require(typed)
    except UnknownPlace as error:
        close = f". Did you mean {', '.join(error.suggestions)}?" if error.suggestions else ". Choose from the list"
        words = f"No place is called “{typed.strip()}”{close}" if typed.strip() else "Choose a place"
        return board_page(month, errors={"place": words}, typed=typed), 400
    return redirect(url_for("desk.update", month=month, code=place.code), 302)


@desk.post("/months/<month:month>/carry-over")
def carry_over(month: Month) -> Response | tuple[str, int]:
    ticked = [code for code in request.form.getlist("tick") if gazetteer().get(code)]
    if not ticked:
        return board_page(month, errors={"tick": "Tick at least one place that is missing"}), 400
    made, left = editing.carry_over(current_session(), month, ticked, by=current_admin().address, now=now())
    if made:
        note("updates.carried_over", f"month {month}", " ".join(made))
    words = f"{len(made)} {'draft was' if len(made) == 1 else 'drafts were'} made as unchanged."
    if left:
        names = ", ".join(gazetteer().require(code).name for code in left)
        words += f" Not carried over, as they have an update now or had none last month: {names}."
    return _back(month, words)


@desk.post("/months/<month:month>/ready")
def mark_ready(month: Month) -> Response | tuple[str, int]:
    def act(code: str, seen: int, by: str, at: datetime) -> str:
        editing.mark_ready(current_session(), code, month, seen=seen, by=by, now=at)
        note("update.ready", f"update {month} {code}")
        return "is ready"

    return _to_one(month, act)


@desk.post("/months/<month:month>/ready-ticked")
def mark_ticked_ready(month: Month) -> Response | tuple[str, int]:
    """Many drafts at once, each as it was seen: a box's value is "code version", as a button's."""
    session, by = current_session(), current_admin().address
    ticked = [found for tick in request.form.getlist("tick") if (found := _seen(tick)) is not None]
    if not ticked:
        return board_page(month, errors={"tick": "Tick at least one draft"}), 400
    done, left = 0, []
    for place, version in ticked:
        try:
            with session.begin_nested():
                editing.mark_ready(session, place.code, month, seen=version, by=by, now=now())
                note("update.ready", f"update {month} {place.code}")
            done += 1
        except (Conflict, NotFound):
            left.append(place.name)
    words = f"{done} {'draft is' if done == 1 else 'drafts are'} ready."
    if left:
        words += f" Changed since you looked, and left as they are: {', '.join(left)}."
    return _back(month, words)


@desk.post("/months/<month:month>/reviewed")
def mark_reviewed(month: Month) -> Response | tuple[str, int]:
    def act(code: str, seen: int, by: str, at: datetime) -> str:
        editing.review(current_session(), code, month, seen=seen, by=by, now=at)
        note("update.reviewed", f"update {month} {code}", f"version {seen}")
        return "is reviewed"

    return _to_one(month, act)


def _to_one(month: Month, act: Callable[[str, int, str, datetime], str]) -> Response | tuple[str, int]:
    """Do something to the place whose button was pressed, as it was seen: its value is "code version"."""
    seen = _seen(request.form.get("one", ""))
    if seen is None:
        raise InvalidInput("press the button of a place")
    place, version = seen
    code = place.code
    try:
        done = act(code, version, current_admin().address, now())
    except (Conflict, NotFound) as error:
        current_session().rollback()
        words = str(error)
        return board_page(month, errors={f"row-{code}": f"{words[:1].upper()}{words[1:]}"}), 409
    return _back(month, f"{place.name} {done}.", place=code)


def _seen(text: str) -> tuple[Place, int] | None:
    """A place, and the version of its update that somebody had before them; None for what no button or box sends."""
    code, _, version = text.partition(" ")
    place = gazetteer().get(code)
    return (place, int(version)) if place is not None and version.isdecimal() and len(version) <= 9 else None


def _back(month: Month, words: str, place: str = "") -> Response:
    """Keep it, and show the same rows again."""
    current_session().commit()
    flash(words)
    anchor = f"row-{place}" if place else None
    if request.form.get("then") == "update" and place:
        return redirect(url_for("desk.update", month=month, code=place), 303)
    return redirect(url_for("desk.board", month=month, **_query(), _anchor=anchor), 303)
