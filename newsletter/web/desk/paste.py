"""A whole page's text, pasted and taken apart by the importer: shown in the form, and saved by nobody but the admin."""

from __future__ import annotations

from flask import render_template, request
from sqlalchemy.orm import Session

from newsletter.domain.formats.reading import Reading, decode, read
from newsletter.domain.formats.typed import Typed
from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.errors import InvalidInput, InvalidUpdate
from newsletter.services import editing
from newsletter.storage.places import gazetteer
from newsletter.web.database import current_session
from newsletter.web.desk import update_form
from newsletter.web.desk.blueprint import desk
from newsletter.web.desk.update_form import Filled

_SOURCE = "pasted"  #: the name of what is read: it has no ending that would tell the format


@desk.get("/months/<month:month>/paste")
def paste_form(month: Month) -> str:
    return _page(month)


@desk.post("/months/<month:month>/paste")
def paste(month: Month) -> str | tuple[str, int]:
    """Take it apart; one place at a time."""
    text = request.form.get("page", "")
    try:
        reading = _read(text, month)
    except InvalidInput as error:
        words = str(error).removeprefix(f"{_SOURCE}: ")
        return _page(month, text, f"{words[:1].upper()}{words[1:]}"), 400
    return update_form.show(_filled(current_session(), month, reading))


def _read(text: str, month: Month) -> Reading:
    if not text.strip():
        raise InvalidUpdate("paste the text of a page first")
    text = decode(text.encode(errors="replace"), source=_SOURCE)
    found = read(text, source=_SOURCE, gazetteer=gazetteer(), month=month)
    if len(found) > 1:
        raise InvalidUpdate(f"there are {len(found)} updates in it; paste one at a time")
    return found[0]


def _filled(session: Session, month: Month, reading: Reading) -> Filled:
    place = gazetteer().require(reading.update.place)
    there = update_form.stored(session, place, month)
    doubts = [f"{doubt[:1].upper()}{doubt[1:]}." for doubt in (*_of_place(place), *reading.doubts)]
    return Filled(place, month, Typed.of(reading.update), there.version, doubts=doubts, is_unsaved=True)


def _of_place(place: Place) -> list[str]:
    """Whoever came from one place's form may have pasted another one's page."""
    asked = gazetteer().get(request.form.get("place", ""))
    if asked is None or asked == place:
        return []
    return [f"the text is about {place.name}, so this is its update, and not that of {asked.name}"]


def _page(month: Month, text: str = "", error: str | None = None) -> str:
    place = gazetteer().get(request.values.get("place", ""))
    frozen = editing.frozen_as(current_session(), month)
    return render_template("desk/paste.html", month=month, place=place, text=text, error=error, frozen=frozen)
