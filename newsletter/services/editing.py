"""An update as it is written at the desk, on top of the version that was seen.

    save           a form becomes the next version
    mark_ready     a draft may go into the edition
    review         somebody else than who changed it last has read it
    carry_over     drafts for places where nothing changed
    restore        an earlier version becomes the next one

Each refuses while the month's edition is frozen: what was approved can't change behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy import update as sql_update
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.domain.update import Development, Trend, Update, UpdateState
from newsletter.errors import Conflict, EditionStateError, NotFound
from newsletter.services import editorial, versions
from newsletter.services.editorial import Change
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate, Edition


def frozen_as(session: Session, month: Month) -> EditionState | None:
    """The state of the month's edition, if it is no draft any more."""
    state = session.scalar(select(Edition.state).where(Edition.month == str(month)))
    return None if state in (None, EditionState.DRAFT.value) else EditionState(state)


def require_open(session: Session, month: Month) -> None:
    """Raises EditionStateError when the month's edition is frozen."""
    # The row is locked, so that nobody approves the edition while its updates change.
    state = session.scalar(select(Edition.state).where(Edition.month == str(month)).with_for_update())
    if state not in (None, EditionState.DRAFT.value):
        raise EditionStateError(f"the edition for {month} is {state}, so its updates are frozen; correct it instead")


def save(session: Session, update: Update, *, seen: int, by: str, now: datetime) -> Change:
    """Make `update` the version after `seen`; 0: there was none.

    Raises InvalidUpdate, UnknownPlace, EditionStateError, and Conflict when another version stands there by now.
    """
    require_open(session, update.month)
    return _save(session, update, seen=seen, by=by, now=now)


def _save(session: Session, update: Update, *, seen: int, by: str, now: datetime, writer: str | None = None) -> Change:
    update = editorial.checked(update)
    row = editorial.find(session, update.place, update.month, for_update=True)
    if (row.version if row else 0) != seen:
        raise Conflict(f"somebody else has saved {update.place} {update.month} since; look at their version first")
    before = editorial.to_update(row) if row else None
    if before is not None and set(before.alerts) == set(update.alerts):
        update = replace(update, alerts=before.alerts)  # a form has them in its own order
    if before == update:
        return Change.SAME
    editorial.replace_version(session, row, update, seen=seen, now=now, by=by, writer=writer)
    # What somebody proposed was another edition: see services.approval.
    session.execute(sql_update(Edition).filter_by(month=str(update.month)).values(proposed_at=None, proposed_by=None))
    return Change.ADDED if before is None else Change.CHANGED


def mark_ready(session: Session, place_code: str, month: Month, *, seen: int, by: str, now: datetime) -> Change:
    """Let a draft into the edition, as it stood in its version `seen`. Raises NotFound, and as `save` does."""
    require_open(session, month)
    row = editorial.find(session, place_code, month, for_update=True)
    if row is None:
        raise NotFound(f"{place_code} has no update for {month}")
    # The words stay their writer's: who marks them may review them, and the writer may not.
    update = replace(editorial.to_update(row), state=UpdateState.READY)
    return _save(session, update, seen=seen, by=by, now=now, writer=row.changed_by)


def review(session: Session, place_code: str, month: Month, *, seen: int, by: str, now: datetime) -> None:
    """Write down that `by` has read the version `seen` of a ready update, and that it is right.

    Raises NotFound, EditionStateError, and Conflict when it is a draft, changed since, or `by` changed it last.
    """
    require_open(session, month)
    row = editorial.find(session, place_code, month, for_update=True)
    if row is None:
        raise NotFound(f"{place_code} has no update for {month}")
    name = gazetteer().require(place_code).name
    if row.state != UpdateState.READY.value:
        raise Conflict(f"{name} is a draft; it is reviewed once it is ready")
    if row.changed_by == by:
        raise Conflict(f"you changed {name} last, so somebody else reviews it")
    statement = (
        sql_update(CountryUpdate)
        .where(CountryUpdate.id == row.id, CountryUpdate.version == seen)
        .values(reviewed_at=now, reviewed_by=by)
        .returning(CountryUpdate.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(statement).first() is None:
        raise Conflict(f"{name} was changed since you read it; read it again")
    session.expire(row)


def carry_over(
    session: Session, month: Month, place_codes: Iterable[str], *, by: str, now: datetime
) -> tuple[list[str], list[str]]:
    """Make drafts for places where nothing changed; the codes of those that were made, and of the others.

    A draft has the trend unchanged, the headline of the month before, and one sentence that says so. An alert is of its
    own month, as quotes and links are, so none is carried over. A place that has an update now, or had none in the
    month before, is left as it is. Raises EditionStateError.
    """
    require_open(session, month)
    wanted = sorted(set(place_codes))
    rows = session.scalars(
        select(CountryUpdate).where(
            CountryUpdate.place_code.in_(wanted), CountryUpdate.month.in_([str(month), str(month.previous)])
        )
    )
    by_month: dict[str, dict[str, CountryUpdate]] = {str(month): {}, str(month.previous): {}}
    for row in rows:
        by_month[row.month][row.place_code] = row
    made = []
    for code in wanted:
        before = by_month[str(month.previous)].get(code)
        if before is None or before.state != UpdateState.READY.value or code in by_month[str(month)]:
            continue
        _save(session, _carried(editorial.to_update(before), month), seen=0, by=by, now=now)
        made.append(code)
    return made, [code for code in wanted if code not in made]


def _carried(before: Update, month: Month) -> Update:
    return Update(
        place=before.place,
        month=month,
        trend=Trend.UNCHANGED,
        headline=before.headline,
        developments=(Development(f"The situation remained unchanged in {month.name}.", ""),),
        state=UpdateState.DRAFT,
    )


def restore(
    session: Session, place_code: str, month: Month, number: int, *, seen: int, by: str, now: datetime
) -> Change:
    """Make the version `number` the next one, as a draft: somebody has to say anew that it is ready.

    Raises NotFound, and as `save` does.
    """
    old = versions.get(session, place_code, month, number).update
    return save(session, replace(old, state=UpdateState.DRAFT), seen=seen, by=by, now=now)
