"""An edition sent, paused, resumed, cancelled."""

from __future__ import annotations

from contextlib import closing

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.month import Month
from newsletter.services import deliveries, guard
from newsletter.services import editions as editions_
from newsletter.storage.database import Database
from newsletter.storage.home import home
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import ACCEPT, desk, done, is_confirmed, note
from newsletter.web.desk.editions import edition_page, list_page
from newsletter.web.wiring import now, wiring


@desk.get("/editions/<month:month>/send")
def send_form(month: Month) -> str:
    return _send_page(month)


def _send_page(month: Month, error: str | None = None) -> str:
    session = current_session()
    found = editions_.get(session, month)
    audience = deliveries.audience(session, editions_.contents(session, found), now=now())
    return render_template("desk/send.html", edition=found, month=month, audience=audience, error=error)


@desk.post("/editions/<month:month>/send")
def send(month: Month) -> Response | tuple[str, int]:
    """Who presses twice sends once: the service sees that it has begun."""
    if not is_confirmed(month):
        return _send_page(month, f"Type {month} to confirm"), 400
    terms = wiring().settings.terms
    deliveries.start(current_session(), month, by=current_admin().address, now=now(), terms=terms)
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
