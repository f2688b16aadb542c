"""The statements that a sender runs in every tick, some hundred times a second: see storage.prepared."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, Update, bindparam, case, exists, extract, or_, select, update

from newsletter.domain.states import DeliveryState, EditionState
from newsletter.storage.prepared import Prepared, any_of
from newsletter.storage.tables import Base

_TABLES = Base.metadata.tables
_DELIVERY, _NOTICE, _EDITION = _TABLES["delivery"], _TABLES["notice"], _TABLES["edition"]
_SUBSCRIBER, _SUPPRESSION = _TABLES["subscriber"], _TABLES["suppression"]
_RUN = _TABLES["sender_run"]

#: (:owner, :seen, :second) counts a tick of a run that nobody has ended, and of which so many are known. The row stays
#: locked: whoever ends it, to begin one of their own, waits for the tick that holds it.
TICK = Prepared(
    update(_RUN)
    .where(_RUN.c.id == bindparam("owner"), _RUN.c.ended_at.is_(None), _RUN.c.ticks >= bindparam("seen"))
    .values(ticks=_RUN.c.ticks + 1, ticked_at=bindparam("second"))
)

#: (:second) -> one row if a notice is due.
ANY_NOTICE_DUE = Prepared(select(_NOTICE.c.id).where(_NOTICE.c.due_at <= bindparam("second")).limit(1))

#: () -> the ids of the editions that are being sent, the oldest month first. They are not locked: senders would wait
#: for each other, and who pauses an edition for all of them.
SENDING = Prepared(
    select(_EDITION.c.id).where(_EDITION.c.state == EditionState.SENDING.value).order_by(_EDITION.c.month)
)

_CANDIDATES = (
    select(
        _DELIVERY.c.subscriber_id,
        _DELIVERY.c.attempt,
        _DELIVERY.c.flagged,
        _SUBSCRIBER.c.address,
        _SUBSCRIBER.c.address_key,
        _SUBSCRIBER.c.follows,
        _SUBSCRIBER.c.state,
        # As a number: past SQLAlchemy, each driver would give a time in its own kind.
        extract("epoch", _SUBSCRIBER.c.paused_until),
        _SUBSCRIBER.c.text_only,
    )
    .select_from(_DELIVERY.join(_SUBSCRIBER, _DELIVERY.c.subscriber_id == _SUBSCRIBER.c.id, isouter=True))
    .where(_DELIVERY.c.edition_id == bindparam("edition_id"), _DELIVERY.c.subscriber_id <= bindparam("last"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=_DELIVERY)
)

#: (:edition_id, :after, :last, :most) -> pending deliveries that wait for no time of their own, with their subscribers,
#: in the order of subscribers.
PENDING = Prepared(
    _CANDIDATES.where(
        _DELIVERY.c.subscriber_id > bindparam("after"),
        _DELIVERY.c.state == DeliveryState.PENDING.value,
        _DELIVERY.c.due_at.is_(None),
    ).order_by(_DELIVERY.c.subscriber_id)
)

#: (:edition_id, :first, :last, :second, :most) -> deliveries whose time has come, the longest due first.
DUE = Prepared(
    _CANDIDATES.where(
        _DELIVERY.c.subscriber_id >= bindparam("first"), _DELIVERY.c.due_at <= bindparam("second")
    ).order_by(_DELIVERY.c.due_at)
)

#: (:hashes) -> those of them that are suppressed.
SUPPRESSED = Prepared(select(_SUPPRESSION.c.address_hash).where(any_of(_SUPPRESSION.c.address_hash, "hashes")))

_ONE = update(_DELIVERY).where(
    _DELIVERY.c.edition_id == bindparam("of_edition"), _DELIVERY.c.subscriber_id == bindparam("of_row")
)

#: (:of_edition, :of_row, :new_owner) arms a delivery.
ARM = Prepared(
    _ONE.values(
        state=DeliveryState.ARMED.value, owner=bindparam("new_owner"), attempt=_DELIVERY.c.attempt + 1, due_at=None
    )
)

#: (:of_edition, :of_row, :new_detail, :new_changed_at) skips a delivery.
SKIP = Prepared(
    _ONE.values(
        state=DeliveryState.SKIPPED.value,
        detail=bindparam("new_detail"),
        changed_at=bindparam("new_changed_at"),
        due_at=None,
    )
)

#: (:of_edition, :of_row, :new_due_at) lets a delivery wait for its destination.
POSTPONE = Prepared(_ONE.values(due_at=bindparam("new_due_at")))


def _guarded(table: Table, *key: ColumnElement[bool]) -> Update:
    """Write one row, if it is still armed by this owner for this attempt."""
    column = table.c
    return update(table).where(
        *key,
        column.owner == bindparam("of_owner"),
        column.attempt == bindparam("of_attempt"),
        column.state == DeliveryState.ARMED.value,
    )


def _recorded(table: Table, *key: ColumnElement[bool]) -> Update:
    return _guarded(table, *key).values(
        state=bindparam("new_state"),
        owner=None,
        attempt=bindparam("new_attempt"),
        flagged=or_(table.c.flagged, bindparam("new_flagged")),
        due_at=bindparam("new_due_at"),
        changed_at=bindparam("new_changed_at"),
        detail=bindparam("new_detail"),
    )


_DELIVERY_KEY = (
    _DELIVERY.c.edition_id == bindparam("of_edition"),
    _DELIVERY.c.subscriber_id == bindparam("of_row"),
)

#: (:of_edition, :of_row, :of_owner, :of_attempt, :new_*) records what became of a delivery. The relay's words often
#: name the address: of whoever was erased while the message was on its way they are not kept.
RECORD_DELIVERY = Prepared(
    _recorded(_DELIVERY, *_DELIVERY_KEY).values(
        detail=case((exists().where(_SUBSCRIBER.c.id == _DELIVERY.c.subscriber_id), bindparam("new_detail")))
    )
)

#: (:of_edition, :of_row, :of_owner, :of_attempt, :new_changed_at) records that it was sent: what happens to nearly all.
RECORD_SENT = Prepared(
    _guarded(_DELIVERY, *_DELIVERY_KEY).values(
        state=DeliveryState.SENT.value, owner=None, changed_at=bindparam("new_changed_at"), detail=None
    )
)

#: The same as RECORD_DELIVERY for a notice, without :of_edition.
RECORD_NOTICE = Prepared(_recorded(_NOTICE, _NOTICE.c.id == bindparam("of_row")))
