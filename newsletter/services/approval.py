"""An edition's way from draft to approved, and back.

propose     somebody asks for approval, where it takes two
approve     nothing stops it, what asks was seen, and the edition is frozen
take_back   an approved edition that is not being sent yet becomes a draft again, and needs a new approval
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.errors import EditionStateError
from newsletter.mail.publication import Publication
from newsletter.services import checks, editions
from newsletter.services.checks import Checklist, Scales
from newsletter.storage.tables import Edition, EditionPicture


class Approval(StrEnum):
    """How many people it takes to approve an edition."""

    ONE = "one"
    TWO = "two"  #: one proposes, another one approves


def propose(session: Session, month: Month, *, by: str, now: datetime) -> Edition:
    """Ask somebody else to approve the draft as it stands; asking again renews it. Raises EditionStateError."""
    edition = editions.draft(session, month)
    edition.proposed_at, edition.proposed_by = now, by
    session.flush()
    return edition


def approve(
    session: Session,
    month: Month,
    publication: Publication,
    *,
    by: str,
    now: datetime,
    rule: Approval = Approval.ONE,
    seen: Collection[str] | None = None,
    scales: Scales | None = None,
) -> Edition:
    """Freeze the draft, once nothing stops it. `seen` are the keys of the warnings that were ticked; None asks nobody.

    Raises NotFound, TemplateError, and EditionStateError with what is in the way.
    """
    edition = editions.draft(session, month)
    _require_second_person(edition, by, rule)
    checklist = checks.run(session, edition, publication, scales or Scales(), now=now)
    # The edition itself knows what it can't be frozen without, and says so with what to do.
    if checklist.errors and publication.postal_address and editions.contents(session, edition).entries:
        raise EditionStateError(_what_stops(month, checklist))
    if seen is not None and checklist.unseen(seen):
        number = len(checklist.unseen(seen))
        raise EditionStateError(f"look at the checks first: {number} of them {'asks' if number == 1 else 'ask'}")
    return editions.approve(session, month, publication, by=by, now=now)


def _require_second_person(edition: Edition, by: str, rule: Approval) -> None:
    if rule is Approval.ONE:
        return
    if edition.proposed_by is None:
        raise EditionStateError(f"it takes two to approve an edition: propose {edition.month} first")
    if edition.proposed_by == by:
        raise EditionStateError(f"you have proposed {edition.month}, so somebody else has to approve it")


def _what_stops(month: Month, checklist: Checklist) -> str:
    findings = [finding for group in checklist.errors for finding in group.findings]
    more = f" And {len(findings) - 1} more." if len(findings) > 1 else ""
    return f"the edition for {month} can't be approved. {findings[0].words}{more}"


def take_back(session: Session, month: Month, *, now: datetime) -> Edition:
    """Make it a draft that nobody has proposed; nothing is frozen any more, and no schedule approves or sends it.

    Raises EditionStateError once it is being sent.
    """
    edition = editions.get(session, month, for_update=True)
    if edition.state not in (EditionState.DRAFT.value, EditionState.APPROVED.value):
        raise EditionStateError(f"the edition for {month} is {edition.state}, and can't be taken back any more")
    edition.state = EditionState.DRAFT.value
    edition.approved_at = edition.approved_by = None
    edition.proposed_at = edition.proposed_by = None
    edition.send_at = edition.send_at_by = None
    edition.taken_back_at = now
    edition.note = None
    edition.compiled = None
    session.execute(delete(EditionPicture).where(EditionPicture.edition_id == edition.id))
    session.flush()
    return edition
