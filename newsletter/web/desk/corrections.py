"""An edition that was sent is corrected: written, proposed, published, told by mail."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from newsletter.domain.differences import Difference, compare
from newsletter.domain.formats.typed import KINDS, Typed
from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.update import MOST_DEVELOPMENTS, Update, UpdateState
from newsletter.errors import Conflict, EditionStateError, InvalidInput
from newsletter.services import correction_mail, corrections, editions, revisions
from newsletter.services.approval import Approval
from newsletter.services.correction_mail import Reach
from newsletter.services.corrections import LONGEST_NOTE, Corrected
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition, EditionRevision
from newsletter.web.access import current_admin
from newsletter.web.database import current_session
from newsletter.web.desk.blueprint import desk, is_confirmed, note
from newsletter.web.wiring import now, wiring


@dataclass(frozen=True, slots=True)
class Shown:
    """A corrected place, with what differs."""

    place: Place
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Filled:
    """An update's form in a correction."""

    place: Place
    typed: Typed
    seen: str  #: fingerprint of the update that it changes
    errors: dict[str, str]  #: by field
    clash: list[Difference] | None = None  #: what differs from somebody else's words, saved in the meantime


@desk.get("/editions/<month:month>/correction")
def correction(month: Month) -> str:
    return _page(month)


def _page(month: Month, *, typed_note: str | None = None, error: str | None = None, retype: bool = False) -> str:
    """The page; with words that could not be taken, and why, or a month that was not typed."""
    session = current_session()
    edition = editions.get(session, month)
    found = corrections.open_one(session, edition)
    changed = corrections.changed(session, edition, found) if found else {}
    entries = corrections.contents_of(found).entries if found else ()
    return render_template(
        "desk/correction.html",
        edition=edition,
        month=month,
        revision=found,
        can_begin=corrections.can_begin(edition),
        changed=[_shown(code, each) for code, each in changed.items()],
        places=[entry.place for entry in entries],
        published=revisions.published(session, edition),
        note=found.note if found and typed_note is None else typed_note or "",
        longest_note=LONGEST_NOTE,
        takes_two=wiring().settings.approval is Approval.TWO,
        is_own=found is not None and found.proposed_by == current_admin().address,
        error=error,
        retype=retype,
    )


def _shown(code: str, corrected: Corrected) -> Shown:
    found = compare(Typed.of(corrected.before), Typed.of(corrected.after))
    return Shown(gazetteer().require(code), [each for each in found if each.is_changed])


@desk.post("/editions/<month:month>/correction")
def begin_correction(month: Month) -> Response:
    made = corrections.begin(current_session(), month)
    note("edition.correction_begun", f"edition {month}", f"revision {made.number}")
    return _back(month, "Choose the update that was wrong, and put it right.")


@desk.get("/editions/<month:month>/correction/<code>")
def correct_form(month: Month, code: str) -> str:
    _, revision = _open(month)
    stands = corrections.entry_of(revision, gazetteer().require(code).code).update
    return _form(month, _stored(stands))


@desk.post("/editions/<month:month>/correction/<code>")
def correct(month: Month, code: str) -> Response | str | tuple[str, int]:
    """Only "save" changes anything; every other button shows the form again."""
    place = gazetteer().require(code)
    filled = Filled(place, Typed.read(request.form.getlist), request.form.get("seen", "")[:16], {})
    do = request.form.get("do", "")
    if do != "save":
        return _form(month, _with(filled, typed=filled.typed.arranged(do)))
    typed = filled.typed.without_blanks()
    checked = typed.check(place.code, month, UpdateState.READY)
    if checked.update is None:
        return _form(month, Filled(place, typed, filled.seen, dict(checked.errors))), 400
    try:
        is_changed = corrections.change(current_session(), month, checked.update, seen=filled.seen)
    except Conflict as error:
        if isinstance(error, EditionStateError):
            raise
        return _clash(month, _with(filled, typed=typed)), 409
    if is_changed:
        note("edition.correction_changed", f"edition {month}", place.code)
    return _back(month, f"{place.name} is in the correction." if is_changed else f"{place.name} is as it was.")


def _clash(month: Month, filled: Filled) -> str:
    """Somebody else was faster: what differs is shown, and saving again goes on top of theirs."""
    current_session().rollback()
    _, revision = _open(month)
    theirs = corrections.entry_of(revision, filled.place.code).update
    found = [each for each in compare(Typed.of(theirs), filled.typed) if each.is_changed]
    return _form(month, Filled(filled.place, filled.typed, corrections.fingerprint(theirs), {}, found))


