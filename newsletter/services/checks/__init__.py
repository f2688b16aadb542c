"""What is looked at before an edition is released. Errors stop its approval, warnings ask.

finding    what a check found: Finding, Group, Checklist
draft      what is left out, and what is said without a reason
markdown   links and images in editors' texts
spelling   names that are nearly a place's
wording    subject and headlines in a list of mails
weight     size and HTML of the largest digest
reaching   whether links answer; on request only
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.mail.publication import Publication
from newsletter.services import editions, editorial
from newsletter.services.checks import draft, markdown, reaching, spelling, wording
from newsletter.services.checks.finding import Check, Checklist, Finding, Group, Severity
from newsletter.services.checks.weight import Scales, Weight
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate, Edition

__all__ = ["Check", "Checklist", "Finding", "Group", "Scales", "Severity", "Weight", "run"]


def run(session: Session, edition: Edition, publication: Publication, scales: Scales, *, now: datetime) -> Checklist:
    """Look at an edition as it stands. Raises TemplateError for a template of the publisher's own."""
    return Checklist.of(_findings(session, edition, publication, scales, now))


def _findings(
    session: Session, edition: Edition, publication: Publication, scales: Scales, now: datetime
) -> Iterator[Finding]:
    month = Month.parse(edition.month)
    told = editions.contents(session, edition)
    looked_at = draft.Draft(
        contents=told,
        updates=editorial.of_month(session, month),
        before=editorial.of_month(session, month.previous),
        gazetteer=gazetteer(),
        today=now.date(),
    )
    references = list(markdown.references(told))
    if not told.entries:
        yield Finding(Check.NOTHING_READY, f"No update for {month.name} is ready.")
    if not publication.postal_address:
        yield Finding(Check.POSTAL_ADDRESS, "Every digest has to name it in its footer: set POSTAL_ADDRESS.")
    yield from markdown.problems(references)
    yield from scales.weigh(session, edition, told, publication, now=now).findings()
    yield from draft.left_out(looked_at)
    yield from _changed_since(session, edition)
    yield from draft.reasons(looked_at)
    yield from reaching.findings(reaching.kept(session, edition), references)
    yield from spelling.misspelt(told, gazetteer())
    yield from wording.lengths(told, publication)


def _changed_since(session: Session, edition: Edition) -> Iterator[Finding]:
    """Updates that were changed after somebody proposed the edition as it was."""
    if edition.proposed_at is None:
        return
    query = select(CountryUpdate.place_code, func.max(CountryUpdate.changed_at)).where(
        CountryUpdate.month == edition.month, CountryUpdate.changed_at > edition.proposed_at
    )
    for code, _ in session.execute(query.group_by(CountryUpdate.place_code).order_by(CountryUpdate.place_code)):
        yield Finding(Check.CHANGED, f"{gazetteer().require(code).name} was changed after that.", code)
