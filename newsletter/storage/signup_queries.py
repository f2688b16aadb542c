"""The statements of a request for a subscription, made once: to build them anew would cost more than to run them.

They go to the tables past the session's objects: a request takes some ten of them, and the form has to answer fast.
"""

from __future__ import annotations

from sqlalchemy import Insert, bindparam, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.storage.prepared import Prepared
from newsletter.storage.tables import Base

_TABLES = Base.metadata.tables
_SUBSCRIBER, _SUBSCRIPTION = _TABLES["subscriber"], _TABLES["subscription"]
_NOTICE, _SUPPRESSION = _TABLES["notice"], _TABLES["suppression"]

#: (:digest) -> one row if the address is suppressed.
SUPPRESSED = Prepared(select(_SUPPRESSION.c.address_hash).where(_SUPPRESSION.c.address_hash == bindparam("digest")))

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

#: By dialect: (:address, :key, :now) adds a pending subscriber, unless the address has one.
ADD: dict[str, Insert] = {
    "sqlite": sqlite.insert(_SUBSCRIBER).values(_VALUES).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_SUBSCRIBER).values(_VALUES).on_conflict_do_nothing(),
}

#: (:key) -> id and state of an address's subscriber, locked.
LOCK = Prepared(
    select(_SUBSCRIBER.c.id, _SUBSCRIBER.c.state).where(_SUBSCRIBER.c.address_key == bindparam("key")).with_for_update()
)

#: (:subscriber_id) makes a subscriber pending.
MAKE_PENDING = Prepared(
    update(_SUBSCRIBER)
    .where(_SUBSCRIBER.c.id == bindparam("subscriber_id"))
    .values(state=SubscriberState.PENDING.value)
)

#: (:subscriber_id) -> id and subject of each subscription that has not ended.
LIVE = Prepared(
    select(_SUBSCRIPTION.c.id, func.coalesce(_SUBSCRIPTION.c.place_code, _SUBSCRIPTION.c.region_code, "all")).where(
        _SUBSCRIPTION.c.subscriber_id == bindparam("subscriber_id"), _SUBSCRIPTION.c.ended_at.is_(None)
    )
)

#: (:subscription_id, :now, :why) ends one.
END = (
    update(_SUBSCRIPTION)
    .where(_SUBSCRIPTION.c.id == bindparam("subscription_id"))
    .values(ended_at=bindparam("now"), reason=bindparam("why"))
)

BEGIN = insert(_SUBSCRIPTION)
ENQUEUE = insert(_NOTICE)

_ANSWERS = (NoticeKind.CONFIRMATION.value, NoticeKind.ALREADY_SUBSCRIBED.value, NoticeKind.MANAGE_LINK.value)
# Who asks after they have left is asked anew: what went out before that counts no more.
_SINCE_PENDING = or_(_SUBSCRIBER.c.ended_at.is_(None), _NOTICE.c.created_at >= _SUBSCRIBER.c.ended_at)

#: (:subscriber_id, :lately, :today) -> how many mails that a stranger can cause were queued since these times, and how
#: many questions since they last left.
CAUSED = (
    select(
        func.count().filter(_NOTICE.c.created_at > bindparam("lately")),
        func.count().filter(_NOTICE.c.created_at > bindparam("today")),
        func.count().filter(_NOTICE.c.kind == NoticeKind.CONFIRMATION.value, _SINCE_PENDING),
    )
    .select_from(_NOTICE.join(_SUBSCRIBER, _SUBSCRIBER.c.id == _NOTICE.c.subscriber_id))
    .where(_NOTICE.c.subscriber_id == bindparam("subscriber_id"), _NOTICE.c.kind.in_(_ANSWERS))
)
