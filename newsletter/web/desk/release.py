"""The release of an edition: a dry run, previews, test copies, and when it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.errors import InvalidInput
from newsletter.services import dry_run, schedule
from newsletter.services import editions as editions_
from newsletter.services.approval import Approval
from newsletter.services.dry_run import DryRun, Pace
from newsletter.services.progress import in_words
from newsletter.services.schedule import Schedule
from newsletter.storage.tables import Edition
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import desk, done, note
from newsletter.web.desk.checks import checklist
from newsletter.web.wiring import now, wiring

#: Looks at the digest that are worth taking before a release: words, and the preview's query.
LOOKS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Of who follows everything", {}),
    ("On a phone", {"width": "phone"}),
    ("On dark paper", {"width": "phone", "scheme": "dark"}),
    ("With images off", {"pictures": "off"}),
    ("As text", {"part": "text"}),
    ("The whole message", {"part": "source"}),
)


class When(StrEnum):
    """When an approved edition is sent."""

    NOW = "now"
    TIME = "time"  #: at a time that somebody types
    SCHEDULE = "schedule"  #: when SCHEDULE says that the month is due


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose, and what that comes to."""

    when: When = When.NOW
    typed: str = ""  #: the time as it was typed
    at: datetime | None = None  #: None: now


def read_choice(month: Month, given: Mapping[str, str]) -> Choice:
    """What a form chose. Raises InvalidInput for a time that can't be taken."""
    try:
        when = When(given.get("when", When.NOW.value))
    except ValueError:
        raise InvalidInput("choose now, a time, or the schedule") from None
    typed = given.get("at", "")[:40]
    if when is When.NOW:
        return Choice(typed=typed)
    if when is When.TIME:
        return Choice(when, typed, schedule.read_time(typed, wiring().settings.zone, now=now()))
    due = due_at(month)
    if due is None:
        raise InvalidInput("the schedule’s time for this month is over; choose another one")
    return Choice(when, typed, due)


def due_at(month: Month) -> datetime | None:
    """When SCHEDULE says that a month is due, as long as that is to come."""
    settings = wiring().settings
    due = Schedule(settings.schedule, settings.zone).due_at(month)
    return due if due is not None and due > now() else None


def look_ahead(edition: Edition) -> DryRun | None:
    """The dry run: made now where that takes little, else the last one that somebody asked for."""
    session = current_session()
    if dry_run.is_quick(session, edition):
        return dry_run.make(session, edition, wiring().publication, now=now())
    return dry_run.kept(session, edition)


def pace_of(run: DryRun, first_at: datetime) -> Pace:
    """How long the readers of a dry run take by the settings."""
    settings = wiring().settings
    wait = timedelta(minutes=settings.canary_wait)
    return dry_run.pace(
        current_session(), run.readers, rate=settings.rate, first_at=first_at, canary=settings.canary, canary_wait=wait
    )


@desk.get("/editions/<month:month>/release")
def release(month: Month) -> str:
    return release_page(month)


def release_page(month: Month, *, when: str = When.NOW.value, typed: str = "", error: str | None = None) -> str:
    """The page; with a time that could not be taken, and why."""
    session, settings = current_session(), wiring().settings
    edition = editions_.get(session, month)
    run = look_ahead(edition)
    return render_template(
        "desk/release.html",
        edition=edition,
        month=month,
        found=checklist(edition) if edition.state == EditionState.DRAFT.value else None,
        run=run,
        is_live=dry_run.is_quick(session, edition),
        pace=pace_of(run, edition.send_at or now()) if run else None,
        lasts=in_words,
        limits=_limits(),
        looks=LOOKS,
        takes_two=settings.approval is Approval.TWO,
        due_at=due_at(month),
        zone=settings.zone.key,
        when=when,
        typed=typed,
        error=error,
    )


def _limits() -> list[str]:
    """What may make it take longer than the rate tells, each as a sentence."""
    settings = wiring().settings
    told = []
    if settings.quiet_hours is not None:
        told.append(f"Nothing is sent from {str(settings.quiet_hours).replace('-', ' to ')} (QUIET_HOURS).")
    today = now().astimezone(settings.zone).date()
    limit = settings.warm_up.limit(today) if settings.warm_up is not None else None
    if limit is not None:
        told.append(f"At most {limit:,} messages go out today, and twice as many on each day after it (WARM_UP).")
    if settings.canary:
        told.append(f"{settings.canary:g} % get it first; the rest follows {settings.canary_wait:g} minutes later.")
    told.append("Providers may take mail more slowly than it is sent, and put some of it off.")
    return told


@desk.post("/editions/<month:month>/dry-run")
def make_dry_run(month: Month) -> Response:
    session = current_session()
    edition = editions_.get(session, month)
    dry_run.keep(session, edition, dry_run.make(session, edition, wiring().publication, now=now()))
    note("edition.dry_run", f"edition {month}")
    session.commit()
    flash("The dry run is made.")
    return redirect(url_for("desk.release", month=month), 303)


@desk.post("/editions/<month:month>/call-off")
def call_off(month: Month) -> Response:
    """An edition that waits for its time waits for a person again."""
    schedule.call_off(current_session(), month)
    note("edition.called_off", f"edition {month}")
    return done(month, f"The edition for {month.name} is not sent by itself any more.")
