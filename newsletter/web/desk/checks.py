"""Checks before a release, and what they lead to: proposed, approved, taken back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from threading import Lock

from flask import current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.config.settings import Release
from newsletter.domain.month import Month
from newsletter.errors import Conflict
from newsletter.services import approval, checks
from newsletter.services import editions as editions_
from newsletter.services.approval import Approval
from newsletter.services.checks import Checklist, Finding, Scales, markdown, reaching
from newsletter.services.checks.fetching import Fetcher
from newsletter.storage.tables import Edition
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import desk, done, note
from newsletter.web.wiring import now, wiring

SCALES = "newsletter_scales"
FETCHER = "newsletter_fetcher"
_ASKING = Lock()  #: one round of questions at a time: each takes many threads for seconds

STALE = timedelta(hours=12)  #: after which links are worth asking again


def scales() -> Scales:
    """The application's, so that an edition isn't compiled for each page."""
    found = current_app.extensions.setdefault(SCALES, Scales())
    if not isinstance(found, Scales):
        raise TypeError(f"another extension has the name {SCALES}")
    return found


def checklist(edition: Edition) -> Checklist:
    """What is found in an edition now."""
    return checks.run(current_session(), edition, wiring().publication, scales(), now=now())


def mended_at(month: Month, finding: Finding) -> str | None:
    """The page where a finding is mended; None where that is done in the settings or in a template."""
    if finding.place is not None:
        endpoint = "desk.update" if "desk.update" in current_app.view_functions else "site.place"
        return url_for(endpoint, code=finding.place, month=month)
    of_overview = finding.words.startswith("The overview")
    return url_for("desk.edition", month=month, _anchor="overview-title") if of_overview else None


@desk.get("/editions/<month:month>/checks")
def checks_page(month: Month) -> str:
    return show_checks(month)


def show_checks(month: Month, *, seen: Collection[str] = (), is_asked: bool = False) -> str:
    """The page; `is_asked` says what is missing for an approval that was asked for, with what was ticked."""
    session = current_session()
    edition = editions_.get(session, month)
    answers = reaching.kept(session, edition)
    rule = wiring().settings.approval
    return render_template(
        "desk/checks.html",
        edition=edition,
        month=month,
        found=checklist(edition),
        seen=seen,
        is_asked=is_asked,
        answers=answers,
        is_stale=answers is not None and now() - answers.at > STALE,
        takes_two=rule is Approval.TWO,
        is_own=edition.proposed_by == current_admin().address,
        mended_at=lambda finding: mended_at(month, finding),
    )


@desk.post("/editions/<month:month>/checks/links")
def check_links(month: Month) -> Response:
    """Ask all links of the edition whether they answer."""
    session = current_session()
    told = editions_.contents(session, editions_.get(session, month))
    urls = reaching.addresses(markdown.references(told))
    session.rollback()  # nothing may wait for us while we wait for the web
    if not _ASKING.acquire(blocking=False):
        raise Conflict("links are being asked already; look again in a minute")
    try:
        problems = reaching.ask(urls, current_app.extensions.setdefault(FETCHER, Fetcher()))
    finally:
        _ASKING.release()
    reaching.keep(session, editions_.get(session, month, for_update=True), urls, problems, now=now())
    note("edition.links_checked", f"edition {month}", f"{len(urls)} asked, {len(problems)} don’t answer")
    session.commit()
    flash(f"{len(urls)} links were asked, and {len(problems) or 'none'} of them did not answer." if urls else _NO_LINKS)
    return redirect(url_for("desk.checks_page", month=month), 303)


_NO_LINKS = "There is no link to ask."


@desk.post("/editions/<month:month>/propose")
def propose(month: Month) -> Response:
    approval.propose(current_session(), month, by=current_admin().address, now=now())
    note("edition.proposed", f"edition {month}")
    return done(month, f"The edition for {month.name} is proposed. Somebody else approves it.")


@desk.post("/editions/<month:month>/approve")
def approve(month: Month) -> Response | tuple[str, int]:
    """Nothing is frozen before all that asks was ticked; what was ticked stays."""
    seen, session = request.form.getlist("seen"), current_session()
    found = checklist(editions_.draft(session, month))
    if found.errors or found.unseen(seen):
        return show_checks(month, seen=seen, is_asked=True), 409 if found.errors else 400
    settings, by = wiring().settings, current_admin().address
    approval.approve(
        session,
        month,
        wiring().publication,
        by=by,
        now=now(),
        rule=settings.approval,
        seen=seen,
        scales=scales(),
    )
    note("edition.approved", f"edition {month}", _told(found))
    return done(month, f"The edition for {month.name} is approved and frozen.")


def _told(found: Checklist) -> str:
    """Which warnings were seen, for the audit log."""
    return "; ".join(f"{group.check.heading}: {len(group.findings)} seen" for group in found.warnings)


@desk.post("/editions/<month:month>/take-back")
def take_back(month: Month) -> Response:
    approval.take_back(current_session(), month, now=now())
    note("edition.taken_back", f"edition {month}")
    words = f"The edition for {month.name} is a draft again, and needs a new approval."
    if wiring().settings.release is Release.AUTOMATIC:
        words += " It is not released by itself any more."
    return done(month, words)
