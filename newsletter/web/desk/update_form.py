"""An update's form: what a browser sent, and the page that shows it again with all that belongs beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import render_template, request
from sqlalchemy.orm import Session

from newsletter.domain.differences import Difference, compare
from newsletter.domain.formats.typed import KINDS, Checked, Typed
from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.update import MOST_DEVELOPMENTS, Update, UpdateState
from newsletter.services import board, editing, editorial, unsaved, versions
from newsletter.services.unsaved import Unsaved
from newsletter.services.versions import Version
from newsletter.services.warnings import headline_room, warnings_of
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.wiring import now


@dataclass(frozen=True, slots=True)
class Filled:
    """A form with what is typed in it, and what there is to say of that."""

    place: Place
    month: Month
    typed: Typed
    version: int  #: of the update that it changes; 0: there is none
    errors: Mapping[str, str] = field(default_factory=dict)  #: by field
    doubts: Sequence[str] | None = None  #: what the reader of a pasted page wasn't sure of; None: nothing was pasted
    theirs: Version | None = None  #: what somebody else has saved in the meantime
    is_unsaved: bool = False  #: it holds something that is stored nowhere


def sent(place: Place, month: Month) -> Filled:
    """What the browser sent."""
    version = request.form.get("version", "")
    return Filled(
        place,
        month,
        Typed.read(request.form.getlist),
        int(version) if version.isdecimal() and len(version) < 10 else 0,
        is_unsaved=True,
    )


def stored(session: Session, place: Place, month: Month) -> Filled:
    """What is stored; an empty form when there is nothing."""
    row = editorial.find(session, place.code, month)
    if row is None:
        return Filled(place, month, Typed.empty(), 0)
    return Filled(place, month, Typed.of(editorial.to_update(row)), row.version)


def show(filled: Filled) -> str:
    """The page."""
    session, me = current_session(), current_admin()
    place, month = filled.place, filled.month
    row = editorial.find(session, place.code, month)
    before = before_of(session, place, month)
    kept = unsaved.get(session, me.id, place.code, month)
    stands = editorial.to_update(row) if row else None
    return render_template(
        "desk/update.html",
        place=place,
        month=month,
        filled=filled,
        typed=filled.typed,
        errors=filled.errors,
        row=row,
        state=board.state_of(row),
        frozen=editing.frozen_as(session, month),
        before=before,
        compared=against(before, filled.typed),
        clash=against_theirs(filled),
        offered=kept if kept is not None and not filled.is_unsaved and _is_news(kept, stands) else None,
        others=[
            each for each in unsaved.at_work(session, month, but=me.id, now=now()) if each.place_code == place.code
        ],
        warnings=warnings_of(stands, before) if stands else (),
        room=headline_room(place.code),
        me=me.address,
        kinds=KINDS,
        most_developments=MOST_DEVELOPMENTS,
    )


def before_of(session: Session, place: Place, month: Month) -> Update | None:
    """The ready update of the month before."""
    row = editorial.find(session, place.code, month.previous)
    return editorial.to_update(row) if row is not None and row.state == UpdateState.READY.value else None


def against(before: Update | None, typed: Typed) -> list[Difference]:
    """What is typed beside the month before."""
    return compare(Typed.of(before), typed) if before else []


def against_theirs(filled: Filled) -> list[Difference]:
    """Only what differs between somebody else's version and what is typed."""
    if filled.theirs is None:
        return []
    return [each for each in compare(Typed.of(filled.theirs.update), filled.typed) if each.is_changed]


def _is_news(kept: Unsaved, stands: Update | None) -> bool:
    """Whether it holds anything that the stored update doesn't."""
    there = Typed.of(stands) if stands else Typed.empty()
    return kept.typed.without_blanks() != there.without_blanks()


def lenient(filled: Filled) -> Checked:
    """The update as far as it is typed, for a preview: rows that make no quote, link or development are left out."""
    typed = filled.typed.without_blanks()
    wrong = typed.check(filled.place.code, filled.month, UpdateState.DRAFT).errors
    return typed.without_rows(wrong).check(filled.place.code, filled.month, UpdateState.DRAFT)


def version_of(session: Session, place: Place, month: Month) -> Version | None:
    """The version that stands now."""
    row = editorial.find(session, place.code, month)
    return versions.as_it_stands(row) if row else None
