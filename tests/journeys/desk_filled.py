"""A desk in mid-life: editions, updates, people, subscribers and imports in every state that a page shows.

Nothing works on it, neither sender nor scheduler, so that everything stays as it is. All that somebody may have typed
comes from `words`: plain ones for looking at pages, hostile ones to see that they stay text.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from newsletter.cli.demo import ADMIN, DRAFT_MONTH, Demo
from newsletter.domain.address import Address
from newsletter.domain.formats.typed import Typed
from newsletter.domain.importing import ImportState
from newsletter.domain.month import Month
from newsletter.domain.role import Role
from newsletter.domain.states import SuppressionReason
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update, UpdateState
from newsletter.errors import InvalidInput
from newsletter.jobs.importing import Importer
from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Purpose
from newsletter.services import (
    admin_sessions,
    admins,
    audit,
    corrections,
    deliveries,
    editing,
    editions,
    editorial,
    imports,
    invitations,
    leaving,
    preferences,
    reports,
    schedule,
    second_factor,
    suppressions,
    unsaved,
)
from newsletter.services.consents import Origin
from newsletter.services.imports import File
from newsletter.services.logins import FAILED
from newsletter.services.subscribers import COLUMNS
from newsletter.storage.tables import (
    Delivery,
    Destination,
    Edition,
    GrowthMonth,
    Notice,
    SendingGuard,
    Subscriber,
)
from newsletter.web.access import COOKIE
from tests.journeys.desk_people import AUTHOR, PASSWORD, ROLES, hire
from tests.journeys.stock import ask, confirm
from tests.services.stock import add_readers

#: What nobody has to guard against.
PLAIN = {
    "text": "Talks were *held* in Astana.",
    "line": "Talks were held",
    "url": "https://example.org/report",
    "address": "reader",  #: before the @
    "file": "members.csv",
    "cell": "no row of a list",  #: of an import
    "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
}
SENT, SENDING, PAUSED, TIMED, OVER = Month(2022, 12), *(Month(2023, number) for number in range(1, 5))
GUARDED, NEW, CLOSED = "guarded@example.org", "new@example.org", "closed@example.org"
READERS = 12  #: of each edition that is on its way, or was


def fill(demo: Demo, words: Mapping[str, str] = PLAIN) -> dict[str, str]:
    """All of it; the parts of pages' paths, and the tokens of logins, by what desk_pages calls them."""
    hire(demo)
    _write(demo, words)
    found = _people(demo, words) | _subscribers(demo, words)
    _send(demo, words)
    _correct(demo, words)
    return found | _imports(demo, words)


def halt(demo: Demo, words: Mapping[str, str] = PLAIN) -> dict[str, str]:
    """Nothing is sent from this database, whose draft somebody has proposed; who looks at it."""
    with demo.database.writing() as session:
        session.execute(update(SendingGuard).values(halted_at=utc_now(), reason=f"It is older. {words['line']}"))
        session.execute(update(Edition).values(note=words["line"]))
        draft = editions.get(session, DRAFT_MONTH)
        draft.proposed_by, draft.proposed_at = AUTHOR, utc_now()
        owner = admins.by_address(session, ADMIN)
        place = admin_sessions.Place("192.0.2.1", words["agent"])
        return {"as-strict": f"{COOKIE}={admin_sessions.begin(session, owner.id, place, now=utc_now())}"}


