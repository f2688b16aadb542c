"""Somebody tries to log in: at most a few times, whether by password or by code.

Two things stand in the way of who guesses. An account is locked after five wrong tries, for longer each time; the link
of a mail that sets a new password opens it. And one network has only so many wrong tries an hour, at all accounts.
Nothing that is answered tells whether an address is an admin's: neither words nor time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.networks import IpAddress, askers
from newsletter.mail.links import Tokens
from newsletter.services import audit, second_factor
from newsletter.services.audit import Actor
from newsletter.services.limits import Limit, Limits
from newsletter.services.passwords import Credentials
from newsletter.storage.tables import Admin, AuditEvent

FREE_TRIES = 5  #: wrong ones, the last of which locks
_FIRST_LOCK = timedelta(minutes=1)
_LONGEST_LOCK = timedelta(hours=1)

#: Wrong tries in an hour.
MOST_BY_IP = 30
MOST_BY_NETWORK = 100
MOST_HIDDEN = 1000  #: of all who come by a proxy that is not trusted, and so can't be told apart
MOST_NOTED = 300  #: that get into the audit log, in which events stay for ever

FAILED = "login.failed"
_ALL = "all"
_UNKNOWN = "unknown"


def lock(failures: int) -> timedelta:
    """How long no try counts after so many wrong ones in a row: a minute at first, then twice as long each time."""
    if failures < FREE_TRIES:
        return timedelta(0)
    doublings: int = min(failures - FREE_TRIES, 16)
    return min(_FIRST_LOCK * (1 << doublings), _LONGEST_LOCK)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Tries from one place: made for a request."""

    ip: IpAddress | None
    tokens: Tokens
    now: datetime

    def are_too_many(self, session: Session) -> bool:
        """Whether nobody from there may try now. It only looks."""
        reached = self._limits().reached(session)
        return reached is not None and reached.kind != _ALL

    def by_password(self, session: Session, credentials: Credentials, *, is_right: bool) -> Admin | None:
        """The admin whose password was typed, or None: the try was wrong, or their account is closed or locked.

        Commit in either case. Who has a second factor is not in yet: see `by_code`.
        """
        admin = self._admin(session, credentials.admin_id)
        # It may have been changed since it was looked at.
        is_right = is_right and admin is not None and admin.password_hash == credentials.password_hash
        found = self._judged(session, admin, is_right=is_right)
        if found is not None and not second_factor.is_on(found):
            self._let_in(found)
        return found

    def by_code(self, session: Session, admin_id: int, code: str) -> Admin | None:
        """The admin whose code, or recovery code, was typed; None as in `by_password`. Commit in either case."""
        admin = self._admin(session, admin_id)
        is_open = admin is not None and not self._is_shut(admin)
        is_right = admin is not None and is_open and second_factor.accept(session, admin, code, now=self.now)
        found = self._judged(session, admin, is_right=is_right)
        if found is not None:
            self._let_in(found)
        return found

    def _admin(self, session: Session, admin_id: int | None) -> Admin | None:
        """Locked, so that who tries many times at once has as many tries as one after the other."""
        return session.get(Admin, admin_id or 0, with_for_update=True, populate_existing=True)

    def _judged(self, session: Session, admin: Admin | None, *, is_right: bool) -> Admin | None:
        if admin is not None and is_right and not self._is_shut(admin):
            return admin
        if admin is not None and not self._is_shut(admin):
            admin.failures += 1
            admin.locked_until = self.now + lock(admin.failures)
        self._count(session, admin)
        return None

    def _is_shut(self, admin: Admin) -> bool:
        is_locked = admin.locked_until is not None and admin.locked_until > self.now
        return is_locked or admin.closed_at is not None

    def _let_in(self, admin: Admin) -> None:
        admin.failures, admin.locked_until = 0, None

    def _count(self, session: Session, admin: Admin | None) -> None:
        limits = self._limits()
        if limits.reached(session) is None:
            subject = f"admin {admin.id}" if admin is not None else "login"
            ip = str(self.ip) if self.ip is not None else None
            audit.record(session, Actor(_UNKNOWN, ip), FAILED, subject, now=self.now)
            session.flush()
        limits.count(session)

    def _limits(self) -> Limits:
        noted = Limit(_ALL, "", MOST_NOTED)
        if self.ip is None or self.ip.is_loopback:
            return Limits("login", [Limit("hidden", "", MOST_HIDDEN), noted], tokens=self.tokens, now=self.now)
        machine, network = map(str, askers(self.ip))
        own = [Limit("ip", machine, MOST_BY_IP), Limit("network", network, MOST_BY_NETWORK)]
        return Limits("login", [*own, noted], tokens=self.tokens, now=self.now)


def failed_lately(session: Session, admin_id: int, *, most: int) -> list[AuditEvent]:
    """The last wrong tries at an admin's account, the newest first."""
    query = (
        select(AuditEvent)
        .where(AuditEvent.subject == f"admin {admin_id}", AuditEvent.act == FAILED)
        .order_by(AuditEvent.id.desc())
        .limit(most)
    )
    return list(session.scalars(query))
