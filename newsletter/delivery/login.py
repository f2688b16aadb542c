"""Logging in to a relay: what is said after AUTH, and what a refusal means.

RFC 4954 (AUTH), RFC 4616 (PLAIN), the older LOGIN, and XOAUTH2, in which an access token takes the place of a password.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Final

from newsletter.delivery.reply import ProtocolError, Reply
from newsletter.delivery.settings import Mechanism, RelaySettings
from newsletter.errors import RelayError, RelayRefused, RelayUnavailable

_ENOUGH: Final = 16  #: characters by which a long secret is known: a relay's words may end within it


class Login:
    """One attempt: `command` first, then `answer` to each 334; `refusal` if it comes to nothing."""

    def __init__(self, settings: RelaySettings, offered: frozenset[str], read_token: Callable[[], str]) -> None:
        """`offered` are mechanisms, in capitals. Raises RelayError if none of them will do, or there is no token."""
        self._mechanism = _choose(settings.auth, offered)
        user = settings.username or ""
        secret = read_token() if self._mechanism is Mechanism.XOAUTH2 else settings.password or ""
        first, then = {
            Mechanism.PLAIN: (f"\0{user}\0{secret}", []),
            Mechanism.LOGIN: ("", [user, secret]),
            # After an empty line, the relay says by a 535 that the token is no good.
            Mechanism.XOAUTH2: (f"user={user}\1auth=Bearer {secret}\1\1", [""]),
        }[self._mechanism]
        self.command = f"AUTH {self._mechanism.upper()} {_base64(first)}".rstrip()
        self._first = first
        self._then = then
        self._secrets = [secret, _base64(secret), _base64(first)]

    def answer(self, challenge: Reply) -> str:
        """What to say to a 334. Raises ProtocolError if there is nothing more to say."""
        if self._first and not challenge.text:
            # Some relays ask for what was said with the command already.
            said, self._first = self._first, ""
            return _base64(said)
        if not self._then:
            raise self.refusal(challenge)
        return _base64(self._then.pop(0))

    def refusal(self, reply: Reply) -> RelayError:
        """What is wrong with it. Never shows the password or the token, should the relay repeat them."""
        told = self._hide(str(reply))
        if reply.code < 400:
            return ProtocolError(f"the relay answered out of turn: {told}", reply_code=reply.code)
        if self._mechanism is Mechanism.XOAUTH2:
            # The file may be renewed any minute, so no person has to look before it is tried again.
            words = f"the relay refuses the access token: {told}; see that the one in SMTP_TOKEN_FILE is renewed"
            return RelayUnavailable(words, reply_code=reply.code)
        kind = RelayRefused if reply.code >= 500 else RelayUnavailable
        return kind(f"the relay refuses the user or the password: {told}", reply_code=reply.code)

    def _hide(self, text: str) -> str:
        for secret in filter(None, self._secrets):
            known = re.escape(secret[:_ENOUGH]) + (r"\S*" if len(secret) > _ENOUGH else r"(?!\w)")
            text = re.sub(rf"(?<!\w){known}", "(hidden)", text)
        return text


def _choose(wanted: Mechanism | None, offered: frozenset[str]) -> Mechanism:
    if wanted is None:
        usual = [each for each in (Mechanism.PLAIN, Mechanism.LOGIN) if each.upper() in offered]
        if usual:
            return usual[0]
        raise RelayRefused("the relay offers no AUTH PLAIN or LOGIN; leave user and password out, or turn it on there")
    if wanted.upper() in offered:
        return wanted
    raise RelayRefused(f"the relay offers no AUTH {wanted.upper()}; turn it on there, or leave auth={wanted} out")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
