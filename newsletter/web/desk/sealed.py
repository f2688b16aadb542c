"""An address that somebody looks for, in a link: sealed, as links get into logs, histories and bookmarks.

Nobody reads it without the site's secret key. So its page can be turned and gone back to, and nothing is kept here.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken

from newsletter.mail.links import Tokens
from newsletter.services.admin_sessions import LIFETIME as SESSION_LIFETIME


def seal(words: str, tokens: Tokens) -> str:
    """The words as a link may hold them."""
    return _fernet(tokens).encrypt(words.encode()).decode()


def unseal(sealed: str, tokens: Tokens) -> str:
    """The words; "" for what is not sealed here, or too long ago."""
    try:
        return _fernet(tokens).decrypt(sealed.encode(), ttl=int(SESSION_LIFETIME.total_seconds())).decode()
    except (InvalidToken, UnicodeEncodeError):
        return ""


def _fernet(tokens: Tokens) -> Fernet:
    return Fernet(urlsafe_b64encode(bytes.fromhex(tokens.digest("sealed search"))))
