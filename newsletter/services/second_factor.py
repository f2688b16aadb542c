"""The second factor: codes of a device (TOTP, RFC 6238), and recovery codes for who has lost it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from newsletter.errors import InvalidInput
from newsletter.storage.tables import Admin, RecoveryCode

RECOVERY_CODES = 10
STEP_SECONDS = 30  #: RFC 6238, 5.2
_WINDOW = 1  #: steps that a device's clock may be off, either way
_SECRET = re.compile(r"[A-Z2-7]{32}")  #: 160 bits (RFC 4226, 4)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  #: none that is taken for another
_GROUPS, _GROUP = 4, 4  #: 16 of 31 letters: 79 bits, so that their plain hash gives nothing away


def new_secret() -> str:
    """A secret for a device, in base32."""
    return pyotp.random_base32()


def is_secret(text: str) -> bool:
    """Whether this may be one of `new_secret`."""
    return _SECRET.fullmatch(text) is not None


def uri(secret: str, address: str, issuer: str) -> str:
    """What the QR code tells an authenticator (the otpauth scheme)."""
    return pyotp.TOTP(secret).provisioning_uri(name=address, issuer_name=issuer)


def is_on(admin: Admin) -> bool:
    """Whether an admin is asked for a code."""
    return admin.totp_secret is not None


def switch_on(session: Session, admin: Admin, secret: str, code: str, *, now: datetime) -> list[str]:
    """Ask for codes from now on, if `code` shows that the device has the secret; the recovery codes, to be shown once.

    Raises InvalidInput for a secret that was not made here, or a wrong code.
    """
    step = _step(secret, code, after=None, now=now) if is_secret(secret) else None
    if step is None:
        raise InvalidInput("this code does not fit; type the one that the device shows now")
    admin.totp_secret, admin.totp_step = secret, step
    return renew_recovery_codes(session, admin)


def switch_off(session: Session, admin: Admin) -> None:
    """Ask for no code any more."""
    admin.totp_secret = admin.totp_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.admin_id == admin.id))
    session.flush()


def accept(session: Session, admin: Admin, code: str, *, now: datetime) -> bool:
    """Whether a code, or a recovery code, is right; it is used up by this. The admin's row must be locked."""
    typed = "".join(code.split())
    if admin.totp_secret is None:
        return False
    step = _step(admin.totp_secret, typed, after=admin.totp_step, now=now)
    if step is not None:
        admin.totp_step = step
        session.flush()
        return True
    return _use_recovery_code(session, admin.id, typed, now=now)


def renew_recovery_codes(session: Session, admin: Admin) -> list[str]:
    """New recovery codes in place of the old, to be shown once: their hashes alone are kept."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.admin_id == admin.id))
    codes = ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(admin_id=admin.id, code_sha256=_digest(code)) for code in codes)
    session.flush()
    return codes


def recovery_codes_left(session: Session, admin_id: int) -> int:
    """How many of an admin's recovery codes were not used."""
    unused = RecoveryCode.admin_id == admin_id, RecoveryCode.used_at.is_(None)
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0


def _step(secret: str, code: str, *, after: int | None, now: datetime) -> int | None:
    """The step whose code this is, if it is about now, and later than the last that was accepted."""
    totp, current = pyotp.TOTP(secret, interval=STEP_SECONDS), int(now.timestamp()) // STEP_SECONDS
    typed = code.encode()
    found = None
    for step in range(current - _WINDOW, current + _WINDOW + 1):  # all of them, so that each takes as long
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed) and (after is None or step > after):
            found = step
    return found


def _use_recovery_code(session: Session, admin_id: int, code: str, *, now: datetime) -> bool:
    used = (
        update(RecoveryCode)
        .where(
            RecoveryCode.admin_id == admin_id,
            RecoveryCode.code_sha256 == _digest(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return bool(session.execute(used.returning(RecoveryCode.admin_id)).all())


def _group() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_GROUP))


def _digest(code: str) -> str:
    letters = code.lower().replace("-", "")
    return hashlib.sha256(letters.encode()).hexdigest()
