"""The statements that a sender runs in every tick, some hundred times a second.

Each is built once, with parameters, and on tables instead of mapped classes: building them anew in every tick cost more
than running them.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, Update, bindparam, func, or_, select, update

from newsletter.domain.states import DeliveryState, EditionState
from newsletter.storage.tables import Base

_TABLES = Base.metadata.tables
_DELIVERY, _NOTICE, _EDITION = _TABLES["delivery"], _TABLES["notice"], _TABLES["edition"]
_SUBSCRIBER, _SUPPRESSION = _TABLES["subscriber"], _TABLES["suppression"]
_RUN = _TABLES["sender_run"]

#: (:owner) locks a sender's run: whoever begins another one waits for the tick that holds it.
OWN_RUN = select(_RUN.c.id).where(_RUN.c.id == bindparam("owner")).with_for_update()

#: () -> the id of the newest run.
NEWEST_RUN = select(func.max(_RUN.c.id))

#: (:second) -> one row if a notice is due.
ANY_NOTICE_DUE = select(_NOTICE.c.id).where(_NOTICE.c.due_at <= bindparam("second")).limit(1)

_SENDING = select(_EDITION.c.id).where(_EDITION.c.state == EditionState.SENDING.value)

#: () -> one row if an edition is being sent.
ANY_SENDING = _SENDING.limit(1)

#: () -> the ids of the editions that are being sent, the oldest month first, locked.
SENDING = _SENDING.order_by(_EDITION.c.month).with_for_update()

_CANDIDATES = (
    select(
        _DELIVERY.c.subscriber_id,
        _DELIVERY.c.attempt,
        _SUBSCRIBER.c.address,
        _SUBSCRIBER.c.address_key,
        _SUBSCRIBER.c.follows,
        _SUBSCRIBER.c.state,
    )
    .select_from(_DELIVERY.join(_SUBSCRIBER, _DELIVERY.c.subscriber_id == _SUBSCRIBER.c.id, isouter=True))
    .where(_DELIVERY.c.edition_id == bindparam("edition_id"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=_DELIVERY)
)

#: (:edition_id, :after, :most) -> pending deliveries with their subscribers, in the order of subscribers.
PENDING = _CANDIDATES.where(
    _DELIVERY.c.subscriber_id > bindparam("after"), _DELIVERY.c.state == DeliveryState.PENDING.value
).order_by(_DELIVERY.c.subscriber_id)

#: (:edition_id, :second, :most) -> deferred deliveries that are due, the longest due first.
DUE = _CANDIDATES.where(_DELIVERY.c.due_at <= bindparam("second")).order_by(_DELIVERY.c.due_at)

#: (:hashes) -> those of them that are suppressed.
SUPPRESSED = select(_SUPPRESSION.c.address_hash).where(
    _SUPPRESSION.c.address_hash.in_(bindparam("hashes", expanding=True))
)

_OF_EDITION = update(_DELIVERY).where(
    _DELIVERY.c.edition_id == bindparam("of_edition"),
    _DELIVERY.c.subscriber_id.in_(bindparam("subscriber_ids", expanding=True)),
)

#: (:of_edition, :subscriber_ids, :new_owner) arms deliveries.
ARM = _OF_EDITION.values(
    state=DeliveryState.ARMED.value, owner=bindparam("new_owner"), attempt=_DELIVERY.c.attempt + 1, due_at=None
)

#: (:of_edition, :subscriber_ids, :new_detail, :new_changed_at) skips deliveries.
SKIP = _OF_EDITION.values(
    state=DeliveryState.SKIPPED.value,
    detail=bindparam("new_detail"),
    changed_at=bindparam("new_changed_at"),
    due_at=None,
)


def _guarded(table: Table, *key: ColumnElement[bool]) -> Update:
    """Write one row, if it is still armed by this owner for this attempt."""
    column = table.c
    return (
        update(table)
        .where(
            *key,
            column.owner == bindparam("of_owner"),
            column.attempt == bindparam("of_attempt"),
            column.state == DeliveryState.ARMED.value,
        )
        .values(
            state=bindparam("new_state"),
            owner=None,
            attempt=bindparam("new_attempt"),
            flagged=or_(column.flagged, bindparam("new_flagged")),
            due_at=bindparam("new_due_at"),
            changed_at=bindparam("new_changed_at"),
            detail=bindparam("new_detail"),
        )
    )


#: (:of_edition, :of_row, :of_owner, :of_attempt, :new_*) records what became of a delivery.
RECORD_DELIVERY = _guarded(
    _DELIVERY,
    _DELIVERY.c.edition_id == bindparam("of_edition"),
    _DELIVERY.c.subscriber_id == bindparam("of_row"),
)

#: The same for a notice, without :of_edition.
RECORD_NOTICE = _guarded(_NOTICE, _NOTICE.c.id == bindparam("of_row"))

#: (:edition_ids) -> id, state and start of editions, locked against a change of their state.
EDITION_FACTS = (
    select(_EDITION.c.id, _EDITION.c.state, _EDITION.c.send_started_at)
    .where(_EDITION.c.id.in_(bindparam("edition_ids", expanding=True)))
    .order_by(_EDITION.c.id)
    .with_for_update(read=True)
)
