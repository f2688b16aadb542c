"""The update editor: one place, one month. Only "save" changes the update; every other button shows the form again."""

from __future__ import annotations

import re
from dataclasses import replace

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.update import Update, UpdateState
from newsletter.errors import Conflict, EditionStateError, InvalidInput
from newsletter.services import editing, editorial, unsaved, update_preview
from newsletter.services.editorial import Change
from newsletter.services.unsaved import Unsaved
from newsletter.storage.places import gazetteer
from newsletter.web import picker, security
from newsletter.web.access import current_admin
from newsletter.web.database import current_session, reading
from newsletter.web.desk import update_form
from newsletter.web.desk.blueprint import desk, note
from newsletter.web.desk.update_form import Filled
from newsletter.web.rendering import moment
from newsletter.web.wiring import now, wiring

_SAVED = {UpdateState.DRAFT: "saved as a draft", UpdateState.READY: "saved, and ready for the edition"}

#: Of our own page: in a sandbox none runs, and browsers complain.
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
_OURS = ("'self'",)  #: whose pages may show a preview


@desk.get("/months/<month:month>/<code>")
def update(month: Month, code: str) -> str | Response:
    place = gazetteer().require(code)
    if place.code != code:
        return redirect(url_for("desk.update", month=month, code=place.code))
    session = current_session()
    kept = unsaved.get(session, current_admin().id, place.code, month) if request.args.get("unsaved") else None
    if kept is not None:
        return update_form.show(Filled(place, month, kept.typed, kept.version, is_unsaved=True))
    return update_form.show(update_form.stored(session, place, month))


@desk.post("/months/<month:month>/<code>")
def save_update(month: Month, code: str) -> Response | str | tuple[str, int]:
    filled = update_form.sent(gazetteer().require(code), month)
    do = request.form.get("do", "")
    if do in list(UpdateState):
        return _save(filled, UpdateState(do))
    return update_form.show(replace(filled, typed=filled.typed.arranged(do)))


def _save(filled: Filled, state: UpdateState) -> Response | tuple[str, int]:
    place, month, session, me = filled.place, filled.month, current_session(), current_admin().address
    filled = replace(filled, typed=filled.typed.without_blanks())
    checked = filled.typed.check(place.code, month, state)
    if checked.update is None:
        return update_form.show(replace(filled, errors=checked.errors)), 400
    try:
        change = editing.save(session, checked.update, seen=filled.version, by=me, now=now())
    except EditionStateError:
        _keep_typed(filled)
        return update_form.show(filled), 409
    except Conflict:
        return _clash(filled), 409
    unsaved.drop(session, current_admin().id, place.code, month)
    if change is not Change.SAME:
        note("update.saved", f"update {month} {place.code}", f"version {filled.version + 1}, {state.value}")
    session.commit()
    flash(f"{place.name} is as it was." if change is Change.SAME else f"{place.name} is {_SAVED[state]}.")
    return redirect(url_for("desk.update", month=month, code=place.code), 303)


def _clash(filled: Filled) -> str:
    """Somebody else was faster: their version beside what was typed, which is kept, and goes on top of theirs next."""
    _keep_typed(filled)
    theirs = update_form.version_of(current_session(), filled.place, filled.month)
    return update_form.show(replace(filled, theirs=theirs, version=theirs.number if theirs else 0))


def _keep_typed(filled: Filled) -> None:
    """What could not be saved is not lost, whatever becomes of the window."""
    session = current_session()
    session.rollback()
    left = Unsaved(filled.typed, filled.version, now())
    unsaved.keep(session, current_admin().id, filled.place.code, filled.month, left)
    session.commit()


@desk.post("/months/<month:month>/<code>/unsaved")
def keep_unsaved(month: Month, code: str) -> Response:
    """What is typed, every few seconds; no act of anybody's, so the audit log has nothing of it."""
    filled, session = update_form.sent(gazetteer().require(code), month), current_session()
    at = now()
    left = Unsaved(filled.typed, filled.version, at)
    unsaved.keep(session, current_admin().id, filled.place.code, month, left)
    session.commit()
    stands = update_form.version_of(session, filled.place, month)
    answer = {"kept_at": moment(at), "is_newest": (stands.number if stands else 0) == filled.version}
    return jsonify(answer | {"saved_by": (stands.saved_by or "an import") if stands else None})


@desk.post("/months/<month:month>/<code>/unsaved/discard")
def discard_unsaved(month: Month, code: str) -> Response:
    place, session = gazetteer().require(code), current_session()
    unsaved.drop(session, current_admin().id, place.code, month)
    note("update.unsaved_discarded", f"update {month} {place.code}")
    session.commit()
    flash("What was not saved is thrown away.")
    return redirect(url_for("desk.update", month=month, code=place.code), 303)


@desk.post("/months/<month:month>/<code>/compare")
def compare_update(month: Month, code: str) -> str:
    """What is typed beside the month before, for the script that puts it into the page."""
    filled = update_form.sent(gazetteer().require(code), month)
    before = update_form.before_of(current_session(), filled.place, month)
    compared = update_form.against(before, filled.typed.without_blanks())
    return render_template("desk/update_compared.html", before=before, compared=compared, month=month)


@desk.post("/months/<month:month>/<code>/preview")
def preview_update(month: Month, code: str) -> Response:
    """What is typed as a page, as a mail or as its text, for a frame; nothing is kept."""
    part = request.form.get("part", "")
    if part not in ("page", "mail", "text"):
        raise InvalidInput("choose the page, the mail or the text")
    filled = update_form.sent(gazetteer().require(code), month)
    current_session().rollback()  # a preview takes a while: nobody who writes waits for it
    checked = update_form.lenient(filled)
    if checked.update is None:
        return _framed(render_template("desk/update_unfinished.html", errors=checked.errors))
    if part == "page":
        return _framed(_as_page(filled.place, checked.update))
    with reading() as session:
        told = update_preview.contents(session, checked.update)
    mail = update_preview.mail(told, wiring().publication, now=now())
    if part == "text":
        return _framed(render_template("desk/update_as_text.html", mail=mail))
    response = make_response(mail.html)
    response.headers["Content-Security-Policy"] = security.mail_policy()
    return response


def _as_page(place: Place, update: Update) -> str:
    """The site's own page of the place."""
    with reading() as session:
        entry = update_preview.contents(session, update).entries[0]
        signup = picker.for_place(place, editorial.covered(session), gazetteer())
    page = render_template(
        "place.html", place=place, entry=entry, is_newest=True, others=(), older=(), signup=signup, about={}
    )
    return _SCRIPT.sub("", page)


def _framed(html: str) -> Response:
    """A page of ours for a frame of ours, in which nothing runs."""
    response = make_response(html)
    response.headers["Content-Security-Policy"] = f"sandbox; {security.framed_policy(_OURS)}"
    return response
