"""Subscribers: listed and looked for, added by hand, given out as a table, and how many there were.

An address is looked for by a form that is sent by POST: links and query strings get into logs. What follows is a link
that holds the address sealed (web.desk.sealed), so that the list can be turned and gone back to.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.states import SubscriberState
from newsletter.errors import InvalidInput
from newsletter.services import growth as growth_
from newsletter.services import signup, subscriber_search, suppressions
from newsletter.services import subscribers as service
from newsletter.services.consents import Origin
from newsletter.services.subscriber_search import Day, Wanted
from newsletter.services.subscribers import COLUMNS, Row
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber
from newsletter.web.converters import read_id
from newsletter.web.database import current_session, reading
from newsletter.web.desk import growth_chart
from newsletter.web.desk.blueprint import desk, note
from newsletter.web.desk.sealed import seal, unseal
from newsletter.web.desk.subscriber_form import AddForm, SearchForm
from newsletter.web.readers.shared import full_picker, names
from newsletter.web.wiring import now, wiring

SOURCE = "desk"  #: in the ledger of consent
NUMBER = "<id:number>"


@desk.get("/subscribers")
def subscribers() -> ResponseReturnValue:
    sealed = request.args.get("q", "")
    written = unseal(sealed, wiring().tokens) if sealed else ""
    form = SearchForm.read(request.args, written=written)
    wanted = form.check(gazetteer(), wiring().settings.zone)
    if sealed and not written:
        form.errors["written"] = "This search is too old: type the address again"
    after = request.args.get("after", type=read_id)
    return _list_page(form, wanted, after=after), 400 if form.errors else 200


@desk.post("/subscribers/search")
def find_subscribers() -> ResponseReturnValue:
    form = SearchForm.read(request.form, written=request.form.get("written", ""))
    wanted = form.check(gazetteer(), wiring().settings.zone)
    if form.errors:
        return _list_page(form, wanted), 400
    exact = select(Subscriber.id).where(Subscriber.address_key == wanted.written, Subscriber.address != "")
    found = current_session().scalar(exact) if wanted.written else None
    if found is not None:
        return redirect(url_for("desk.subscriber", number=found), 303)
    return redirect(url_for("desk.subscribers", **_as_link(form)), 303)


def _as_link(form: SearchForm) -> dict[str, Any]:
    """What is looked for, as a link may say it."""
    sealed = {"q": seal(form.written, wiring().tokens)} if form.written else {}
    return {**sealed, **form.as_query()}


def _list_page(form: SearchForm, wanted: Wanted, *, after: int | None = None) -> str:
    session = current_session()
    found = subscriber_search.find(session, wanted, after=after) if not form.errors else None
    number = subscriber_search.count(session, wanted) if found is not None and after is None else None
    further = {}
    if found is not None and found.next_after is not None:
        further = {**_as_link(form), "after": found.next_after}
    return render_template(
        "desk/subscribers.html",
        form=form,
        found=found,
        number=number,
        most_counted=subscriber_search.MOST_COUNTED,
        most_looked_at=subscriber_search.MOST_LOOKED_AT,
        further=further,
        after=after,
        follows_words=_follows_words,
        regions=[(region, gazetteer().within(region)) for region in gazetteer().regions],
        states=SubscriberState,
        days=Day,
    )


def _follows_words(follows: str) -> str:
    """What somebody follows, briefly."""
    codes = [code for code in follows.split(";") if code]
    told = ", ".join(names(codes[:3]))
    return f"{told} and {len(codes) - 3} more" if len(codes) > 3 else told


@desk.get("/subscribers/add")
def add_subscriber_form() -> str:
    return _add_page(AddForm())


@desk.post("/subscribers/add")
def add_subscriber() -> ResponseReturnValue:
    form = AddForm.read(request.form)
    address, subjects = form.check(), form.check_follow(gazetteer())
    if address is None or form.errors:
        return _add_page(form), 400
    try:
        _add(address, subjects, form)
    except InvalidInput as error:
        form.errors["email"] = f"{str(error)[:1].upper()}{str(error)[1:]}"
        return _add_page(form), 400
    session = current_session()
    found = service.by_address(session, address.key)
    note("subscriber.added", f"subscriber {found.id}", "confirmed at once" if form.at_once else "asked by mail")
    number = found.id
    session.commit()
    flash("They are subscribed." if form.at_once else "They are asked by mail, and subscribed once they confirm it.")
    return redirect(url_for("desk.subscriber", number=number), 303)


def _add(address: Address, subjects: tuple[str, ...], form: AddForm) -> None:
    """Raises InvalidInput where they are here already, have left, or are suppressed."""
    session, tokens = current_session(), wiring().tokens
    if form.at_once:
        row = Row(address, subjects, "en", now(), form.consent)
        return service.take_in(session, row, tokens=tokens, source=SOURCE, now=now())
    if suppressions.is_suppressed(session, address.key, tokens=tokens):
        raise InvalidInput("this address is suppressed")
    state = session.scalar(select(Subscriber.state).where(Subscriber.address_key == address.key))
    if state in (SubscriberState.ACTIVE.value, SubscriberState.PENDING.value):
        raise InvalidInput("this address is here already; its owner decides what it follows")
    origin = Origin(source=SOURCE, text=form.consent)
    return signup.request(session, address, subjects, origin=origin, tokens=tokens, now=now())


def _add_page(form: AddForm) -> str:
    return render_template("desk/subscriber_add.html", form=form, picker=full_picker(form.follow), errors=form.errors)


@desk.post("/subscribers/export")
def export_subscribers() -> Response:
    note("subscribers.exported", "subscribers")
    current_session().commit()
    response = Response(stream_with_context(_lines()), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=subscribers-{now():%Y-%m-%d}.csv"
    return response


def _lines() -> Iterator[str]:
    """All subscribers, some hundred at a time: a million of them is never in memory."""
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    writer.writeheader()
    with reading() as session:
        for row in service.export_rows(session):
            writer.writerow(row)
            if written.tell() > 30_000:
                yield written.getvalue()
                written.seek(0)
                written.truncate()
    yield written.getvalue()


@desk.get("/subscribers/growth")
def growth() -> str:
    session = current_session()
    months = growth_.shown(session)
    return render_template(
        "desk/subscribers_growth.html",
        months=months,
        chart=growth_chart.draw(months) if months else None,
        counted_at=growth_.counted_at(session),
    )
