"""What became of an edition, and the edition once more to those who failed to get it."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from newsletter.domain import subject
from newsletter.domain.month import Month
from newsletter.domain.states import SkipReason
from newsletter.errors import EditionStateError
from newsletter.services import editions, reports, resending
from newsletter.services.progress import SKIPPED_WORDS, in_words
from newsletter.services.reports import Report
from newsletter.storage.places import gazetteer
from newsletter.web.database import current_session
from newsletter.web.desk import report_chart
from newsletter.web.desk.blueprint import desk, done, is_confirmed, note
from newsletter.web.wiring import now, wiring

_MOST_SUBJECTS = 20  #: that are named of those that leavers followed


@desk.get("/editions/<month:month>/report")
def report(month: Month) -> str:
    return _page(month)


def _page(month: Month, error: str | None = None) -> str:
    """The page; with why nothing was sent once more."""
    session = current_session()
    edition = editions.get(session, month)
    kept = reports.kept(session, edition)
    months = reports.compare(session)
    return render_template(
        "desk/report.html",
        edition=edition,
        month=month,
        is_over=reports.is_over(edition),
        report=kept,
        skipped=_skipped(kept) if kept else [],
        left_by=_left_by(kept) if kept else [],
        lasts=in_words,
        chart=report_chart.over_time(kept.minutes) if kept else None,
        spans=report_chart.table(kept.minutes) if kept else [],
        months=months,
        compared=report_chart.by_month(months),
        why_not=resending.why_not(edition),
        error=error,
    )


def _skipped(report: Report) -> list[tuple[int, str]]:
    told = [(report.skipped.get(reason.value, 0), SKIPPED_WORDS[reason]) for reason in SkipReason]
    told.append((reports.unknown_skips(report), "for a reason that is forgotten by now"))
    return [(number, words) for number, words in told if number]


def _left_by(report: Report) -> list[tuple[str, int]]:
    found = list(report.left_by_subject.items())[:_MOST_SUBJECTS]
    return [(subject.name(code, gazetteer()), number) for code, number in found]


@desk.post("/editions/<month:month>/report")
def count_report(month: Month) -> Response:
    """Count it now; the service does it by itself within a minute, and every day for a month."""
    session = current_session()
    edition = editions.get(session, month)
    if not reports.is_over(edition):
        raise EditionStateError(f"the edition for {month} is {edition.state}; its report is made when it has ended")
    made = reports.make(session, edition, wiring().publication, now=now())
    session.rollback()  # what was looked at for seconds may have changed
    reports.keep(session, editions.get(session, month, for_update=True), made)
    note("edition.report_counted", f"edition {month}")
    session.commit()
    flash("The report is counted anew.")
    return redirect(url_for("desk.report", month=month), 303)


@desk.post("/editions/<month:month>/resend")
def resend(month: Month) -> Response | tuple[str, int]:
    """Only to those whose delivery failed, and can be written to by now."""
    if not is_confirmed(month):
        return _page(month, f"Type {month} to confirm"), 400
    settings = wiring().settings
    number = resending.resend(current_session(), month, tokens=settings.tokens, now=now(), terms=settings.terms)
    if number:
        note("edition.resent", f"edition {month}", f"to {number:,} whose delivery had failed")
    who = "1 reader" if number == 1 else f"{number:,} readers"
    return done(month, f"It goes once more to {who}." if number else "Nobody who failed can be written to now.")
