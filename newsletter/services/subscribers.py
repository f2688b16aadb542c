"""Subscribers as a file: taken in with their consent, given out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.domain.states import SubscriberState
from newsletter.errors import InvalidInput, NewsletterError, NotFound
from newsletter.mail.links import Tokens
from newsletter.services import consents, forgotten, preferences, suppressions
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Consent, Subscriber
from newsletter.storage.upsert import insert_or_ignore

COLUMNS = ("email", "follows", "language", "status", "confirmed_at", "consent")
_NEEDED = {"email", "follows", "consent"}
LONGEST_FIELD = 4_000  #: characters
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file that can be taken in."""

    address: Address
    subjects: tuple[str, ...]
    language: str
    confirmed_at: datetime
    consent: str


@dataclass(frozen=True, slots=True)
class Reject:
    """One line that can't."""

    line: int
    reason: str
    values: dict[str, str]


def read_rows(lines: Iterable[str], *, now: datetime) -> Iterator[tuple[int, Row | Reject]]:
    """The rows of a CSV file with their line numbers. Raises InvalidInput when its head is wrong."""
    records = _records(lines)
    _, names = next(records, (0, []))
    _check_head(names)
    for line, fields in records:
        values = dict.fromkeys(names, "") | dict(zip(names, map(plain, fields), strict=False))
        try:
            yield line, _row(values, has_too_many=len(fields) > len(names), now=now)
        except NewsletterError as error:
            yield line, Reject(line, str(error), values)


def _records(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line that is not empty, with its number. Raises InvalidInput."""
    reader = csv.reader((line.replace("\0", "") for line in lines), strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, [field.strip() for field in fields]
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num} is no CSV: {error}") from None


def _check_head(names: Sequence[str]) -> None:
    missing = _NEEDED - set(names)
    unknown = set(names) - set(COLUMNS)
    twice = {name for name in names if names.count(name) > 1}
    if missing:
        problem = f"lacks {', '.join(sorted(missing))}"
    elif unknown:
        problem = f"has an unknown column {min(unknown)[:40]!r}"
    elif twice:
        problem = f"has the column {min(twice)!r} twice"
    else:
        return
    raise InvalidInput(f"the first line {problem}; the columns are {', '.join(COLUMNS)}")


def _row(values: dict[str, str], *, has_too_many: bool, now: datetime) -> Row:
    if has_too_many:
        raise InvalidInput("more fields than columns")
    if any(len(value) > LONGEST_FIELD for value in values.values()):
        raise InvalidInput(f"a field is longer than {LONGEST_FIELD} characters")
    if values.get("status", "active") not in ("", "active"):
        raise InvalidInput(f"the status is {values['status'][:20]!r}, and only active subscribers are taken in")
    if not values["consent"]:
        raise InvalidInput("consent is empty: say where and how it was given")
    language = values.get("language") or "en"
    if not _LANGUAGE.fullmatch(language):
        raise InvalidInput(f"the language is {language[:20]!r}; write a code such as en")
    return Row(
        address=Address.parse(values["email"]),
        subjects=subjects_.parse(values["follows"].split(";"), gazetteer()),
        language=language,
        confirmed_at=_time(values.get("confirmed_at", ""), now),
        consent=values["consent"],
    )


def _time(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"confirmed_at is {text[:30]!r}; write 2022-11-30 or 2022-11-30T09:00:00+00:00") from None
    if found > now:
        raise InvalidInput("confirmed_at lies in the future")
    return found


def take_in(session: Session, row: Row, *, tokens: Tokens, source: str, now: datetime) -> None:
    """Make the row's owner an active subscriber. Raises InvalidInput for who is suppressed, is there, or has left."""
    if suppressions.is_suppressed(session, row.address.key, tokens=tokens):
        raise InvalidInput("this address is suppressed")
    if forgotten.find(session, row.address.key, tokens=tokens) is not None:
        raise InvalidInput("this address has left; its owner can subscribe again by the form")
    values = {"address": row.address.text, "address_key": row.address.key, "language": row.language, "follows": ""}
    if not insert_or_ignore(session, Subscriber, **values, state=SubscriberState.ACTIVE.value, created_at=now):
        raise InvalidInput("this address is here already; its owner decides what it follows")
    subscriber = by_address(session, row.address.key)
    subscriber.confirmed_at = row.confirmed_at
    subscriber.follows = subjects_.join(row.subjects)
    preferences.replace_subscriptions(
        session, subscriber, row.subjects, reason="", now=row.confirmed_at, confirmed_at=row.confirmed_at
    )
    origin = Origin(source=source, text=row.consent)
    consents.record(session, subscriber.id, ConsentAct.CONFIRMED, origin, now=row.confirmed_at)


def by_address(session: Session, address_key: str) -> Subscriber:
    """The subscriber with this address. Raises NotFound."""
    found = session.scalars(select(Subscriber).where(Subscriber.address_key == address_key)).one_or_none()
    if found is None:
        raise NotFound("no subscriber has this address")
    return found


def export_rows(session: Session) -> Iterator[dict[str, str]]:
    """All subscribers, in the columns that `read_rows` takes; a cell can't be taken for a formula."""
    words = select(Consent.subscriber_id, Consent.source, Consent.text).where(Consent.act == ConsentAct.CONFIRMED.value)
    consent = {row.subscriber_id: f"{row.source}: {row.text}" for row in session.execute(words.order_by(Consent.id))}
    for each in session.scalars(
        select(Subscriber).where(Subscriber.address != "").order_by(Subscriber.id).execution_options(yield_per=1000)
    ):
        yield {
            "email": harmless(each.address),
            "follows": each.follows,
            "language": each.language,
            "status": each.state,
            "confirmed_at": each.confirmed_at.isoformat() if each.confirmed_at else "",
            "consent": harmless(consent.get(each.id, "")),
        }


def harmless(cell: str) -> str:
    """Spreadsheets run what begins like a formula, unless an apostrophe stands before it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """A cell without the apostrophe of `harmless`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


#: With any apostrophes before it, so that one can be put there and taken off again whatever the cell holds.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
