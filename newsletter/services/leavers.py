"""Who left after an edition, and which addresses were suppressed: counted by times that their rows keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import SuppressionReason
from newsletter.storage.tables import Edition, Subscriber, Subscription, Suppression

_BY_THEMSELVES = "unsubscribed%"  #: the reason of who left on their own account (services.leaving)


@dataclass(frozen=True, slots=True)
class Leavers:
    """Who unsubscribed in a span of time."""

    total: int
    by_day: Mapping[str, int]  #: YYYY-MM-DD in UTC
    by_subject: Mapping[str, int]  #: what they followed, the most frequent first


def next_start(session: Session, edition: Edition) -> datetime | None:
    """When the next edition was begun to be sent: what happens from then on is no echo of this one."""
    query = select(func.min(Edition.send_started_at)).where(Edition.send_started_at > edition.send_started_at)
    found: datetime | None = session.scalar(query)
    return found


def count(session: Session, *, since: datetime, until: datetime) -> Leavers:
    """Who unsubscribed in the time; there is an index of when subscribers left."""
    if session.get_bind().dialect.name == "sqlite":
        day: ColumnElement[str] = func.substr(Subscriber.ended_at, 1, 10)
    else:
        day = func.to_char(func.timezone("UTC", Subscriber.ended_at), "YYYY-MM-DD")
    left = (
        Subscriber.ended_at >= since,
        Subscriber.ended_at <= until,
        Subscription.ended_at == Subscriber.ended_at,
        Subscription.reason.like(_BY_THEMSELVES),
    )
    join = (Subscription, Subscription.subscriber_id == Subscriber.id)
    number = func.count(Subscriber.id.distinct())
    days = session.execute(select(day, number).join(*join).where(*left).group_by(day).order_by(day)).all()
    what = func.coalesce(Subscription.place_code, Subscription.region_code, "all")
    subjects = session.execute(
        select(what, number).join(*join).where(*left).group_by(what).order_by(number.desc(), what)
    ).all()
    by_day = {str(name): found for name, found in days}
    return Leavers(sum(by_day.values()), by_day, {str(name): found for name, found in subjects})


def suppressed(session: Session, *, since: datetime, until: datetime) -> tuple[int, int]:
    """Addresses that bounced for good, and that complained, in the time."""
    reasons = (SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT)
    bounces, complaints = (func.count().filter(Suppression.reason == reason.value) for reason in reasons)
    bounced, complained = session.execute(
        select(bounces, complaints).where(Suppression.at >= since, Suppression.at <= until)
    ).one()
    return bounced, complained
