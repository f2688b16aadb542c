"""A password is set by a mailed link: by who was invited, or has forgotten theirs.

The link names the notice that brought it, and the notice keeps a keyed digest of the password's hash as it was then:
once a password is set, by this link or otherwise, every older link is dead.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.domain.states import DeliveryState, NoticeKind
from newsletter.errors import Conflict, LinkExpired, LinkInvalid
from newsletter.mail.links import INVITATION_LIFETIME, PASSWORD_RESET_LIFETIME, Purpose, Tokens
from newsletter.services import admins, notices
from newsletter.storage import job_queue
from newsletter.storage.tables import Admin, Notice

_LIFETIMES = {
    Purpose.INVITATION: INVITATION_LIFETIME,
    Purpose.PASSWORD_RESET: PASSWORD_RESET_LIFETIME,
}


def invite(session: Session, address: Address, role: Role, *, tokens: Tokens, now: datetime) -> Admin:
    """Add a person, and mail them a link to choose a password. Raises Conflict for an address that is there already."""
    admin = admins.add(session, address, role, None, now=now)
    _enqueue(session, admin, Purpose.INVITATION, tokens=tokens, now=now)
    return admin


def invite_again(session: Session, admin_id: int, *, tokens: Tokens, now: datetime) -> Admin:
    """Mail another link to who has not taken up the first. Raises NotFound; Conflict for one who has, or is closed."""
    admin = admins.locked(session, admin_id)
    if admin.password_hash or admin.closed_at is not None:
        raise Conflict("this person has taken up their invitation, or may not log in")
    _enqueue(session, admin, Purpose.INVITATION, tokens=tokens, now=now)
    return admin


def ask_for_reset(session: Session, address: str, *, tokens: Tokens, now: datetime) -> Admin | None:
    """Mail a link that sets a new password to the admin with this address, if there is one; whom it was mailed to.

    Anybody can ask for it: so much of it reaches a mailbox, and no more.
    """
    admin = admins.by_address(session, address)
    if admin is None or admin.closed_at is not None or _is_flooded(session, admin.id, now):
        return None
    _enqueue(session, admin, Purpose.PASSWORD_RESET, tokens=tokens, now=now)
    return admin


def reset(session: Session, admin_id: int, *, tokens: Tokens, now: datetime) -> Admin:
    """The same on behalf of an admin. Raises NotFound, and Conflict for one who is closed."""
    admin = admins.locked(session, admin_id)
    if admin.closed_at is not None:
        raise Conflict("this person may not log in; open the account again first")
    _enqueue(session, admin, Purpose.PASSWORD_RESET, tokens=tokens, now=now)
    return admin


def opened(
    session: Session, purpose: Purpose, token: str, *, tokens: Tokens, now: datetime, to_change: bool = False
) -> Admin:
    """Whose password this link sets. Raises LinkInvalid, and LinkExpired for one that is too old or was used."""
    notice_id = tokens.read_dated(purpose, token, now=now, lifetime=_LIFETIMES[purpose])
    notice = session.get(Notice, notice_id)
    if notice is None or notice.admin_id is None or notice.kind != purpose.value:
        raise LinkInvalid("this link is not one of ours, or not whole")
    admin = (admins.locked if to_change else admins.get)(session, notice.admin_id)
    if admin.closed_at is not None or not hmac.compare_digest(_binding(admin, tokens), notice.about or ""):
        raise LinkExpired("this link was used, or a newer password was set")
    return admin


def _enqueue(session: Session, admin: Admin, purpose: Purpose, *, tokens: Tokens, now: datetime) -> None:
    session.add(
        Notice(
            kind=NoticeKind(purpose.value).value,
            admin_id=admin.id,
            about=_binding(admin, tokens),
            created_at=now,
            state=DeliveryState.PENDING.value,
            due_at=int(now.timestamp()),
        )
    )
    job_queue.defer(session, notices.SEND_NOTICES)
    session.flush()


def _binding(admin: Admin, tokens: Tokens) -> str:
    return tokens.digest("password of an admin", admin.id, admin.password_hash)


def _is_flooded(session: Session, admin_id: int, now: datetime) -> bool:
    def since(span: timedelta) -> int:
        asked = (
            Notice.admin_id == admin_id,
            Notice.kind == NoticeKind.PASSWORD_RESET.value,
            Notice.created_at > now - span,
        )
        return session.scalar(select(func.count()).select_from(Notice).where(*asked)) or 0

    return since(notices.SHORTEST_GAP) > 0 or since(timedelta(days=1)) >= notices.MOST_A_DAY
