"""The people who log in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.errors import Conflict, InvalidAddress, InvalidInput, LoginFailed
from newsletter.storage.tables import Admin, AdminSession
from newsletter.storage.upsert import insert_or_ignore

SESSION_LIFETIME = timedelta(hours=12)
SHORTEST_PASSWORD = 12

_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
#: Checked when no admin has the address, so that the answer takes as long as for a wrong password.
_NOBODY = _hasher.hash("nobody has this password")


def add(session: Session, address: Address, role: Role, password: str, *, now: datetime) -> Admin:
    """Let a person log in. Raises InvalidInput for a short password, Conflict for an address that is there already."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(f"the password needs at least {SHORTEST_PASSWORD} characters")
    values = {"address": address.text, "address_key": address.key, "role": role.value, "created_at": now}
    if not insert_or_ignore(session, Admin, **values, password_hash=_hasher.hash(password)):
        raise Conflict("there is an admin with this address already")
    return session.scalars(select(Admin).where(Admin.address_key == address.key)).one()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against."""

    admin_id: int | None  #: None when no admin has the address
    password_hash: str

    def check(self, password: str) -> int:
        """The id of the admin whose password this is. Raises LoginFailed.

        It takes some 30 ms of a processor: call it with no transaction open, or all who write wait for it.
        """
        try:
            _hasher.verify(self.password_hash, password)
        except (VerificationError, InvalidHashError):
            raise LoginFailed("no admin has this address and password") from None
        if self.admin_id is None:
            raise LoginFailed("no admin has this address and password")
        return self.admin_id


def credentials(session: Session, address: str) -> Credentials:
    """What the password of whoever has this address is checked against; for nobody, something that takes as long."""
    admin = _by_address(session, address)
    return Credentials(admin.id, admin.password_hash) if admin else Credentials(None, _NOBODY)


def begin_session(session: Session, admin_id: int, *, now: datetime) -> str:
    """Let an admin who was checked in, and return the token for the cookie."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(AdminSession).where(AdminSession.expires_at < now))
    session.add(
        AdminSession(token_sha256=_digest(token), admin_id=admin_id, created_at=now, expires_at=now + SESSION_LIFETIME)
    )
    return token


def _by_address(session: Session, address: str) -> Admin | None:
    try:
        key = Address.parse(address).key
    except InvalidAddress:
        return None
    return session.scalar(select(Admin).where(Admin.address_key == key))


def of_token(session: Session, token: str, *, now: datetime) -> Admin | None:
    """The admin whose session this is, while it lasts."""
    row = session.get(AdminSession, _digest(token))
    return row.admin if row is not None and row.expires_at > now else None


def log_out(session: Session, token: str) -> None:
    """End a session."""
    session.execute(delete(AdminSession).where(AdminSession.token_sha256 == _digest(token)))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
