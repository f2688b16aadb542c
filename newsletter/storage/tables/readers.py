"""Who reads: subscribers, what they follow, what they agreed to, and who gets nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.domain.states import SubscriberState, SuppressionReason
from newsletter.storage.columns import Base, word


class Subscriber(Base):
    """The owner of one address. An id is never used again: links in old mails name it."""

    __tablename__ = "subscriber"
    __table_args__ = (
        Index(
            "ix_subscriber_alerts",
            "id",
            sqlite_where=text("alerts_at_once = 1"),
            postgresql_where=text("alerts_at_once"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), unique=True)  #: one address, however it is written
    language: Mapped[str] = mapped_column(String(10), default="en")
    state: Mapped[str] = mapped_column(word(SubscriberState, "state"))
    follows: Mapped[str] = mapped_column(Text, default="")  #: the live, confirmed subjects: domain.subject.join
    alerts_at_once: Mapped[bool] = mapped_column(default=False, server_default=false())  #: before the digest
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Subscription(Base):
    """One subject that a subscriber follows, or has followed: neither place nor region means all."""

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint("place_code IS NULL OR region_code IS NULL", name="one_subject"),
        Index(
            "uq_subscription_live",
            "subscriber_id",
            func.coalesce(text("place_code"), text("region_code"), text("'all'")),
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    place_code: Mapped[str | None] = mapped_column(ForeignKey("place.code"))
    region_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
    requested_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(200))  #: why it ended

    @property
    def subject(self) -> str:
        """As domain.subject writes it."""
        return self.place_code or self.region_code or "all"


class Consent(Base):
    """The ledger of what a subscriber agreed to; rows are only ever added."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    act: Mapped[str] = mapped_column(String(24))  #: requested, confirmed, changed, ended, restored
    source: Mapped[str] = mapped_column(String(200))  #: the form or the file it came by
    ip: Mapped[str | None] = mapped_column(String(45))
    text: Mapped[str] = mapped_column(Text)  #: the words that were shown
    text_sha256: Mapped[str] = mapped_column(String(64))


class Suppression(Base):
    """An address that gets nothing, as a keyed hash, so that it outlives its subscriber."""

    __tablename__ = "suppression"

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(word(SuppressionReason, "reason"))
    at: Mapped[datetime]
