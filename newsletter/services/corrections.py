"""An edition that was sent is corrected: written, read by whoever approves, published on the web, told by mail.

begin     the next revision, with the edition's texts as they stand
change    one place's update in it
describe  what was wrong, in words
propose   somebody else is asked to approve it, where it takes two
publish   the web shows it from then on, and the places' own updates are replaced
tell      a mail to those who got the wrong update

Until it is published nobody outside the desk sees any of it. What was sent stays frozen, as revision 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.formats import contents as contents_json
from newsletter.domain.formats.json import to_json
from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.domain.update import Update, UpdateState
from newsletter.errors import Conflict, EditionStateError, InvalidInput, NotFound
from newsletter.services import editions, editorial, revisions
from newsletter.services.approval import Approval
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition, EditionRevision

LONGEST_NOTE = 1_000  #: characters

_ENDED = (EditionState.SENT.value, EditionState.CANCELLED.value)


@dataclass(frozen=True, slots=True)
class Corrected:
    """A place in a correction that is being written."""

    before: Update  #: as the web shows it now
    after: Update


def can_begin(edition: Edition) -> bool:
    """Whether an edition is one that is corrected: it was sent, as far as it was, and nothing of it goes out now."""
    return edition.state in _ENDED and edition.send_started_at is not None


def open_one(session: Session, edition: Edition, *, for_update: bool = False) -> EditionRevision | None:
    """The correction that is being written, if there is one; `for_update` lets nobody else change it."""
    query = select(EditionRevision).where(EditionRevision.edition_id == edition.id, EditionRevision.at.is_(None))
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def begin(session: Session, month: Month) -> EditionRevision:
    """Begin the next correction, or find the one that was begun.

    Updates that were imported since into the place of what was sent are in it already. Raises NotFound, and
    EditionStateError for an edition that was never sent, or is on its way.
    """
    edition = editions.get(session, month, for_update=True)
    if not can_begin(edition):
        raise EditionStateError(f"the edition for {month} is {edition.state}; what can be corrected was sent before")
    found = open_one(session, edition)
    if found is not None:
        return found
    stands = revisions.contents(session, edition)
    now_stored = {each.place: each for each in editorial.of_month(session, month) if each.state is UpdateState.READY}
    told = replace(
        stands,
        entries=tuple(replace(each, update=now_stored.get(each.place.code, each.update)) for each in stands.entries),
    )
    made = EditionRevision(
        edition_id=edition.id, number=edition.revision + 1, note="", places="", content=contents_json.dump(told)
    )
    session.add(made)
    session.flush()
    return made


def changed(session: Session, edition: Edition, revision: EditionRevision) -> Mapping[str, Corrected]:
    """The places whose update differs from what the web shows now, by code, in the edition's order."""
    before = {each.place.code: each.update for each in revisions.contents(session, edition).entries}
    after = contents_of(revision)
    return {
        each.place.code: Corrected(before[each.place.code], each.update)
        for each in after.entries
        if before[each.place.code] != each.update
    }


def contents_of(revision: EditionRevision) -> Contents:
    """What the edition would tell."""
    return contents_json.load(revision.content, gazetteer())


def entry_of(revision: EditionRevision, place_code: str) -> Entry:
    """One place in it. Raises NotFound for one that is not in the edition."""
    found = next((each for each in contents_of(revision).entries if each.place.code == place_code), None)
    if found is None:
        raise NotFound(f"{place_code} is not in this edition; only what was sent is corrected")
    return found


def fingerprint(update: Update) -> str:
    """Tells one state of an update from another, for a form that was open for a while."""
    return hashlib.sha256(json.dumps(to_json(update), sort_keys=True).encode()).hexdigest()[:16]


def change(session: Session, month: Month, update: Update, *, seen: str) -> bool:
    """Put an update into the correction, on top of the one with the fingerprint `seen`; whether it differs.

    Raises NotFound, EditionStateError without a correction, InvalidUpdate, and Conflict when another one is there by
    now. What was proposed has to be proposed anew.
    """
    _, revision = _writable(session, month)
    update = editorial.checked(replace(update, state=UpdateState.READY))
    stands = entry_of(revision, update.place).update
    if fingerprint(stands) != seen:
        raise Conflict("somebody else has changed this update in the correction since; look at theirs first")
    if set(stands.alerts) == set(update.alerts):
        update = replace(update, alerts=stands.alerts)  # a form has them in its own order
    if stands == update:
        return False
    told = contents_of(revision)
    entries = tuple(replace(each, update=update) if each.place.code == update.place else each for each in told.entries)
    revision.content = contents_json.dump(replace(told, entries=entries))
    revision.proposed_at = revision.proposed_by = None
    session.flush()
    return True


def describe(session: Session, month: Month, note: str) -> EditionRevision:
    """Say what was wrong; readers see these words. Raises InvalidInput, and as `change` does."""
    _, revision = _writable(session, month)
    words = "\n".join(" ".join(line.split()) for line in note.strip().splitlines())
    if not words:
        raise InvalidInput("say what was wrong: readers see these words beside the correction")
    if len(words) > LONGEST_NOTE:
        raise InvalidInput(f"write at most {LONGEST_NOTE:,} characters; there are {len(words):,}")
    if any(not char.isprintable() and char != "\n" for char in words):
        raise InvalidInput("there is a control character in it: type it anew")
    if revision.note != words:
        revision.proposed_at = revision.proposed_by = None
    revision.note = words
    session.flush()
    return revision


def drop(session: Session, month: Month) -> None:
    """Throw away what was written of it. Raises as `change` does."""
    _, revision = _writable(session, month)
    session.delete(revision)
    session.flush()


def propose(session: Session, month: Month, *, by: str, now: datetime) -> EditionRevision:
    """Ask somebody else to publish it. Raises EditionStateError while anything is missing."""
    edition, revision = _writable(session, month)
    _require_whole(session, edition, revision)
    revision.proposed_at, revision.proposed_by = now, by
    session.flush()
    return revision


def publish(
    session: Session, month: Month, *, by: str, now: datetime, rule: Approval = Approval.ONE
) -> EditionRevision:
    """Let the web show it, and put the corrected updates in the place of the places' own.

    Raises EditionStateError while anything is missing, or it takes another person; see services.approval.
    """
    edition, revision = _writable(session, month)
    corrected = _require_whole(session, edition, revision)
    if rule is Approval.TWO and revision.proposed_by is None:
        raise EditionStateError("it takes two to publish a correction: propose it first")
    if rule is Approval.TWO and revision.proposed_by == by:
        raise EditionStateError("you have proposed this correction, so somebody else has to publish it")
    for each in corrected.values():
        editorial.store(session, each.after, now=now, by=by)
    revision.at, revision.by = now, by
    revision.places = ";".join(corrected)
    edition.revision = revision.number
    session.flush()
    return revision


def _writable(session: Session, month: Month) -> tuple[Edition, EditionRevision]:
    """The edition and its open correction, both locked."""
    edition = editions.get(session, month, for_update=True)
    revision = open_one(session, edition, for_update=True)
    if revision is None:
        raise EditionStateError(f"no correction of the edition for {month} is being written; begin one")
    if not can_begin(edition):
        raise EditionStateError(f"the edition for {month} is {edition.state}; it is corrected once it has ended")
    return edition, revision


def _require_whole(session: Session, edition: Edition, revision: EditionRevision) -> Mapping[str, Corrected]:
    corrected = changed(session, edition, revision)
    if not corrected:
        raise EditionStateError("nothing is corrected yet: change an update first")
    if not revision.note:
        raise EditionStateError("say what was wrong first: readers see these words beside the correction")
    return corrected
