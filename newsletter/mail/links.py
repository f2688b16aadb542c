"""Links in mail, and the signed tokens in them.

A token names a subscriber for one purpose, and nothing else: whoever holds it holds the mail it came in. They are
itsdangerous signatures with SHA-256 and one salt a purpose. A digest needs two tokens for each of a million readers:
for these the signature is taken with the derived key directly: the same bytes, at a tenth of the time.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from itsdangerous import BadSignature, Signer, TimestampSigner

from newsletter.errors import LinkExpired, LinkInvalid
from newsletter.mail.keyed import Hmac

CONFIRMATION_LIFETIME = timedelta(days=7)
UNDO_LIFETIME = timedelta(days=7)
MANAGE_LIFETIME = timedelta(days=7)  #: of a link to one's own page that was asked for; a digest's has no end
ADDRESS_LIFETIME = timedelta(days=7)
INVITATION_LIFETIME = timedelta(days=7)
PASSWORD_RESET_LIFETIME = timedelta(hours=1)


class Purpose(StrEnum):
    """What a token is good for; the salt of its signature."""

    CONFIRM = "confirm"
    MANAGE = "manage"
    UNSUBSCRIBE = "unsubscribe"
    UNDO = "undo"  #: of leaving, at the time that the token was made
    ADDRESS = "address"  #: to take a new address; names the notice that asks its owner, not a subscriber
    INVITATION = "invitation"  #: an admin's first password; names the notice that brings the link
    PASSWORD_RESET = "password_reset"  # noqa: S105 - no secret  #: a new password for an admin; the same


class _DatedSigner(TimestampSigner):
    """Signs with the time that it is given, so that a mail that is sent again has the same link."""

    at: datetime

    def get_timestamp(self) -> int:
        return int(self.at.timestamp())


AnySigner = TypeVar("AnySigner", bound=Signer)


class Tokens:
    """Makes and reads tokens with one secret key."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key
        self._signers = {purpose: _signer(Signer, secret_key, purpose) for purpose in Purpose}
        self._hmacs = {purpose: Hmac(signer.derive_key()) for purpose, signer in self._signers.items()}
        self._digests: dict[str, Hmac] = {}

    def __reduce__(self) -> tuple[type[Tokens], tuple[str]]:
        """For another process they are made anew: hashes that have begun can't be taken along."""
        return Tokens, (self._secret_key,)

    def make(self, purpose: Purpose, subscriber_id: int) -> str:
        """A token without an end: leaving must always be possible (RFC 8058)."""
        return self.maker(purpose)(subscriber_id).decode()

    def maker(self, purpose: Purpose) -> Callable[[int], bytes]:
        """Makes the same as bytes, for who needs many."""
        digest = self._hmacs[purpose].digest

        def make(subscriber_id: int) -> bytes:
            value = b"%d" % subscriber_id
            return b"%b.%b" % (value, urlsafe_b64encode(digest(value)).rstrip(b"="))

        return make

    def read(self, purpose: Purpose, token: str) -> int:
        """The subscriber's id. Raises LinkInvalid."""
        try:
            return int(self._signers[purpose].unsign(token))
        except (BadSignature, ValueError):
            raise LinkInvalid("this link is not one of ours, or not whole") from None

    def make_dated(self, purpose: Purpose, subscriber_id: int, *, at: datetime) -> str:
        """A token that can expire, made at the time `at`."""
        signer = self._dated(purpose)
        signer.at = at
        return signer.sign(str(subscriber_id)).decode()

    def read_dated(self, purpose: Purpose, token: str, *, now: datetime, lifetime: timedelta) -> int:
        """The subscriber's id. Raises LinkInvalid or LinkExpired."""
        return self.read_made(purpose, token, now=now, lifetime=lifetime)[0]

    def read_made(self, purpose: Purpose, token: str, *, now: datetime, lifetime: timedelta) -> tuple[int, datetime]:
        """The subscriber's id, and the second at which the token was made. Raises LinkInvalid or LinkExpired."""
        subscriber_id, made_at = self.read_however_old(purpose, token)
        if now > made_at + lifetime:
            raise LinkExpired("this link is too old")
        return subscriber_id, made_at

    def read_however_old(self, purpose: Purpose, token: str) -> tuple[int, datetime]:
        """The same of a token that may have expired: good for nothing but to ask for a new one. Raises LinkInvalid."""
        try:
            value, made_at = self._dated(purpose).unsign(token, return_timestamp=True)
            subscriber_id = int(value)
        except (BadSignature, ValueError):
            raise LinkInvalid("this link is not one of ours, or not whole") from None
        return subscriber_id, made_at

    def _dated(self, purpose: Purpose) -> _DatedSigner:
        return _signer(_DatedSigner, self._secret_key, purpose)

    def digest(self, purpose: str, *parts: object) -> str:
        """A keyed hash (HMAC-SHA-256, hex) of `parts`, for message ids and suppressions."""
        keyed = self._digests.get(purpose)
        if keyed is None:
            keyed = self._digests[purpose] = Hmac(f"{purpose}\0{self._secret_key}".encode())
        return keyed.digest("\0".join(map(str, parts)).encode()).hex()


