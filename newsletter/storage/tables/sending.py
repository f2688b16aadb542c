"""What is to be sent, by whom, and how fast."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.domain.states import DeliveryState, NoticeKind
from newsletter.storage.columns import Base, word


class Delivery(Base):
    """One digest to one subscriber. Times are whole seconds since 1970: there are millions of these rows.

    It has no foreign keys. An erased subscriber's deliveries stay, to be counted; an edition is never deleted, and to
    look it up for each of its deliveries would double what planning takes.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        # Word by word: to look into a list, SQLite builds a table for each row that is written.
        CheckConstraint(" OR ".join(f"state = '{state.value}'" for state in DeliveryState), name="state"),
        Index(
            "ix_delivery_due",
            "edition_id",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )

    edition_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subscriber_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(24))
    owner: Mapped[int | None]  #: the SenderRun that armed it
    attempt: Mapped[int] = mapped_column(default=0)  #: how many tries were charged, with the one under way
    flagged: Mapped[bool] = mapped_column(default=False)  #: a copy may be out whose outcome nobody knows
    due_at: Mapped[int | None]  #: when a deferred one is tried again, or a pending one that had to wait may go
    changed_at: Mapped[int | None]
    detail: Mapped[str | None] = mapped_column(Text)  #: the relay's words, or the SkipReason


class EditionTotal(Base):
    """How many deliveries of an old edition ended in a state: what is kept when their rows are forgotten."""

    __tablename__ = "edition_total"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(word(DeliveryState, "state"), primary_key=True)
    count: Mapped[int]


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
            # An alert or a correction can be for a million readers, and the others don't wait for it.
            "ix_notice_due_ahead",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL AND kind <> 'alert' AND kind <> 'correction'"),
            postgresql_where=text("due_at IS NOT NULL AND kind <> 'alert' AND kind <> 'correction'"),
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
        Index(
            "uq_notice_correction",  # a correction once a reader
            "subscriber_id",
            "month",
            "revision",
            unique=True,
            sqlite_where=text("revision IS NOT NULL"),
            postgresql_where=text("revision IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(word(NoticeKind, "kind"))
    #: None where it is for an admin, or for nobody but an address.
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id", ondelete="CASCADE"), index=True)
    place_code: Mapped[str | None] = mapped_column(ForeignKey("place.code"))  #: what an alert is about
    month: Mapped[str | None] = mapped_column(String(7))  #: the month of its update, YYYY-MM
    revision: Mapped[int | None]  #: of the month's edition, which a correction tells of
    about: Mapped[str | None] = mapped_column(Text)  #: what else it takes to make it, as JSON
    address: Mapped[str | None] = mapped_column(String(320))  #: where it goes, if not to the subscriber's own
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
    __table_args__ = (
        Index(
            "ix_sender_run_alive",
            "id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(80), default="all", server_default="all")  #: what it may send
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  #: None while it runs; of one that was killed, when the next one began
    ticks: Mapped[int] = mapped_column(default=0, server_default="0")  #: transactions that were counted
    ticked_at: Mapped[int | None]  #: when it committed the last one, in seconds since 1970


class Shard(Base):
    """A part of an edition's readers that one sender takes, where several share the work."""

    __tablename__ = "shard"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    first_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  #: subscriber
    last_id: Mapped[int]  #: subscriber, inclusive


class Destination(Base):
    """Where mail ends up, as far as it is treated differently: what was learnt of it outlives the sender."""

    __tablename__ = "destination"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)  #: gmail, outlook, yahoo, or a domain
    rate: Mapped[float | None]  #: messages a second that it takes from all senders; None: no limit was met
    paused_until: Mapped[int | None]  #: seconds since 1970
    pauses: Mapped[int] = mapped_column(default=0)  #: how many in a row
    note: Mapped[str | None] = mapped_column(Text)  #: what it said, without addresses
    changed_at: Mapped[int]


class SendingDay(Base):
    """How many messages were sent on a day, for a domain that is being warmed up."""

    __tablename__ = "sending_day"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)  #: YYYY-MM-DD, in TIMEZONE
    messages: Mapped[int]


class SendingGuard(Base):
    """Where this database lives, and whether anything may be sent from it: one row."""

    __tablename__ = "sending_guard"

    id: Mapped[int] = mapped_column(primary_key=True)
    home: Mapped[str] = mapped_column(Text)  #: which file or server it is; empty until something was to be sent
    #: Made with the database, and anew when an admin says that mail may go out from what may be a copy: witnesses of
    #: another one say nothing of this.
    timeline: Mapped[str] = mapped_column(Text, server_default="")
    halted_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)  #: why nothing is sent until an admin says so
    accepted_at: Mapped[datetime | None]  #: when an admin last said so
