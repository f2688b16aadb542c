"""Lists of subscribers on their way in, and how many subscribers there were."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.domain.importing import ImportState, Outcome
from newsletter.storage.columns import Base, word


class SubscriberImport(Base):
    """A file of subscribers: how far it is read, what was found in it, how far it has gone in."""

    __tablename__ = "subscriber_import"
    __table_args__ = (
        # A second upload of the same file goes on with the first.
        Index(
            "uq_subscriber_import_open",
            "sha256",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))  #: of the file, as its owner calls it
    sha256: Mapped[str] = mapped_column(String(64))  #: of the file
    size: Mapped[int]  #: of the file, in bytes
    state: Mapped[str] = mapped_column(word(ImportState, "state"))
    is_upload: Mapped[bool]  #: by the desk: the file lies in the instance's folder until it is read
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(320))
    confirmed_at: Mapped[datetime | None]  #: when somebody said that it shall go in
    confirmed_by: Mapped[str | None] = mapped_column(String(320))
    ended_at: Mapped[datetime | None]
    rows_until: Mapped[datetime | None]  #: its rows are removed then, whatever state it is in; None while it goes in
    last_line: Mapped[int] = mapped_column(default=0, server_default="0")  #: of the file, that was read
    bytes_read: Mapped[int] = mapped_column(default=0, server_default="0")
    lines_done: Mapped[int] = mapped_column(default=0, server_default="0")  #: the last line that has gone in
    new: Mapped[int] = mapped_column(default=0, server_default="0")  #: rows, as far as it is read; then as they went in
    asked: Mapped[int] = mapped_column(default=0, server_default="0")  #: of the new ones: get a confirmation mail first
    changed: Mapped[int] = mapped_column(default=0, server_default="0")
    unchanged: Mapped[int] = mapped_column(default=0, server_default="0")
    rejected: Mapped[int] = mapped_column(default=0, server_default="0")
    problems: Mapped[str] = mapped_column(Text, default="{}", server_default="{}")  #: JSON: rejected rows by Problem
    note: Mapped[str | None] = mapped_column(Text)  #: why it failed, in words for an admin


class ImportRow(Base):
    """One row of a file, until it has gone in; one that is rejected stays some days, to be downloaded.

    It has no foreign key: an import is never deleted, and to look it up for each of a million rows takes seconds.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        CheckConstraint(" OR ".join(f"outcome = '{outcome.value}'" for outcome in Outcome), name="outcome"),
        Index(
            "ix_import_row_rejected",
            "import_id",
            "line",
            sqlite_where=text("outcome = 'rejected'"),
            postgresql_where=text("outcome = 'rejected'"),
        ),
        {"sqlite_with_rowid": False},
    )

    import_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  #: its last one in the file
    address: Mapped[str] = mapped_column(String(320))  #: "" of one that can't be read
    address_key: Mapped[str] = mapped_column(String(320))
    language: Mapped[str] = mapped_column(String(10))
    follows: Mapped[str] = mapped_column(Text)  #: domain.subject.join
    confirmed_at: Mapped[datetime | None]  #: None: its owner is asked by mail first
    consent: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(12))
    problem: Mapped[str | None] = mapped_column(String(12))  #: domain.importing.Problem
    reason: Mapped[str | None] = mapped_column(Text)  #: the problem in words
    original: Mapped[str | None] = mapped_column(Text)  #: JSON, by column: of one that can't be read


class GrowthMonth(Base):
    """How many subscribed and left in a month, counted every hour."""

    __tablename__ = "growth_month"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)  #: YYYY-MM, in UTC
    joined: Mapped[int]
    ended: Mapped[int]
    counted_at: Mapped[datetime]
