"""Editions: listed, assembled, looked at, approved."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.month import Month
from newsletter.domain.overview import LONGEST
from newsletter.domain.place import Place
from newsletter.domain.states import EditionState
from newsletter.domain.update import Update, UpdateState
from newsletter.errors import EditionStateError, InvalidInput, InvalidMonth
from newsletter.services import by_destination, counts, editorial
from newsletter.services import editions as editions_
from newsletter.services.by_destination import Shares
from newsletter.services.progress import Standing
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition
from newsletter.web import progress
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import desk, done, note
from newsletter.web.desk.checks import checklist
from newsletter.web.progress import NextStep
from newsletter.web.wiring import now

REFRESH_SECONDS = 3  #: between two looks at an edition that is being sent
MOST_DESTINATIONS = 20  #: that are named on a page


@dataclass(frozen=True, slots=True)
class Row:
    """An edition in the list."""

    edition: Edition
    month: Month
    standing: Standing
    next_step: NextStep


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different from the month before."""

    moved: tuple[Entry, ...]  #: another trend than last month
    alerted: tuple[Entry, ...]  #: an alert that did not stand last month
    added: tuple[Entry, ...]  #: no update last month
    dropped: tuple[Place, ...]  #: an update last month, and none now
    drafts: tuple[Place, ...]  #: an update that is not ready


@dataclass(frozen=True, slots=True)
class Typed:
    """A text that could not be taken, so that it isn't lost, and why."""

    text: str
    error: str


@desk.get("/")
def editions() -> str:
    return list_page()


def list_page(error: str | None = None, typed: str | None = None, *, accept_error: str | None = None) -> str:
    """The list of editions; with what was typed for a new one, and why it could not be taken."""
    session = current_session()
    rows = [_row(edition) for edition in editions_.all_editions(session)]
    latest = editorial.latest_month(session)
    waiting = latest if latest and latest not in {row.month for row in rows} else None
    ready = len(editorial.contents(session, waiting).entries) if waiting else 0
    suggested = typed if typed is not None else str(waiting or "")
    return render_template(
        "desk/editions.html",
        rows=rows,
        waiting=waiting,
        ready=ready,
        suggested=suggested,
        error=error,
        accept_error=accept_error,
    )


def _row(edition: Edition) -> Row:
    standing = progress.standing(edition)
    return Row(edition, Month.parse(edition.month), standing, progress.next_step(standing))


@desk.post("/editions")
def assemble() -> Response | tuple[str, int]:
    typed = request.form.get("month", "")
    try:
        month = Month.parse(typed)
    except InvalidMonth:
        return list_page("Write the month as YYYY-MM, such as 2022-11", typed[:20]), 400
    editions_.ensure(current_session(), month, now=now())
    note("edition.assembled", f"edition {month}")
    return done(month, f"The edition for {month.name} is assembled as a draft.")


@desk.get("/editions/<month:month>")
def edition(month: Month) -> str:
    return edition_page(month)


def edition_page(month: Month, *, retype: str | None = None, overview: Typed | None = None) -> str:
    """The page of one edition; `retype` is the button beside which something else was typed than the month."""
    session = current_session()
    found = editions_.get(session, month)
    contents = editions_.contents(session, found)
    standing = progress.standing(found)
    # Only a page that was asked for by its own address can be asked for again.
    refreshes = standing.state is EditionState.SENDING and retype is None and overview is None
    return render_template(
        "desk/edition.html",
        edition=found,
        month=month,
        contents=contents,
        changes=_changes(contents, editorial.of_month(session, month), editorial.of_month(session, month.previous)),
        found=checklist(found) if found.state == EditionState.DRAFT.value else None,
        standing=standing,
        count=standing.count,
        skipped=progress.skipped_in_words(standing),
        rates=progress.watched().rates(str(month)),
        drawing=progress.drawing,
        highest=progress.highest,
        shares=_shares(session, found, standing),
        held=counts.held_details(session, found.id) if standing.count.held else {},
        most_destinations=MOST_DESTINATIONS,
        refresh=max(REFRESH_SECONDS, standing.count.good_for) if refreshes else None,
        retype=retype,
        typed_overview=overview,
        longest_overview=LONGEST,
    )


def _shares(session: Session, edition: Edition, standing: Standing) -> Shares | None:
    """Each destination's part, of an edition that is on its way."""
    if edition.state not in (EditionState.SENDING.value, EditionState.PAUSED.value) or not standing.count.total:
        return None
    return by_destination.shares(session, edition, standing.count.total)


@desk.post("/editions/<month:month>/overview")
def write_overview(month: Month) -> Response | tuple[str, int]:
    text = request.form.get("overview", "")
    try:
        edition = editions_.set_overview(current_session(), month, text, now=now())
    except (InvalidInput, EditionStateError) as error:
        told = Typed(text, f"{str(error)[:1].upper()}{str(error)[1:]}")
        return edition_page(month, overview=told), 409 if isinstance(error, EditionStateError) else 400
    note("edition.overview", f"edition {month}")
    return done(month, "The overview is saved." if edition.overview else "The edition has no overview now.")


def _changes(contents: Contents, this_month: list[Update], last_month: list[Update]) -> Changes:
    entries = contents.entries
    told = {entry.place.code for entry in entries}
    before = {update.place for update in last_month if update.state is UpdateState.READY}
    drafts = {update.place for update in this_month if update.state is UpdateState.DRAFT}
    return Changes(
        moved=tuple(each for each in entries if each.trend_before not in (None, each.update.trend)),
        alerted=tuple(each for each in entries if each.new_alerts),
        added=tuple(each for each in entries if each.trend_before is None),
        dropped=_named(before - told),
        drafts=_named(drafts - told),
    )


def _named(codes: set[str]) -> tuple[Place, ...]:
    return tuple(place for place in gazetteer().places if place.code in codes)
