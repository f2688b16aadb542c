"""The versions of an update: who saved which, and when; what differs between two; one brought back."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.differences import compare
from newsletter.domain.formats.typed import Typed
from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.errors import Conflict, InvalidInput, NotFound
from newsletter.services import editing, versions
from newsletter.services.versions import Version
from newsletter.storage.places import gazetteer
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import desk, note
from newsletter.web.wiring import now


@desk.get("/months/<month:month>/<code>/history")
def history(month: Month, code: str) -> str:
    return _page(month, gazetteer().require(code))


def _page(month: Month, place: Place, error: str | None = None) -> str:
    session = current_session()
    found = versions.history(session, place.code, month)
    newer = _chosen(found, "new", found[0] if found else None)
    older = _chosen(found, "old", _before(found, newer))
    compared = compare(Typed.of(older.update), Typed.of(newer.update)) if older and newer else []
    return render_template(
        "desk/update_history.html",
        month=month,
        place=place,
        versions=found,
        older=older,
        newer=newer,
        compared=[each for each in compared if each.is_changed],
        frozen=editing.frozen_as(session, month),
        error=error,
    )


def _chosen(found: list[Version], name: str, otherwise: Version | None) -> Version | None:
    """The version that the address names."""
    asked = request.args.get(name, "")
    return next((each for each in found if str(each.number) == asked), otherwise)


def _before(found: list[Version], version: Version | None) -> Version | None:
    return next((each for each in found if version is not None and each.number < version.number), None)


@desk.post("/months/<month:month>/<code>/restore")
def restore(month: Month, code: str) -> Response | tuple[str, int]:
    place, session = gazetteer().require(code), current_session()
    numbers = [request.form.get(name, "") for name in ("number", "version")]
    if not all(number.isdecimal() and len(number) < 10 for number in numbers):
        raise InvalidInput("choose a version from the history")
    number, seen = map(int, numbers)
    try:
        editing.restore(session, place.code, month, number, seen=seen, by=current_admin().address, now=now())
    except (Conflict, NotFound) as error:
        session.rollback()
        return _page(month, place, f"{str(error)[:1].upper()}{str(error)[1:]}"), 409
    note("update.restored", f"update {month} {place.code}", f"version {number} as {seen + 1}")
    session.commit()
    flash(f"Version {number} is back, as a draft. Read it, and mark it as ready.")
    return redirect(url_for("desk.update", month=month, code=place.code), 303)