def hostile_or_plain(place: str, month: Month, words: Mapping[str, str], **changes: object) -> Update:
    """An update with something in every field."""
    day = utc_now().date()
    text, line = words["text"], words["line"]
    made = Update(
        place,
        month,
        Trend.DETERIORATED,
        headline=f"{place}: {line}",
        developments=(Development(line, text), Development(f"Second: {line}", text)),
        quotes=(Quote(day, text, line, line, line),),
        links=(Link(day, line, line, words["url"]),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def _write(demo: Demo, words: Mapping[str, str]) -> None:
    """The month that is being written: versions, drafts, warnings, and what somebody has not saved."""
    with demo.database.writing() as session:
        now = utc_now()
        _version(session, hostile_or_plain("KZ", DRAFT_MONTH, words, alerts=tuple(Alert)), AUTHOR, now)
        _version(session, hostile_or_plain("KZ", DRAFT_MONTH, words, trend=Trend.IMPROVED), ADMIN, now)
        draft = hostile_or_plain("SD", DRAFT_MONTH, words, state=UpdateState.DRAFT)
        _version(session, replace(draft, developments=(Development("[a link](relative)", ""),)), AUTHOR, now)
        broken = hostile_or_plain("ML", DRAFT_MONTH, words, quotes=(Quote(now.date(), words["text"], ""),))
        _version(session, broken, AUTHOR, now)
        editions.set_overview(session, DRAFT_MONTH, words["text"], now=now)
        owner, author = (admins.by_address(session, each) for each in (ADMIN, AUTHOR))
        typed = Typed.of(hostile_or_plain("KZ", DRAFT_MONTH, words))
        for admin, place in ((owner, "ET"), (author, "KZ"), (author, "ET")):
            unsaved.keep(session, admin.id, place, DRAFT_MONTH, unsaved.Unsaved(typed, 1, now))
        for month in (SENT, SENDING, PAUSED, TIMED, OVER):
            for place in ("KZ", "SD"):
                editorial.store(session, hostile_or_plain(place, month, words), now=now)


def _version(session: Session, written: Update, by: str, now: datetime) -> None:
    row = editorial.find(session, written.place, written.month)
    editing.save(session, written, seen=row.version if row else 0, by=by, now=now)


def _people(demo: Demo, words: Mapping[str, str]) -> dict[str, str]:
    """Whoever may log in, or could; their logins, and the links in their mails."""
    tokens, now, secret = demo.settings.tokens, utc_now(), pyotp.random_base32()
    with demo.database.writing() as session:
        guarded, closed = (
            admins.add(session, Address.parse(each), Role.OWNER, PASSWORD, now=now) for each in (GUARDED, CLOSED)
        )
        second_factor.switch_on(session, guarded, secret, pyotp.TOTP(secret).at(now), now=now)
        admins.close(session, closed.id, by=None, now=now)
        invited = invitations.invite(session, Address.parse(NEW), Role.AUTHOR, tokens=tokens, now=now)
        invitations.reset(session, guarded.id, tokens=tokens, now=now)
        session.flush()
        owner = admins.by_address(session, ADMIN)
        place = admin_sessions.Place("192.0.2.1", words["agent"])
        logins = {
            name: admin_sessions.begin(session, admins.by_address(session, who).id, place, now=now)
            for name, who in {
                "owner": ADMIN,
                "guarded": GUARDED,
                **{role.value: at for at, role in ROLES.items()},
            }.items()
        }
        admin_sessions.begin(session, owner.id, place, now=now)
        for each in (owner, guarded):
            audit.record(session, audit.Actor("unknown", "192.0.2.9"), FAILED, f"admin {each.id}", now=now)
        audit.record(session, audit.COMMAND_LINE, "import.uploaded", "import 1", words["file"], now=now)
        links = {
            kind.value: tokens.make_dated(kind, session.scalars(_newest(kind)).first(), at=now)
            for kind in (Purpose.INVITATION, Purpose.PASSWORD_RESET)
        }
        numbers = {f"{each.role}-id": str(each.id) for each in (owner,)}
        numbers |= {"guarded-id": str(guarded.id), "closed-id": str(closed.id), "new-id": str(invited.id)}
    return {f"as-{name}": f"{COOKIE}={token}" for name, token in logins.items()} | links | numbers


def _newest(kind: Purpose) -> Select[tuple[int]]:
    return select(Notice.id).where(Notice.kind == kind.value).order_by(Notice.id.desc())


def _subscribers(demo: Demo, words: Mapping[str, str]) -> dict[str, str]:
    """One who has had all that happens, one who waits, one who is suppressed, one who left; and months of growth."""
    tokens, now, name = demo.settings.tokens, utc_now(), words["address"]
    found = {who: ask(demo, f"{name}{who}@example.org", "KZ", "SD") for who in ("active", "silent", "left", "waits")}
    for who in ("active", "silent", "left"):
        confirm(demo, found[who])
    origin = Origin("desk", words["text"], "192.0.2.1")
    with demo.database.writing() as session:
        leaving.leave(session, session.get_one(Subscriber, found["left"]), origin=origin, tokens=tokens, now=now)
        active, silent = (session.get_one(Subscriber, found[who]) for who in ("active", "silent"))
        preferences.pause(session, active, 3, zone=demo.settings.zone, origin=origin, now=now)
        preferences.resume(session, active, origin=origin, now=now)
        reason = SuppressionReason.BY_ADMIN
        suppressions.suppress(session, silent.address_key, reason, tokens=tokens, now=now)
        audit.record(
            session, audit.Actor(ADMIN), "subscriber.changed", f"subscriber {active.id}", words["line"], now=now
        )
        session.execute(update(Notice).where(Notice.subscriber_id == active.id).values(detail=words["line"]))
        months = [{"month": f"2022-{number:02}", "joined": 90 + number, "ended": number} for number in range(1, 12)]
        session.execute(insert(GrowthMonth), [each | {"counted_at": now} for each in months])
    return {who: str(number) for who, number in found.items()}


def _send(demo: Demo, words: Mapping[str, str]) -> None:
    """An edition that was sent, one on its way, one that is paused, and one that waits for its time."""
    add_readers(demo.database, ["KZ;SD"] * READERS)
    with demo.database.writing() as session:
        now = utc_now()
        for month in (SENT, SENDING, PAUSED, TIMED, OVER):
            editions.ensure(session, month, now=now)
            editions.approve(session, month, demo.settings.publication, by=AUTHOR, now=now)
        schedule.put_off(session, TIMED, now + timedelta(days=2), by=ADMIN)
        for month in (SENT, SENDING, PAUSED, OVER):
            edition = deliveries.start(session, month, by=ADMIN, now=now)
            _go_on(session, edition, words["line"], now)
        deliveries.pause(session, PAUSED, note=words["line"])
        for sent in (editions.get(session, month) for month in (SENT, OVER)):
            is_open = Delivery.state.in_(["pending", "held", "deferred"])
            session.execute(update(Delivery).where(Delivery.edition_id == sent.id, is_open).values(state="sent"))
            sent.state, sent.ended_at = "sent", now
        later = int((now + timedelta(hours=1)).timestamp())
        session.add(Destination(name="example.net", paused_until=later, note=words["line"], changed_at=later))
    with demo.database.writing() as session:
        for sent in (editions.get(session, month) for month in (SENT, OVER)):
            reports.keep(session, sent, reports.make(session, sent, demo.settings.publication, now=utc_now()))


def _go_on(session: Session, edition: Edition, said: str, now: datetime) -> None:
    """Some of its deliveries have ended, in all the ways that there are."""
    states = ("sent", "sent", "sent", "failed", "deferred", "held", "skipped", "pending")
    rows = session.query(Delivery).filter_by(edition_id=edition.id).order_by(Delivery.subscriber_id)
    for number, row in enumerate(rows):
        row.state = states[number % len(states)]
        row.changed_at = int(now.timestamp()) + 60 * number
        row.detail = {"failed": f"550 5.1.1 {said}", "held": said, "skipped": "left"}.get(row.state)
        row.flagged = row.state == "held"


def _correct(demo: Demo, words: Mapping[str, str]) -> None:
    """One correction is published, another one is being written."""
    with demo.database.writing() as session:
        for place in ("KZ", "SD"):
            revision = corrections.begin(session, SENT)
            stands = corrections.entry_of(revision, place).update
            right = replace(stands, headline=f"Put right: {words['line']}")
            corrections.change(session, SENT, right, seen=corrections.fingerprint(stands))
            corrections.describe(session, SENT, " ".join(words["text"].split()))
            if place == "KZ":
                corrections.publish(session, SENT, by=ADMIN, now=utc_now())


def _imports(demo: Demo, words: Mapping[str, str]) -> dict[str, str]:
    """A list in every state that one can be in."""
    found = {state.value: _begin(demo, words["file"], state.value) for state in ImportState}
    importer = Importer(demo.database, demo.settings.tokens)
    for state in (ImportState.READY, ImportState.RUNNING, ImportState.DONE, ImportState.CANCELLED):
        importer.read(found[state], io.BytesIO(_list(state.value, words)))
    with suppress(InvalidInput):
        importer.read(found[ImportState.FAILED], io.BytesIO(f"{words['line']}\n".encode()))
    with demo.database.writing() as session:
        imports.cancel(session, found[ImportState.CANCELLED], now=utc_now())
        for state in (ImportState.RUNNING, ImportState.DONE):
            imports.confirm(session, found[state], by=ADMIN, now=utc_now())
    importer.run(found[ImportState.DONE])
    return {f"import-{state}": str(number) for state, number in found.items()}


def _begin(demo: Demo, name: str, unique: str) -> int:
    with demo.database.writing() as session:
        file = File(name, hashlib.sha256(unique.encode()).hexdigest(), 1_000, is_upload=True)
        return imports.begin(session, file, by=ADMIN, now=utc_now()).id


def _list(of: str, words: Mapping[str, str]) -> bytes:
    """Good rows and bad ones, with the words in every column."""
    cell, written = words["cell"], io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    good = ["KZ", "en", "active", "2022-11-30"]
    for number in range(3):
        writer.writerow((f"{words['address']}{of}{number}@example.org", *good, words["text"]))
    for number in range(len(COLUMNS)):
        row = [f"bad{of}{number}@example.org", *good, cell]
        row[number] = cell if COLUMNS[number] != "consent" else ""
        writer.writerow(row)
    return written.getvalue().encode()
