"""Why deliveries failed, in plain words: what the relay said, put into a few groups (RFC 3463, RFC 5321)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState
from newsletter.storage.tables import Delivery

#: Characters of the relay's words that hold its codes: "550 5.1.1 " and longer ones, such as "550 5.7.509 ".
_CODES: Final = 12

_REPLY: Final = re.compile(r"([245])([0-9]{2})(?: [245]\.([0-9]{1,3})\.([0-9]{1,3}))?")

#: By the enhanced code's subject and detail, and then by its subject alone.
_BY_DETAIL: Final = {
    ("2", "1"): "the mailbox is switched off",
    ("2", "2"): "the mailbox is full",
    ("2", "3"): "the mail is too large for the mailbox",
    ("3", "4"): "the mail is too large for the mailbox",
    ("7", "1"): "the receiver does not want this mail",
}
_BY_SUBJECT: Final = {
    "1": "there is no such mailbox",
    "2": "the mailbox takes no mail",
    "3": "the receiving system does not take it",
    "4": "the receiving system could not be reached in time",
    "5": "the two servers did not understand each other",
    "6": "the receiving system can’t convert the mail",
    "7": "the receiver’s rules, such as spam filters, refused it",
}
#: Where there is no enhanced code.
_BY_CODE: Final = {
    "550": "there is no such mailbox, or it refuses us",
    "551": "there is no such mailbox",
    "552": "the mailbox is full, or the mail too large for it",
    "553": "there is no such mailbox",
    "554": "the receiver refused it",
    "521": "the domain takes no mail",
    "556": "the domain takes no mail",
}
_PUT_OFF: Final = "put off until its time was over"
_UNKNOWN: Final = "no reason was kept"


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason, and how many deliveries failed for it."""

    words: str
    count: int
    said: str  #: an example of what the relay said


def by_reason(session: Session, edition_id: int) -> tuple[Failure, ...]:
    """The reasons of an edition's failures, the most frequent first."""
    codes = func.substr(Delivery.detail, 1, _CODES)
    query = (
        select(codes, func.count(), func.min(Delivery.detail))
        .where(Delivery.edition_id == edition_id, Delivery.state == DeliveryState.FAILED.value)
        .group_by(codes)
    )
    numbers: Counter[str] = Counter()
    examples: dict[str, tuple[int, str]] = {}
    for _, number, example in session.execute(query):
        words = in_words(example)
        numbers[words] += number
        examples[words] = max(examples.get(words, (0, "")), (number, example or ""))
    return tuple(Failure(words, number, examples[words][1]) for words, number in numbers.most_common())


def in_words(detail: str | None) -> str:
    """What the relay's last words to a delivery mean."""
    found = _REPLY.match(detail or "")
    if found is None:
        return _UNKNOWN
    kind, rest, subject, small = found.groups()
    reason = _BY_DETAIL.get((subject, small)) or _BY_SUBJECT.get(subject) or _BY_CODE.get(kind + rest)
    if kind == "4":
        return f"{_PUT_OFF}: {reason}" if reason else _PUT_OFF
    return reason or "the receiver refused it"
