"""Passwords: what is taken for one, and how one is checked (Argon2id, RFC 9106)."""

from __future__ import annotations

from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from newsletter.errors import InvalidInput

SHORTEST = 12
LONGEST = 200  #: a hash of more takes no longer to make, but somebody may have pasted a file

_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
#: Checked where there is no password, so that the answer takes as long as for a wrong one.
_NOBODYS = _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """What is kept of a password. Raises InvalidInput for one that is too short or too long.

    It takes some 30 ms of a processor: call it with no transaction open, or all who write wait for it.
    """
    if len(password) < SHORTEST:
        raise InvalidInput(f"the password needs at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise InvalidInput(f"the password may have at most {LONGEST} characters")
    return _hasher.hash(password)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against."""

    admin_id: int | None  #: None when no admin has the address
    password_hash: str  #: "" where there is no password: none is right

    def accept(self, password: str) -> bool:
        """Whether this is the password; it takes as long when there is none. As slow as `hashed`."""
        try:
            _hasher.verify(self.password_hash or _NOBODYS, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
        return self.admin_id is not None and bool(self.password_hash)
