"""Relays as their URLs name them.

smtp://user:password@host:port?tls=required, or smtps:// for TLS from the first byte (RFC 8314); several relays are
separated by white space. User and password are percent-encoded. What may follow: tls, weight and auth.
"""

from typing import Final, TypedDict
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from newsletter.delivery.settings import (
    EXAMPLE,
    LARGEST_WEIGHT,
    SUBMISSION_PORT,
    Mechanism,
    RelaySettings,
    TlsMode,
    is_loopback,
)
from newsletter.errors import SettingsError

SUBMISSIONS_PORT: Final = 465  #: RFC 8314, 3.3

_OPTIONS: Final = (
    "the options of a relay's URL are tls=none, tls=opportunistic or tls=required; "
    f"weight=1 to weight={LARGEST_WEIGHT}; auth=plain, auth=login or auth=xoauth2"
)


def parse_smtp_urls(text: str) -> tuple[RelaySettings, ...]:
    """Read the URLs of one relay or more. Raises SettingsError, which never shows a password."""
    relays = tuple(map(_parse, text.split()))
    if not relays:
        raise SettingsError(f"the URL of a relay is missing; {EXAMPLE}")
    names = [relay.name for relay in relays]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise SettingsError(f"the relay {twice[0]} is named twice; to give it a larger part, write weight=2 or more")
    return relays


def _parse(url: str) -> RelaySettings:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError(f"the relay's URL has a bad host or a bad port; {EXAMPLE}") from None
    if parts.scheme not in ("smtp", "smtps"):
        raise SettingsError(f"the relay's URL must begin with smtp:// or smtps://; {EXAMPLE}")
    if not parts.hostname:
        raise SettingsError(f"the relay's URL names no host; {EXAMPLE}")
    if parts.path not in ("", "/") or parts.fragment:
        raise SettingsError(f"nothing but ?tls=... and other options may follow the relay's host and port; {EXAMPLE}")
    options = _options(parts)
    has_token = options.get("auth") is Mechanism.XOAUTH2
    if parts.username is not None and not has_token and (not parts.username or not parts.password):
        raise SettingsError(f"the relay's URL needs both a user and a password, or neither; {EXAMPLE}")
    default_port = SUBMISSIONS_PORT if parts.scheme == "smtps" else SUBMISSION_PORT
    return RelaySettings(
        host=parts.hostname,
        port=default_port if port is None else port,
        username=_decode(parts.username) or None,
        password=_decode(parts.password) or None,
        **options,
    )


class _Options(TypedDict, total=False):
    tls: TlsMode
    weight: int
    auth: Mechanism


def _options(parts: SplitResult) -> _Options:
    """What follows the question mark, and what holds where nothing does."""
    given = parse_qsl(parts.query, keep_blank_values=True)
    found = dict(given)
    if len(found) < len(given) or found.keys() - {"tls", "weight", "auth"}:
        raise SettingsError(_OPTIONS)
    options = _Options(tls=_tls_mode(parts, found.get("tls")))
    if "weight" in found:
        options["weight"] = _weight(found["weight"])
    if "auth" in found:
        options["auth"] = _mechanism(found["auth"])
    return options


def _tls_mode(parts: SplitResult, given: str | None) -> TlsMode:
    if parts.scheme == "smtps":
        if given is not None:
            raise SettingsError("smtps:// is always encrypted: leave out its tls=...")
        return TlsMode.IMPLICIT
    if given is None:
        return TlsMode.OPPORTUNISTIC if is_loopback(parts.hostname or "") else TlsMode.REQUIRED
    if given not in (TlsMode.NONE, TlsMode.OPPORTUNISTIC, TlsMode.REQUIRED):
        raise SettingsError(_OPTIONS)
    return TlsMode(given)


def _weight(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= 3):
        raise SettingsError(_OPTIONS)
    return int(given)


def _mechanism(given: str) -> Mechanism:
    try:
        return Mechanism(given)
    except ValueError:
        raise SettingsError(_OPTIONS) from None


def _decode(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise SettingsError("the relay's user or password is badly percent-encoded; it must be UTF-8") from None
