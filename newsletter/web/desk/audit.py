"""The audit log: looked through, and taken along as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta

from flask import Response, render_template, request, stream_with_context

from newsletter.errors import InvalidInput
from newsletter.services import audit
from newsletter.services.audit import Wanted
from newsletter.services.subscribers import harmless
from newsletter.storage.tables import AuditEvent
from newsletter.web.converters import read_id
from newsletter.web.database import current_session, reading
from newsletter.web.desk.blueprint import desk
from newsletter.web.forms import typed
from newsletter.web.rendering import timestamp
from newsletter.web.wiring import wiring

PAGE = 50  #: events
COLUMNS = ("at", "actor", "act", "subject", "ip", "detail")
_LONGEST_WORD = 320
_MIMETYPES = {"csv": "text/csv", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class Filter:
    """What was typed into the fields."""

    actor: str
    act: str
    subject: str
    since: str
    until: str

    @classmethod
    def read(cls) -> Filter:
        names = ("actor", "act", "subject", "since", "until")
        return cls(*(typed(request.args, name, _LONGEST_WORD) for name in names))

    def wanted(self) -> tuple[Wanted, dict[str, str]]:
        """Which events that means, and what is wrong with a field: then it is left out."""
        times: dict[str, datetime | None] = {}
        wrong: dict[str, str] = {}
        for name, day, days in (("since", self.since, 0), ("until", self.until, 1)):
            try:
                times[name] = _midnight(day, after_days=days)
            except InvalidInput as error:
                wrong[name] = str(error)
        return Wanted(self.actor or None, self.act or None, self.subject or None, **times), wrong

    def query(self) -> dict[str, str]:
        """For links to the same events."""
        return {name: typed for name, typed in asdict(self).items() if typed}


def _midnight(typed: str, *, after_days: int) -> datetime | None:
    """The beginning of a day in TIMEZONE, or of one after it."""
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed) + timedelta(days=after_days)
    except (ValueError, OverflowError):
        raise InvalidInput("Write the day as YYYY-MM-DD, such as 2022-11-30") from None
    return datetime.combine(day, time(), wiring().settings.zone)


@desk.get("/audit")
def audit_log() -> tuple[str, int]:
    session, chosen = current_session(), Filter.read()
    wanted, wrong = chosen.wanted()
    before = request.args.get("before", type=read_id)
    found = audit.page(session, wanted, before=before, most=PAGE + 1)
    page = render_template(
        "desk/audit.html",
        events=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        is_first=before is None,
        chosen=chosen,
        wrong=wrong,
        actors=audit.actors(session),
        acts=audit.acts(session),
    )
    return page, 400 if wrong else 200


@desk.get("/audit.<any(csv, json):kind>")
def audit_export(kind: str) -> Response:
    """What is looked for, all of it, sent as it is read."""
    wanted, wrong = Filter.read().wanted()
    if wrong:
        raise InvalidInput(next(iter(wrong.values())))
    rows = _csv(wanted) if kind == "csv" else _json(wanted)
    response = Response(stream_with_context(rows), mimetype=_MIMETYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="audit-log.{kind}"'
    return response


def _pages(wanted: Wanted) -> Iterator[list[dict[str, str]]]:
    with reading() as session:
        for events in audit.pages(session, wanted):
            yield [_facts(event) for event in events]


def _facts(event: AuditEvent) -> dict[str, str]:
    words = {name: getattr(event, name) or "" for name in COLUMNS}
    return {**words, "at": timestamp(event.at)}


def _csv(wanted: Wanted) -> Iterator[str]:
    """Cells can't be taken for formulas by a spreadsheet."""
    yield ",".join(COLUMNS) + "\r\n"
    for events in _pages(wanted):
        lines = io.StringIO()
        csv.writer(lines).writerows([harmless(each[name]) for name in COLUMNS] for each in events)
        yield lines.getvalue()


def _json(wanted: Wanted) -> Iterator[str]:
    yield "["
    separator = "\n"
    for events in _pages(wanted):
        for each in events:
            yield separator + json.dumps(each, ensure_ascii=False)
            separator = ",\n"
    yield "\n]\n"
