"""Logins that last: rows, so that they can be listed, and ended from outside.

The cookie holds a token, the row its hash.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from newsletter.storage.tables import AdminSession

LIFETIME = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=5)  #: no page is written down sooner after the last one
_LONGEST_AGENT = 200
_HANDLE = 16  #: hex digits, which name a login and open none


@dataclass(frozen=True, slots=True)
class Place:
    """Where a login is used."""

    ip: str | None = None
    agent: str | None = None  #: the browser, as it calls itself

    def shortened(self) -> str | None:
        """The browser's words without what is no text, as far as they are kept."""
        words = "".join(each for each in self.agent or "" if each.isprintable())
        return words[:_LONGEST_AGENT] or None


def begin(session: Session, admin_id: int, place: Place, *, now: datetime) -> str:
    """Let an admin who was checked in, and return the token for the cookie."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(AdminSession).where(AdminSession.expires_at < now))
    session.add(
        AdminSession(
            token_sha256=_digest(token),
            admin_id=admin_id,
            created_at=now,
            expires_at=now + LIFETIME,
            seen_at=now,
            ip=place.ip,
            agent=place.shortened(),
        )
    )
    return token


def of_token(session: Session, token: str, *, now: datetime) -> AdminSession | None:
    """The login that this token belongs to, while it lasts and its admin may log in."""
    row = session.get(AdminSession, _digest(token), options=[joinedload(AdminSession.admin)])
    return row if row is not None and row.expires_at > now and row.admin.closed_at is None else None


def is_worth_noting(row: AdminSession, *, now: datetime) -> bool:
    """Whether it was last seen so long ago that it is to be written down."""
    return row.seen_at is None or now - row.seen_at >= SEEN_EVERY


def see(session: Session, token_sha256: str, *, now: datetime) -> None:
    """Write down that a login is in use."""
    session.execute(update(AdminSession).where(AdminSession.token_sha256 == token_sha256).values(seen_at=now))


def of_admin(session: Session, admin_id: int, *, now: datetime) -> Sequence[AdminSession]:
    """An admin's logins that last, the one used last first."""
    query = select(AdminSession).where(AdminSession.admin_id == admin_id, AdminSession.expires_at > now)
    return session.scalars(query.order_by(AdminSession.seen_at.desc(), AdminSession.token_sha256)).all()


def handle(row: AdminSession) -> str:
    """What names a login on a page."""
    return row.token_sha256[:_HANDLE]


def end(session: Session, token: str) -> None:
    """End the login that this token belongs to."""
    session.execute(delete(AdminSession).where(AdminSession.token_sha256 == _digest(token)))


def end_by_handle(session: Session, admin_id: int, named: str) -> bool:
    """End one of an admin's logins; whether it was still there."""
    key = AdminSession.token_sha256
    of_them = delete(AdminSession).where(AdminSession.admin_id == admin_id, key.startswith(named, autoescape=True))
    return len(named) == _HANDLE and bool(session.execute(of_them.returning(key)).all())


def end_all(session: Session, admin_id: int, *, but: str | None = None) -> int:
    """End all of an admin's logins but the one whose row has the hash `but`; how many it were."""
    ended = delete(AdminSession).where(AdminSession.admin_id == admin_id)
    if but is not None:
        ended = ended.where(AdminSession.token_sha256 != but)
    return len(session.execute(ended.returning(AdminSession.token_sha256)).all())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
