"""Who logs in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.domain.role import Role
from newsletter.storage.columns import Base, word


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
