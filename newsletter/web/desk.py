"""The desk: editions assembled, approved, sent, watched."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.month import Month
from newsletter.domain.overview import LONGEST
from newsletter.domain.place import Place
from newsletter.domain.states import EditionState
from newsletter.domain.update import Update, UpdateState
from newsletter.errors import EditionStateError, InvalidInput, InvalidMonth
from newsletter.services import deliveries, editorial
from newsletter.services import editions as editions_
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition
from newsletter.web import access
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.progress import Progress
from newsletter.web.wiring import now, wiring

desk = Blueprint("desk", __name__, url_prefix="/admin")
desk.before_request(access.guard)
desk.app_context_processor(access.facts)

#: Seconds between two looks at an edition that is being sent.
REFRESH_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """An edition in the list."""

    edition: Edition
    month: Month
    progress: Progress


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
    return _list_page()


def _list_page(error: str | None = None, typed: str | None = None) -> str:
    session = current_session()
    rows = [
        Row(edition, Month.parse(edition.month), Progress.of(session, edition))
        for edition in editions_.all_editions(session)
    ]
    latest = editorial.latest_month(session)
    waiting = latest if latest and latest not in {row.month for row in rows} else None
    ready = len(editorial.contents(session, waiting).entries) if waiting else 0
    suggested = typed if typed is not None else str(waiting or "")
    return render_template(
        "desk/editions.html", rows=rows, waiting=waiting, ready=ready, suggested=suggested, error=error
    )


@desk.post("/editions")
def assemble() -> Response | tuple[str, int]:
    typed = request.form.get("month", "")
    try:
        month = Month.parse(typed)
    except InvalidMonth:
        return _list_page("Write the month as YYYY-MM, such as 2022-11", typed[:20]), 400
    editions_.ensure(current_session(), month, now=now())
    return _done(month, f"The edition for {month.name} is assembled as a draft.")


@desk.get("/editions/<month:month>")
def edition(month: Month) -> str:
    return _edition_page(month)


def _edition_page(month: Month, error: str | None = None, overview: Typed | None = None) -> str:
    session = current_session()
    found = editions_.get(session, month)
    contents = editions_.contents(session, found)
    progress = Progress.of(session, found)
    return render_template(
        "desk/edition.html",
        edition=found,
        month=month,
        contents=contents,
        changes=_changes(contents, editorial.of_month(session, month), editorial.of_month(session, month.previous)),
        progress=progress,
        flagged=deliveries.flagged(session, found.id) if progress.total else 0,
        refresh=REFRESH_SECONDS if found.state == EditionState.SENDING.value else None,
        error=error,
        typed_overview=overview,
        longest_overview=LONGEST,
    )


@desk.post("/editions/<month:month>/overview")
def write_overview(month: Month) -> Response | tuple[str, int]:
    text = request.form.get("overview", "")
    try:
        edition = editions_.set_overview(current_session(), month, text, now=now())
    except (InvalidInput, EditionStateError) as error:
        told = Typed(text, f"{str(error)[:1].upper()}{str(error)[1:]}")
        return _edition_page(month, overview=told), 409 if isinstance(error, EditionStateError) else 400
    return _done(month, "The overview is saved." if edition.overview else "The edition has no overview now.")


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


@desk.post("/editions/<month:month>/approve")
def approve(month: Month) -> Response:
    publication, by = wiring().publication, current_admin().address
    editions_.approve(current_session(), month, publication, by=by, now=now())
    return _done(month, f"The edition for {month.name} is approved and frozen.")


@desk.get("/editions/<month:month>/send")
def send_form(month: Month) -> str:
    return _send_page(month)


def _send_page(month: Month, error: str | None = None) -> str:
    session = current_session()
    found = editions_.get(session, month)
    audience = deliveries.audience(session, editions_.contents(session, found))
    return render_template("desk/send.html", edition=found, month=month, audience=audience, error=error)


@desk.post("/editions/<month:month>/send")
def send(month: Month) -> Response | tuple[str, int]:
    """Who presses twice sends once: the service sees that it has begun."""
    if not _is_confirmed(month):
        return _send_page(month, _retype(month)), 400
    terms = wiring().settings.terms
    deliveries.start(current_session(), month, by=current_admin().address, now=now(), terms=terms)
    return _done(month, f"The edition for {month.name} is on its way.")


@desk.post("/editions/<month:month>/pause")
def pause(month: Month) -> Response:
    deliveries.pause(current_session(), month, note=f"Paused by {current_admin().address}")
    return _done(month, "Sending is paused. What the relay has in hand is finished.")


@desk.post("/editions/<month:month>/resume")
def resume(month: Month) -> Response:
    deliveries.resume(current_session(), month, now=now(), terms=wiring().settings.terms)
    return _done(month, "Sending goes on.")


@desk.post("/editions/<month:month>/cancel")
def cancel(month: Month) -> Response | tuple[str, int]:
    if not _is_confirmed(month):
        return _edition_page(month, _retype(month)), 400
    deliveries.cancel(current_session(), month, now=now())
    return _done(month, f"The edition for {month.name} is cancelled. No more of it is sent.")


@desk.post("/logout")
def log_out() -> Response:
    return access.end_login()


def _is_confirmed(month: Month) -> bool:
    """What can't be taken back asks for the month to be typed."""
    return request.form.get("month", "").strip() == str(month)


def _retype(month: Month) -> str:
    return f"Type {month} to confirm"


def _done(month: Month, message: str) -> Response:
    current_session().commit()
    flash(message)
    return redirect(url_for("desk.edition", month=month), 303)
