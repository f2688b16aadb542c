"""The statements of a request for a subscription, made once: see storage.prepared.

A request takes some ten of them, and the form has to answer fast. Times among their values go through `moment`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    bindparam,
    case,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.storage.columns import UtcDateTime
from newsletter.storage.prepared import Prepared, any_of
from newsletter.storage.tables import Base

_TABLES = Base.metadata.tables
_SUBSCRIBER, _SUBSCRIPTION = _TABLES["subscriber"], _TABLES["subscription"]
_NOTICE, _CONSENT = _TABLES["notice"], _TABLES["consent"]

_TIME = UtcDateTime()

_VALUES = {
    "address": bindparam("address"),
    "address_key": bindparam("key"),
    "state": SubscriberState.PENDING.value,
    "language": "en",
    "follows": "",
    "alerts_at_once": False,
    "text_only": False,
    "created_at": bindparam("now"),
}

# Who is active stays so, whoever asks; who had left is pending once more.
_STILL = case(
    (_SUBSCRIBER.c.state == SubscriberState.ACTIVE.value, _SUBSCRIBER.c.state), else_=SubscriberState.PENDING.value
)
_SUPPRESSION, _DOMAIN = _TABLES["suppression"], _TABLES["disposable_domain"]
_SUPPRESSED = select(_SUPPRESSION.c.at).where(_SUPPRESSION.c.address_hash == bindparam("digest")).exists()
_DISPOSABLE = select(_DOMAIN.c.domain).where(any_of(_DOMAIN.c.domain, "domains")).exists()


def _find_or_add(insert_: Any) -> Prepared:
    adds = insert_(_SUBSCRIBER).values(_VALUES)
    found = adds.on_conflict_do_update(index_elements=[_SUBSCRIBER.c.address_key], set_={"state": _STILL})
    return Prepared(found.returning(_SUBSCRIBER.c.id, _SUBSCRIBER.c.state, _SUPPRESSED, _DISPOSABLE))


#: By dialect: (:address, :key, :digest, :domains, :now) -> id and state of the address's subscriber; whether the digest
#: is suppressed; whether one of the domains is listed as disposable. The subscriber is locked and, unless they are
#: active, pending; added if there was none.
FIND_OR_ADD = {"sqlite": _find_or_add(sqlite.insert), "postgresql": _find_or_add(postgresql.insert)}

_SUBJECT = func.coalesce(_SUBSCRIPTION.c.place_code, _SUBSCRIPTION.c.region_code, "all")

#: (:subscriber_id, :subjects, :now, :why) ends all that a subscriber has but for these. By itself: PostgreSQL shows a
#: statement what was there when it began, and the one above may have waited for who asked for the same address.
END = Prepared(
    update(_SUBSCRIPTION)
    .where(
        _SUBSCRIPTION.c.subscriber_id == bindparam("subscriber_id"),
        _SUBSCRIPTION.c.ended_at.is_(None),
        not_(any_of(_SUBJECT, "subjects")),
    )
    .values(ended_at=bindparam("now"), reason=bindparam("why"))
)


def _begin(insert_: Any) -> Prepared:
    begins = insert_(_SUBSCRIPTION).values(
        subscriber_id=bindparam("subscriber_id"),
        place_code=bindparam("place_code"),
        region_code=bindparam("region_code"),
        requested_at=bindparam("now"),
        ended_at=bindparam("ended_at"),
    )
    return Prepared(begins.on_conflict_do_nothing().inline())


#: By dialect: (:subscriber_id, :place_code, :region_code, :now, :ended_at) begins one, which may have ended at once;
#: unless the subscriber has it.
BEGIN = {"sqlite": _begin(sqlite.insert), "postgresql": _begin(postgresql.insert)}

#: (:subscriber_id, :now, :act, :source, :ip, :text, :text_sha256) adds a row to the ledger.
RECORD = Prepared(
    insert(_CONSENT)
    .values(
        subscriber_id=bindparam("subscriber_id"),
        at=bindparam("now"),
        act=bindparam("act"),
        source=bindparam("source"),
        ip=bindparam("ip"),
        text=bindparam("text"),
        text_sha256=bindparam("text_sha256"),
    )
    .inline()
)

# Who asks after they have left is asked anew: what went out before that counts no more.
_SINCE_PENDING = or_(_SUBSCRIBER.c.ended_at.is_(None), _NOTICE.c.created_at >= _SUBSCRIBER.c.ended_at)
_ANSWERS = (NoticeKind.CONFIRMATION, NoticeKind.ALREADY_SUBSCRIBED, NoticeKind.MANAGE_LINK)

# How many mails that a stranger can cause were queued lately, and today; and how many questions since they last left.
_CAUSED = (
    select(
        func.count().filter(_NOTICE.c.created_at > bindparam("lately")).label("lately"),
        func.count().filter(_NOTICE.c.created_at > bindparam("today")).label("today"),
        func.count().filter(_NOTICE.c.kind == NoticeKind.CONFIRMATION.value, _SINCE_PENDING).label("questions"),
    )
    .select_from(_NOTICE.join(_SUBSCRIBER, _SUBSCRIBER.c.id == _NOTICE.c.subscriber_id))
    .where(
        _NOTICE.c.subscriber_id == bindparam("subscriber_id"),
        or_(*(_NOTICE.c.kind == kind.value for kind in _ANSWERS)),
    )
    .subquery()
)
_QUEUED: dict[str, ColumnElement[Any]] = {
    "kind": bindparam("kind", type_=String),
    "subscriber_id": bindparam("subscriber_id", type_=Integer),
    "created_at": bindparam("now", type_=_TIME),
    "state": bindparam("state", type_=String),
    "attempt": literal(0),
    "flagged": literal(value=False),
    "due_at": bindparam("second", type_=Integer),
}

#: (:subscriber_id, :kind, :now, :state, :second, :lately, :today, :most_today, :most_questions) queues a notice that is
#: due at that second, unless one was queued since `lately`, or enough were since `today`, or enough questions ever.
ENQUEUE = Prepared(
    insert(_NOTICE)
    .from_select(
        list(_QUEUED),
        select(*_QUEUED.values()).where(
            _CAUSED.c.lately == 0,
            _CAUSED.c.today < bindparam("most_today", type_=Integer),
            or_(
                bindparam("kind", type_=String) != NoticeKind.CONFIRMATION.value,
                _CAUSED.c.questions < bindparam("most_questions", type_=Integer),
            ),
        ),
        include_defaults=False,
    )
    .inline()
)


def moment(session: Session, at: datetime) -> object:
    """A time as the database's driver takes it: the statements run past SQLAlchemy, which would bring it into form."""
    dialect = session.connection().dialect
    bring_into_form = _TIME.dialect_impl(dialect).bind_processor(dialect)
    return bring_into_form(at) if bring_into_form else at


class Savepoint:
    """Undoes what was done since, or keeps it, at the same cost."""

    def __init__(self, name: str) -> None:
        self.begin = Prepared(text(f"SAVEPOINT {name}"))
        self._release = Prepared(text(f"RELEASE SAVEPOINT {name}"))
        self._roll_back = Prepared(text(f"ROLLBACK TO SAVEPOINT {name}"))

    def ending(self, *, keep: bool) -> Prepared:
        """The statement that lets go of it; of two, the inner one goes first."""
        return self._release if keep else self._roll_back


EVERYTHING, QUESTION = Savepoint("everything"), Savepoint("question")
