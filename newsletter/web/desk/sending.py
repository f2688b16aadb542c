"""An edition sent, paused, resumed, cancelled."""

from __future__ import annotations

from contextlib import closing

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.month import Month
from newsletter.errors import InvalidInput
from newsletter.services import deliveries, guard, schedule
from newsletter.services import editions as editions_
from newsletter.services.progress import in_words
from newsletter.storage.database import Database
from newsletter.storage.home import home
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import ACCEPT, desk, done, is_confirmed, note
from newsletter.web.desk.editions import edition_page, list_page
from newsletter.web.desk.release import Choice, look_ahead, pace_of, read_choice, release_page
from newsletter.web.rendering import moment
from newsletter.web.wiring import now, wiring


@desk.get("/editions/<month:month>/send")
def send_form(month: Month) -> str | tuple[str, int]:
    """The last page before an edition goes: what will happen, and the month to be typed."""
    try:
        return _send_page(month, read_choice(month, request.args))
    except InvalidInput as error:
        return _asked_again(month, error)


def _asked_again(month: Month, error: InvalidInput) -> tuple[str, int]:
    """The page where the time was chosen, with what is wrong with it beside its field."""
    given, told = request.values, str(error)
    page = release_page(
        month, when=given.get("when", ""), typed=given.get("at", "")[:40], error=f"{told[:1].upper()}{told[1:]}"
    )
    return page, 400


def _send_page(month: Month, choice: Choice, error: str | None = None) -> str:
    found = editions_.get(current_session(), month)
    run = look_ahead(found)
    return render_template(
        "desk/send.html",
        edition=found,
        month=month,
        run=run,
        pace=pace_of(run, choice.at or now()) if run else None,
        lasts=in_words,
        choice=choice,
        error=error,
    )


@desk.post("/editions/<month:month>/send")
def send(month: Month) -> Response | tuple[str, int]:
    """Who presses twice sends once: the service sees that it has begun."""
    try:
        choice = read_choice(month, request.form)
    except InvalidInput as error:
        return _asked_again(month, error)
    if not is_confirmed(month):
        return _send_page(month, choice, f"Type {month} to confirm"), 400
    session, by, settings = current_session(), current_admin().address, wiring().settings
    if choice.at is not None:
        schedule.put_off(session, month, choice.at, by=by)
        note("edition.put_off", f"edition {month}", f"until {choice.at:%Y-%m-%d %H:%M} UTC")
        return done(month, f"The edition for {month.name} is sent by itself on {moment(choice.at)}.")
    deliveries.start(session, month, by=by, now=now(), terms=settings.terms)
    note("edition.sent", f"edition {month}")
    return done(month, f"The edition for {month.name} is on its way.")


@desk.post("/editions/<month:month>/pause")
def pause(month: Month) -> Response:
    deliveries.pause(current_session(), month, note=f"Paused by {current_admin().address}")
    note("edition.paused", f"edition {month}")
    return done(month, "Sending is paused. What the relay has in hand is finished.")


@desk.post("/editions/<month:month>/resume")
def resume(month: Month) -> Response:
    deliveries.resume(current_session(), month, now=now(), terms=wiring().settings.terms)
    note("edition.resumed", f"edition {month}")
    return done(month, "Sending goes on.")


@desk.post("/editions/<month:month>/cancel")
def cancel(month: Month) -> Response | tuple[str, int]:
    if not is_confirmed(month):
        return edition_page(month, retype="cancel"), 400
    deliveries.cancel(current_session(), month, now=now())
    note("edition.cancelled", f"edition {month}")
    return done(month, f"The edition for {month.name} is cancelled. No more of it is sent.")


@desk.post("/editions/<month:month>/held/send-again")
def send_held_again(month: Month) -> Response:
    number = deliveries.send_held_again(current_session(), month, now=now(), terms=wiring().settings.terms)
    note("edition.held_sent_again", f"edition {month}", f"{number:,} deliveries")
    return done(month, f"{_counted(number)} sent again." if number else "Nothing was held.")


@desk.post("/editions/<month:month>/held/give-up")
def give_up_held(month: Month) -> Response | tuple[str, int]:
    if not is_confirmed(month):
        return edition_page(month, retype="give_up"), 400
    number = deliveries.give_up_held(current_session(), month, now=now())
    note("edition.held_given_up", f"edition {month}", f"{number:,} deliveries")
    return done(month, f"{_counted(number)} given up." if number else "Nothing was held.")


def _counted(number: int) -> str:
    return "1 delivery is" if number == 1 else f"{number:,} deliveries are"


@desk.post("/accept")
def accept() -> Response | tuple[str, int]:
    """Send from this database, although it may be a restored backup."""
    if request.form.get("word", "").strip().lower() != ACCEPT:
        return list_page(accept_error=f"Type “{ACCEPT}” to confirm"), 400
    session = current_session()
    with closing(Database(wiring().settings.database_url)) as database:
        is_accepted = guard.accept(session, home=home(database, session), now=now())
    note("database.accepted", "database")
    session.commit()
    flash("Mail goes out from this database." if is_accepted else "Nothing stood in the way of sending.")
    return redirect(url_for("desk.editions"), 303)