def _form(month: Month, filled: Filled) -> str:
    edition, revision = _open(month)
    corrections.entry_of(revision, filled.place.code)  # a place that is not in the edition has no form
    return render_template(
        "desk/correct_update.html",
        edition=edition,
        month=month,
        revision=revision,
        filled=filled,
        place=filled.place,
        typed=filled.typed,
        errors=filled.errors,
        kinds=KINDS,
        most_developments=MOST_DEVELOPMENTS,
    )


def _stored(update: Update) -> Filled:
    place = gazetteer().require(update.place)
    return Filled(place, Typed.of(update), corrections.fingerprint(update), {})


def _with(filled: Filled, *, typed: Typed) -> Filled:
    return Filled(filled.place, typed, filled.seen, filled.errors, filled.clash)


def _open(month: Month) -> tuple[Edition, EditionRevision]:
    session = current_session()
    edition = editions.get(session, month)
    found = corrections.open_one(session, edition)
    if found is None:
        raise EditionStateError(f"no correction of the edition for {month} is being written; begin one")
    return edition, found


@desk.post("/editions/<month:month>/correction-note")
def describe_correction(month: Month) -> Response | tuple[str, int]:
    words = request.form.get("note", "")
    try:
        corrections.describe(current_session(), month, words)
    except InvalidInput as error:
        return _page(month, typed_note=words[: 2 * LONGEST_NOTE], error=_sentence(error)), 400
    note("edition.correction_described", f"edition {month}")
    return _back(month, "Readers will see these words beside the correction.")


@desk.post("/editions/<month:month>/correction-drop")
def drop_correction(month: Month) -> Response:
    corrections.drop(current_session(), month)
    note("edition.correction_dropped", f"edition {month}")
    return _back(month, "The correction is thrown away. Nobody outside the desk has seen it.")


@desk.post("/editions/<month:month>/correction-propose")
def propose_correction(month: Month) -> Response:
    corrections.propose(current_session(), month, by=current_admin().address, now=now())
    note("edition.correction_proposed", f"edition {month}")
    return _back(month, "The correction is proposed. Somebody else publishes it.")


@desk.post("/editions/<month:month>/correction-publish")
def publish_correction(month: Month) -> Response | tuple[str, int]:
    if not is_confirmed(month):
        return _page(month, retype=True), 400
    rule, by = wiring().settings.approval, current_admin().address
    made = corrections.publish(current_session(), month, by=by, now=now(), rule=rule)
    note("edition.corrected", f"edition {month}", f"revision {made.number}: {made.places}")
    return _back(month, f"Revision {made.number} is what the web shows now.")


@desk.get("/editions/<month:month>/corrections/<id:revision>/mail", endpoint="correction_mail")
def correction_mail_page(month: Month, revision: int) -> str:
    return _mail_page(month, revision)


@desk.post("/editions/<month:month>/corrections/<id:revision>/count")
def count_correction(month: Month, revision: int) -> str:
    """A dry run: a look at all deliveries of the edition, which no page makes by itself. Nothing is kept."""
    return _mail_page(month, revision, correction_mail.reach(current_session(), month, revision, now=now()))


@desk.post("/editions/<month:month>/corrections/<id:revision>/mail")
def mail_correction(month: Month, revision: int) -> Response | tuple[str, int]:
    session = current_session()
    if not is_confirmed(month):
        found = correction_mail.reach(session, month, revision, now=now())
        return _mail_page(month, revision, found, f"Type {month} to confirm"), 400
    number = correction_mail.tell(session, month, revision, now=now())
    note("edition.correction_mailed", f"edition {month}", f"revision {revision}, to {number:,} readers")
    readers = "1 reader" if number == 1 else f"{number:,} readers"
    return _back(month, f"The correction is on its way to {readers}.")


def _mail_page(month: Month, number: int, reach: Reach | None = None, error: str | None = None) -> str:
    session = current_session()
    edition = editions.get(session, month)
    revisions.contents(session, edition, number)  # one that is not there has no page
    found = next((each for each in revisions.published(session, edition) if each.number == number), None)
    return render_template(
        "desk/correction_mail.html",
        edition=edition,
        month=month,
        number=number,
        revision=found,
        is_newest=edition.revision == number,
        reach=reach,
        error=error,
    )


def _back(month: Month, message: str) -> Response:
    current_session().commit()
    flash(message)
    return redirect(url_for("desk.correction", month=month), 303)


def _sentence(error: InvalidInput) -> str:
    return f"{str(error)[:1].upper()}{str(error)[1:]}"
