"""The tables. Constraints keep the rules, so that code only has to handle the conflict."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.domain.role import Role
from newsletter.domain.states import (
    DeliveryState,
    EditionState,
    NoticeKind,
    SubscriberState,
    SuppressionReason,
)
from newsletter.domain.update import Trend, UpdateState
from newsletter.storage.columns import Base as Base  # noqa: PLC0414 - code that needs all tables takes it from here
from newsletter.storage.columns import word


class Region(Base):
    __tablename__ = "region"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    position: Mapped[int]


class Place(Base):
    __tablename__ = "place"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))


class CountryUpdate(Base):
    """One place, one month; the lists are kept as in the update's JSON form."""

    __tablename__ = "country_update"
    __table_args__ = (Index("uq_country_update_place_month", "place_code", "month", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_code: Mapped[str] = mapped_column(ForeignKey("place.code"))
    month: Mapped[str] = mapped_column(String(7), index=True)  #: YYYY-MM
    trend: Mapped[str] = mapped_column(word(Trend, "trend"))
    alerts: Mapped[list[Any]] = mapped_column(JSON)
    headline: Mapped[str] = mapped_column(Text)
    developments: Mapped[list[Any]] = mapped_column(JSON)
    quotes: Mapped[list[Any]] = mapped_column(JSON)
    links: Mapped[list[Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(word(UpdateState, "state"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


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


class Edition(Base):
    """One month's issue."""

    __tablename__ = "edition"

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(String(7), unique=True)  #: YYYY-MM
    state: Mapped[str] = mapped_column(word(EditionState, "state"))
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]  #: the Date of its digests
    approved_by: Mapped[str | None] = mapped_column(String(320))
    send_started_at: Mapped[datetime | None]
    send_started_by: Mapped[str | None] = mapped_column(String(320))
    ended_at: Mapped[datetime | None]  #: when the last delivery was done with, or it was cancelled
    note: Mapped[str | None] = mapped_column(Text)  #: why it is paused or waits, in words for an admin
    overview: Mapped[str] = mapped_column(Text, default="", server_default="")  #: the month as a whole, Markdown

    compiled: Mapped[CompiledEdition | None] = relationship(
        back_populates="edition", cascade="all, delete-orphan", passive_deletes=True
    )


class CompiledEdition(Base):
    """What approval froze: the content as data, and the pieces that digests are spliced from."""

    __tablename__ = "compiled_edition"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[str] = mapped_column(Text)  #: JSON
    pieces: Mapped[str] = mapped_column(Text)  #: JSON, see mail.compiled
    sha256: Mapped[str] = mapped_column(String(64))  #: of both

    edition: Mapped[Edition] = relationship(back_populates="compiled")


class EditionPicture(Base):
    """A picture of an approved edition, as its mails and pages show it."""

    __tablename__ = "edition_picture"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)  #: the file name in its address
    png: Mapped[bytes] = mapped_column(LargeBinary)


class Delivery(Base):
    """One digest to one subscriber. Times are whole seconds since 1970: there are millions of these rows."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "ix_delivery_due",
            "edition_id",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    # No foreign key: an erased subscriber's deliveries stay, to be counted.
    subscriber_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(word(DeliveryState, "state"))
    owner: Mapped[int | None]  #: the SenderRun that armed it
    attempt: Mapped[int] = mapped_column(default=0)  #: how many tries were charged, with the one under way
    flagged: Mapped[bool] = mapped_column(default=False)  #: a copy may be out whose outcome nobody knows
    due_at: Mapped[int | None]  #: when a deferred one is tried again
    changed_at: Mapped[int | None]
    detail: Mapped[str | None] = mapped_column(Text)  #: the relay's words, or the SkipReason


class Notice(Base):
    """A one-off mail. The outbox of everything that is no digest."""

    __tablename__ = "notice"
    __table_args__ = (
        Index(
            "ix_notice_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index(
            "uq_notice_alert",  # one alert a place a month
            "subscriber_id",
            "place_code",
            "month",
            unique=True,
            sqlite_where=text("kind = 'alert'"),
            postgresql_where=text("kind = 'alert'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(word(NoticeKind, "kind"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    place_code: Mapped[str | None] = mapped_column(ForeignKey("place.code"))  #: what an alert is about
    month: Mapped[str | None] = mapped_column(String(7))  #: the month of its update, YYYY-MM
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(word(DeliveryState, "state"))
    owner: Mapped[int | None]
    attempt: Mapped[int] = mapped_column(default=0)
    flagged: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[int | None]  #: set while it is pending or deferred
    changed_at: Mapped[int | None]
    detail: Mapped[str | None] = mapped_column(Text)


class SenderRun(Base):
    """One life of a sender; its id is the owner of the rows that it arms. Never used again, so that it fences."""

    __tablename__ = "sender_run"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  #: None while it runs, and for ever when it was killed


class Admin(Base):
    """A person who logs in."""

    __tablename__ = "admin"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), unique=True)
    role: Mapped[str] = mapped_column(word(Role, "role"))
    password_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class AdminSession(Base):
    """A login that lasts; the cookie holds the token, the row its hash."""

    __tablename__ = "admin_session"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    admin: Mapped[Admin] = relationship()
