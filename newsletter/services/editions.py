"""The month's edition: assembled, frozen, released."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain import overview as overviews
from newsletter.domain.edition import Contents
from newsletter.domain.formats import contents as contents_json
from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.errors import CompiledElsewhere, ContentChanged, EditionStateError, InvalidInput, NotFound
from newsletter.mail import compiling
from newsletter.mail.compiled import Compiled
from newsletter.mail.publication import Publication
from newsletter.services import editorial, pictures
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CompiledEdition, Edition
from newsletter.storage.upsert import insert_or_ignore


def ensure(session: Session, month: Month, *, now: datetime) -> Edition:
    """The month's edition; made as a draft if there is none. Run it twice, get one."""
    insert_or_ignore(session, Edition, month=str(month), state=EditionState.DRAFT.value, created_at=now)
    return get(session, month, for_update=True)


def get(session: Session, month: Month, *, for_update: bool = False) -> Edition:
    """The month's edition; `for_update` reads it anew, whatever the session has seen of it. Raises NotFound."""
    query = select(Edition).where(Edition.month == str(month))
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    edition = session.scalars(query).one_or_none()
    if edition is None:
        raise NotFound(f"there is no edition for {month}; make it with 'newsletter edition assemble {month}'")
    return edition


def all_editions(session: Session) -> Sequence[Edition]:
    """All editions, the newest month first."""
    return session.scalars(select(Edition).order_by(Edition.month.desc())).all()


def released(session: Session) -> Sequence[Edition]:
    """The editions that were ever approved, the newest month first: what the archive shows."""
    query = select(Edition).where(Edition.approved_at.is_not(None)).order_by(Edition.month.desc())
    return session.scalars(query).all()


def contents(session: Session, edition: Edition) -> Contents:
    """What the edition tells: frozen once it is approved, else the updates that are ready now."""
    if edition.compiled is not None:
        return contents_json.load(edition.compiled.content, gazetteer())
    return replace(editorial.contents(session, Month.parse(edition.month)), overview=edition.overview)


def set_overview(session: Session, month: Month, text: str, *, now: datetime) -> Edition:
    """Put the editors' words on the month into its draft, which is made if it isn't there; "" takes them away.

    Raises InvalidInput when the text can't be taken, EditionStateError when the edition is no draft any more.
    """
    text = overviews.tidy(text)
    problems = overviews.problems(text)
    if problems:
        raise InvalidInput(f"the overview {'; it '.join(problems)}")
    edition = ensure(session, month, now=now)
    if edition.state != EditionState.DRAFT.value:
        raise EditionStateError(
            f"the edition for {month} is {edition.state}, and its overview can't be changed any more"
        )
    if edition.overview != text:
        edition.proposed_at = edition.proposed_by = None  # what was proposed was another edition
    edition.overview = text
    session.flush()
    return edition


def draft(session: Session, month: Month) -> Edition:
    """The month's edition, locked, while it may change. Raises NotFound, or EditionStateError when it is no draft."""
    edition = get(session, month, for_update=True)
    if edition.state != EditionState.DRAFT.value:
        raise EditionStateError(f"the edition for {month} is {edition.state}, and only a draft can be approved")
    return edition


def compile_draft(session: Session, edition: Edition, publication: Publication, *, now: datetime) -> Compiled:
    """The pieces that the edition's digests are spliced from: the frozen ones, or of a draft as it stands now."""
    if edition.compiled is not None:
        return compiled(edition, publication)
    return compiling.compile_edition(contents(session, edition), publication, at=now)


def approve(session: Session, month: Month, publication: Publication, *, by: str, now: datetime) -> Edition:
    """Compile and freeze the edition: from here on every reader gets what was approved.

    Raises NotFound; EditionStateError when it is no draft, holds no update, or a footer would lack the postal address.
    """
    edition = draft(session, month)
    if not publication.postal_address:
        raise EditionStateError("set POSTAL_ADDRESS first: every digest has to name it in its footer")
    told = contents(session, edition)
    if not told.entries:
        raise EditionStateError(f"no update for {month} is ready; import some, or mark them as ready")
    content = contents_json.dump(told)
    made = compiling.compile_edition(told, publication, at=now)
    freeze(session, edition, made, content)
    edition.state = EditionState.APPROVED.value
    edition.approved_at = now
    edition.approved_by = by
    edition.note = None
    session.flush()
    return edition


def compiled(edition: Edition, publication: Publication) -> Compiled:
    """The frozen pieces; made anew from the frozen content where another version of this program made them.

    Raises EditionStateError for a draft, ContentChanged when they are not what was approved.
    """
    row = edition.compiled
    if row is None:
        raise EditionStateError(f"the edition for {edition.month} is not approved yet")
    if row.sha256 != _digest(row.content, row.pieces):
        raise ContentChanged(f"the edition for {edition.month} was changed after it was approved; nothing is sent")
    try:
        return Compiled.load(row.pieces)
    except CompiledElsewhere:
        frozen = contents_json.load(row.content, gazetteer())
        return compiling.compile_edition(frozen, publication, at=edition.approved_at or edition.created_at)


def freeze(session: Session, edition: Edition, made: Compiled, content: str) -> None:
    """Keep what the edition's digests are made of, and its pictures."""
    pieces = made.dump()
    pictures.keep(session, edition, made.images)
    if edition.compiled is None:
        edition.compiled = CompiledEdition()
    edition.compiled.content, edition.compiled.pieces = content, pieces
    edition.compiled.sha256 = _digest(content, pieces)
    session.flush()


def _digest(content: str, pieces: str) -> str:
    return hashlib.sha256(f"{content}\0{pieces}".encode()).hexdigest()
