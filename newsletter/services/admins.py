"""The people who log in: added, given a role, closed and opened again.

passwords       what is taken for one
logins          one comes in, in one step or two, or does not
admin_sessions  what keeps one in
second_factor   codes of a device, and what stands in for them
invitations     a password is set by a mailed link
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.errors import Conflict, InvalidAddress, NotFound
from newsletter.services import admin_sessions, passwords
from newsletter.services.passwords import Credentials
from newsletter.storage.tables import Admin
from newsletter.storage.upsert import insert_or_ignore


class State(StrEnum):
    """Where a person stands."""

    INVITED = "invited"  #: has no password so far
    OPEN = "open"
    CLOSED = "closed"


def state(admin: Admin) -> State:
    """Where an admin stands; a lock after wrong tries is told apart from it."""
    if admin.closed_at is not None:
        return State.CLOSED
    return State.OPEN if admin.password_hash or admin.oidc_subject else State.INVITED


def add(session: Session, address: Address, role: Role, password: str | None, *, now: datetime) -> Admin:
    """Add a person, who may log in once there is a password.

    Raises InvalidInput for a password that can't be taken, Conflict for an address that is there already.
    """
    password_hash = passwords.hashed(password) if password is not None else ""
    values = {"address": address.text, "address_key": address.key, "role": role.value, "created_at": now}
    if not insert_or_ignore(session, Admin, **values, password_hash=password_hash):
        raise Conflict("there is an admin with this address already")
    return session.scalars(select(Admin).where(Admin.address_key == address.key)).one()


def credentials(session: Session, address: str) -> Credentials:
    """What the password of whoever has this address is checked against; for nobody, something that takes as long."""
    admin = by_address(session, address)
    return Credentials(admin.id, admin.password_hash) if admin else Credentials(None, "")


def by_address(session: Session, address: str) -> Admin | None:
    """Whoever has this address, however it is written."""
    try:
        key = Address.parse(address).key
    except InvalidAddress:
        return None
    return session.scalar(select(Admin).where(Admin.address_key == key))


def of_identity(session: Session, subject: str, address: str | None) -> Admin | None:
    """Whom an identity provider means, locked: by its own name for them, or the first time by an address it verified.

    Who is closed is nobody, and so is somebody with this address whom it called something else before.
    """
    open_ones = select(Admin).where(Admin.closed_at.is_(None)).with_for_update()
    known = session.scalar(open_ones.where(Admin.oidc_subject == subject))
    if known is not None or address is None:
        return known
    found = by_address(session, address)
    if found is None:
        return None
    return session.scalar(open_ones.where(Admin.id == found.id, Admin.oidc_subject.is_(None)))


def get(session: Session, admin_id: int) -> Admin:
    """One of them, to be looked at. Raises NotFound."""
    admin = session.get(Admin, admin_id)
    if admin is None:
        raise NotFound("there is no such admin")
    return admin


def everybody(session: Session) -> Sequence[Admin]:
    """All of them: who may log in first, and these by address."""
    return session.scalars(select(Admin).order_by(Admin.closed_at.is_not(None), Admin.address_key)).all()


def set_password(session: Session, admin: Admin, password_hash: str) -> int:
    """Let this be an admin's password, end all their logins, and open a locked account; how many logins it were."""
    admin.password_hash = password_hash
    admin.failures, admin.locked_until = 0, None
    session.flush()
    return admin_sessions.end_all(session, admin.id)


def change_role(session: Session, admin_id: int, role: Role, *, by: int | None) -> Admin:
    """Give an admin another role. `by` is the admin who does it; None is the command line.

    Raises NotFound, and Conflict for one's own role and for the last owner's.
    """
    admin = _to_be_changed(session, admin_id, by=by, loses_an_owner=role is not Role.OWNER)
    admin.role = role.value
    session.flush()
    return admin


def close(session: Session, admin_id: int, *, by: int | None, now: datetime) -> Admin:
    """Let an admin log in no more, and end all their logins; twice is as once.

    Raises NotFound, and Conflict for oneself and for the last owner.
    """
    admin = _to_be_changed(session, admin_id, by=by, loses_an_owner=True)
    admin.closed_at = admin.closed_at or now
    session.flush()
    admin_sessions.end_all(session, admin_id)
    return admin


def reopen(session: Session, admin_id: int) -> Admin:
    """Let an admin who was closed log in again, with the password that they had. Raises NotFound."""
    admin = locked(session, admin_id)
    admin.closed_at = None
    session.flush()
    return admin


def locked(session: Session, admin_id: int) -> Admin:
    """One of them, to be changed: others wait until the commit. Raises NotFound."""
    admin = session.get(Admin, admin_id, with_for_update=True, populate_existing=True)
    if admin is None:
        raise NotFound("there is no such admin")
    return admin


def _to_be_changed(session: Session, admin_id: int, *, by: int | None, loses_an_owner: bool) -> Admin:
    if admin_id == by:
        raise Conflict("nobody closes themselves or changes their own role; ask another owner")
    # All owners, in one order: two who close each other at once must not both succeed.
    owned = select(Admin.id).where(Admin.role == Role.OWNER.value, Admin.closed_at.is_(None)).order_by(Admin.id)
    owners = session.scalars(owned.with_for_update()).all()
    if loses_an_owner and list(owners) == [admin_id]:
        raise Conflict("this is the last owner; make somebody else an owner first")
    return locked(session, admin_id)
