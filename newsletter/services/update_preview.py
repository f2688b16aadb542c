"""One update as its readers would get it, before it is saved: an edition of one place, made as the true one is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.edition import STRIP_MONTHS, Contents, assemble
from newsletter.domain.update import Update, UpdateState
from newsletter.mail import compiling, showing
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.showing import Shown
from newsletter.mail.splicing import Splicer
from newsletter.services import editorial
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate


def contents(session: Session, update: Update) -> Contents:
    """An edition of this update alone, as if it were ready, beside the months before it."""
    first = update.month
    for _ in range(STRIP_MONTHS):
        first = first.previous
    rows = session.scalars(
        select(CountryUpdate).where(
            CountryUpdate.place_code == update.place,
            CountryUpdate.month >= str(first),
            CountryUpdate.month < str(update.month),
        )
    )
    earlier = [editorial.to_update(row) for row in rows]
    return assemble(update.month, [*earlier, replace(update, state=UpdateState.READY)], gazetteer())


def mail(told: Contents, publication: Publication, *, now: datetime) -> Shown:
    """The digest of somebody who follows this place alone; its links name nobody.

    Raises TemplateError for a template of the publisher's own that can't be used.
    """
    compiled = compiling.compile_edition(told, publication, at=now)
    follows = (told.entries[0].place.code,)
    spliced = Splicer(compiled, publication, gazetteer()).splice(Recipient(0, "reader@example.org", follows))
    return showing.taken_apart(spliced.data, publication, told.month, compiled.images)
