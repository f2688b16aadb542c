"""Who reads: subscribers, what they follow, what they agreed to, and who gets nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false, func, literal_column, text
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
        # By these the desk finds people (services.subscriber_search). The part behind the @ is said in words that both
        # databases know.
        Index(
            "ix_subscriber_domain",
            text("substr(address_key, length(rtrim(address_key, replace(address_key, '@', ''))) + 1)"),
            "id",
            sqlite_where=text("address <> ''"),
            postgresql_where=text("address <> ''"),
        ),
        Index(
            "ix_subscriber_not_active",
            "state",
            "id",
            sqlite_where=text("state <> 'active'"),
            postgresql_where=text("state <> 'active'"),
        ),
        Index("ix_subscriber_created", "created_at"),
        Index(
            "ix_subscriber_ended",
            "ended_at",
            sqlite_where=text("ended_at IS NOT NULL"),
            postgresql_where=text("ended_at IS NOT NULL"),
        ),
        # SQLite's own index of the keys is in this order; PostgreSQL's is in that of a language.
        Index(
            "ix_subscriber_prefix",
            literal_column("(address_key || '')").label("written"),
            postgresql_ops={"written": "text_pattern_ops"},
        ).ddl_if(dialect="postgresql"),
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
    paused_until: Mapped[datetime | None]  #: no digest and no alert before
    text_only: Mapped[bool] = mapped_column(default=False, server_default=false())  #: digests without HTML


class AddressChange(Base):
    """A new address that a subscriber has asked for, until its owner confirms it."""

    __tablename__ = "address_change"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), unique=True)
    address: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320))
    requested_at: Mapped[datetime]


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
        Index(
            "ix_subscription_subject",  # who follows it
            func.coalesce(text("place_code"), text("region_code"), text("'all'")),
            "subscriber_id",
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


class RateWindow(Base):
    """How often something was asked for within a span of time: what limits are held against."""

    __tablename__ = "rate_window"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)  #: which limit
    key: Mapped[str] = mapped_column(String(64), primary_key=True)  #: whom it is about, as a keyed hash
    began_at: Mapped[int] = mapped_column(primary_key=True, index=True)  #: seconds since 1970
    count: Mapped[int]


class DisposableDomain(Base):
    """A domain that gives out addresses to be thrown away; who asks with one is flagged."""

    __tablename__ = "disposable_domain"

    domain: Mapped[str] = mapped_column(String(255), primary_key=True)
    added_at: Mapped[datetime]


class Suppression(Base):
    """An address that gets nothing, as a keyed hash, so that it outlives its subscriber."""

    __tablename__ = "suppression"

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(word(SuppressionReason, "reason"))
    at: Mapped[datetime]
