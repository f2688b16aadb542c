"""One subscriber: all that happened to them, and what can be done for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from newsletter.domain import subject
from newsletter.domain.states import SubscriberState, SuppressionReason
from newsletter.errors import NotFound
from newsletter.services import erasure, personal_data, preferences, suppressions
from newsletter.services.consents import Origin
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import AuditEvent, Subscriber
from newsletter.web.database import current_session, cut_log
from newsletter.web.desk.blueprint import desk, note
from newsletter.web.desk.subscribers import NUMBER, SOURCE
from newsletter.web.forms import FollowForm, read_follow, typed
from newsletter.web.readers.shared import full_picker, names
from newsletter.web.wiring import now, wiring

ERASE = "erase"  #: what is typed to erase somebody
MOST_EVENTS = 50
_LONGEST_WHY = 200


def _get(number: int, *, lock: bool = False) -> Subscriber:
    """Raises NotFound."""
    found = current_session().get(Subscriber, number, with_for_update=lock or None)
    if found is None:
        raise NotFound("no subscriber has this number: they may have been erased")
    return found


@desk.get(f"/subscribers/{NUMBER}")
def subscriber(number: int) -> str:
    return _page(_get(number))


def _page(found: Subscriber, *, wrong: Mapping[str, str] | None = None) -> str:
    session = current_session()
    facts = personal_data.collect(session, found, tokens=wiring().tokens)
    named = f"subscriber {found.id}"
    events = session.scalars(
        select(AuditEvent).where(AuditEvent.subject == named).order_by(AuditEvent.id.desc()).limit(MOST_EVENTS)
    ).all()
    return render_template(
        "desk/subscriber.html",
        subscriber=found,
        facts=_with_times(facts),
        follows=names(subject.split(found.follows)),
        name_of=lambda code: subject.name(code, gazetteer()),
        is_paused=preferences.is_paused(found, now()),
        events=events,
        erase_word=ERASE,
        wrong=wrong or {},
        typed=typed(request.form, "why", _LONGEST_WHY),
    )


def _with_times(value: object) -> object:
    """Times as times again, where services.personal_data writes them for a file."""
    if isinstance(value, list):
        return [_with_times(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: datetime.fromisoformat(each) if _is_time(key, each) else _with_times(each) for key, each in value.items()
    }


def _is_time(key: str, value: object) -> bool:
    return isinstance(value, str) and (key == "at" or key.endswith(("_at", "_until")))


def _done(number: int, message: str) -> ResponseReturnValue:
    current_session().commit()
    flash(message)
    return redirect(url_for("desk.subscriber", number=number), 303)


def _why() -> str:
    return typed(request.form, "why", _LONGEST_WHY)


@desk.get(f"/subscribers/{NUMBER}/follow")
def follow_form(number: int) -> str:
    found = _get(number)
    return _follow_page(found, FollowForm(subject.split(found.follows)))


@desk.post(f"/subscribers/{NUMBER}/follow")
def follow(number: int) -> ResponseReturnValue:
    found = _get(number, lock=True)
    form = FollowForm(read_follow(request.form))
    subjects, why = form.check_follow(gazetteer()), _why()
    if not why:
        form.errors["why"] = "Say how they asked for it, such as: by mail on 3 December"
    if form.errors:
        return _follow_page(found, form), 400
    origin = Origin(source=SOURCE, text=why)
    preferences.change(
        current_session(), found, subjects, alerts_at_once=found.alerts_at_once, origin=origin, now=now()
    )
    note("subscriber.changed", f"subscriber {number}", "what they follow")
    return _done(number, "Saved. The next digest brings what was chosen.")


def _follow_page(found: Subscriber, form: FollowForm) -> str:
    return render_template(
        "desk/subscriber_follow.html",
        subscriber=found,
        picker=full_picker(form.follow),
        errors=form.errors,
        typed=typed(request.form, "why", _LONGEST_WHY),
    )


@desk.post(f"/subscribers/{NUMBER}/suppress")
def suppress_subscriber(number: int) -> ResponseReturnValue:
    found = _get(number)
    reason = SuppressionReason.BY_ADMIN
    suppressions.suppress(current_session(), found.address_key, reason, tokens=wiring().tokens, now=now())
    note("subscriber.suppressed", f"subscriber {number}")
    return _done(number, "No mail goes to this address any more.")


@desk.post(f"/subscribers/{NUMBER}/lift")
def lift_suppression(number: int) -> ResponseReturnValue:
    found = _get(number)
    try:
        reason = suppressions.lift(current_session(), found.address_key, tokens=wiring().tokens)
    except NotFound:
        return _done(number, "The address was not suppressed.")
    note("subscriber.suppression_lifted", f"subscriber {number}", f"it was {reason.value}")
    return _done(number, "Mail may go to this address again.")


@desk.post(f"/subscribers/{NUMBER}/end")
def end_subscriber(number: int) -> ResponseReturnValue:
    found, why = _get(number, lock=True), _why()
    if not why:
        return _page(found, wrong={"end": "Say why, such as: asked by mail on 3 December"}), 400
    origin = Origin(source=SOURCE, text=why)
    if found.state != SubscriberState.ENDED.value:
        note("subscriber.ended", f"subscriber {number}")
    preferences.end(current_session(), found, why, origin=origin, now=now())
    return _done(number, "The subscription has ended. No more mail goes to this address.")


@desk.post(f"/subscribers/{NUMBER}/erase")
def erase_subscriber(number: int) -> ResponseReturnValue:
    found = _get(number)
    if request.form.get("word", "").strip().lower() != ERASE:
        return _page(found, wrong={"erase": f"Type {ERASE} to confirm"}), 400
    erasure.erase(current_session(), found, tokens=wiring().tokens, now=now())
    note("subscriber.erased", f"subscriber {number}")
    current_session().commit()
    cut_log()
    flash("They are erased, and no mail goes to them again.")
    return redirect(url_for("desk.subscribers"), 303)


@desk.post(f"/subscribers/{NUMBER}/export")
def export_subscriber(number: int) -> Response:
    facts = personal_data.collect(current_session(), _get(number), tokens=wiring().tokens)
    note("subscriber.exported", f"subscriber {number}")
    current_session().commit()
    response = Response(json.dumps(facts, indent=2, ensure_ascii=False), mimetype="application/json")
    response.headers["Content-Disposition"] = f"attachment; filename=subscriber-{number}.json"
    return response