def _signer(kind: type[AnySigner], secret_key: str, purpose: Purpose) -> AnySigner:
    salt = f"newsletter.{purpose}"
    return kind(secret_key, salt, key_derivation="hmac", digest_method=hashlib.sha256)


class Links:
    """The addresses that mails point to: always below BASE_URL, never from a request."""

    def __init__(self, base_url: str, tokens: Tokens) -> None:
        self.base_url = base_url.rstrip("/")
        self.tokens = tokens
        self.manage_prefix = f"{self.base_url}/manage/"  #: a token follows
        self.unsubscribe_prefix = f"{self.base_url}/unsubscribe/"

    def home(self) -> str:
        return f"{self.base_url}/"

    def edition(self, month: object) -> str:
        return f"{self.base_url}/editions/{month}"

    def editions(self) -> str:
        return f"{self.base_url}/editions"

    def picture(self, month: object, name: str) -> str:
        return f"{self.edition(month)}/pictures/{name}"

    def brand(self, name: str) -> str:
        """A file of the publisher's look, such as the logo."""
        return f"{self.base_url}/brand/{name}"

    def place(self, code: str) -> str:
        return f"{self.base_url}/places/{code}"

    def confirm(self, subscriber_id: int, *, at: datetime) -> str:
        return f"{self.base_url}/confirm/{self.tokens.make_dated(Purpose.CONFIRM, subscriber_id, at=at)}"

    def manage(self, subscriber_id: int) -> str:
        return f"{self.manage_prefix}{self.tokens.make(Purpose.MANAGE, subscriber_id)}"

    def manage_for_now(self, subscriber_id: int, *, at: datetime) -> str:
        """The same with a date, for who has just asked for it: good for more, and not for ever."""
        return f"{self.manage_prefix}{self.tokens.make_dated(Purpose.MANAGE, subscriber_id, at=at)}"

    def unsubscribe(self, subscriber_id: int) -> str:
        return f"{self.unsubscribe_prefix}{self.tokens.make(Purpose.UNSUBSCRIBE, subscriber_id)}"

    def undo(self, subscriber_id: int, *, at: datetime) -> str:
        """Undoes that the subscriber has left at the time `at`."""
        return f"{self.base_url}/undo/{self.tokens.make_dated(Purpose.UNDO, subscriber_id, at=at)}"

    def address(self, notice_id: int, *, at: datetime) -> str:
        """Takes the address that the notice was sent to, at the time `at`, in place of an old one."""
        return f"{self.base_url}/address/{self.tokens.make_dated(Purpose.ADDRESS, notice_id, at=at)}"

    def invitation(self, notice_id: int, *, at: datetime) -> str:
        """Sets the first password of the admin whom the notice was sent to, at the time `at`."""
        return f"{self.base_url}/admin/invitation/{self.tokens.make_dated(Purpose.INVITATION, notice_id, at=at)}"

    def password_reset(self, notice_id: int, *, at: datetime) -> str:
        """The same for a new password."""
        return f"{self.base_url}/admin/reset/{self.tokens.make_dated(Purpose.PASSWORD_RESET, notice_id, at=at)}"
