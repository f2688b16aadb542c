"""Who logs in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.domain.role import Role
from newsletter.storage.columns import Base, word


class Admin(Base):
    """A person who logs in. The row stays when they no longer may: what they did names them."""

    __tablename__ = "admin"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), unique=True)
    role: Mapped[str] = mapped_column(word(Role, "role"))
    password_hash: Mapped[str] = mapped_column(String(200))  #: "" until the invitation is taken up
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  #: since when this person may not log in any more
    failures: Mapped[int] = mapped_column(default=0, server_default="0")  #: wrong tries since the last right one
    locked_until: Mapped[datetime | None]  #: no try counts before
    totp_secret: Mapped[str | None] = mapped_column(String(64))  #: RFC 6238, base32; None: no second factor
    totp_step: Mapped[int | None]  #: the last step that was accepted: a code works once
    oidc_subject: Mapped[str | None] = mapped_column(String(255), index=True, unique=True)  #: at the identity provider


class RecoveryCode(Base):
    """What lets an admin in once who has lost the device that makes the codes."""

    __tablename__ = "recovery_code"

    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id", ondelete="CASCADE"), primary_key=True)
    code_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime | None]


class AdminSession(Base):
    """A login that lasts; the cookie holds the token, the row its hash."""

    __tablename__ = "admin_session"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]  #: about when it last asked for a page
    ip: Mapped[str | None] = mapped_column(String(45))  #: where it was begun
    agent: Mapped[str | None] = mapped_column(String(200))  #: the browser, as it calls itself

    admin: Mapped[Admin] = relationship()


class AuditEvent(Base):
    """Something that somebody did at the desk or on the command line. The database refuses to change or remove one.

    It names no subscriber's address: it outlives them.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        # Each ends with the id, so that the newest of very many are found without sorting them.
        Index("ix_audit_event_at", "at", "id"),
        Index("ix_audit_event_actor", "actor", "id"),
        Index("ix_audit_event_act", "act", "id"),
        Index("ix_audit_event_subject", "subject", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(320))  #: an address, or: command line, schedule
    act: Mapped[str] = mapped_column(String(40))  #: what was done: edition.approved, update.saved, ...
    subject: Mapped[str] = mapped_column(String(100))  #: to what: edition 2022-11, subscriber 17, ...
    ip: Mapped[str | None] = mapped_column(String(45))
    detail: Mapped[str] = mapped_column(Text, default="", server_default="")  #: in words
