"""Domains that look like a slip of the finger: who types gmial.com gets no mail, and never learns why."""

from __future__ import annotations

from functools import lru_cache

from newsletter.domain.address import Address

#: Where many people have their mail. Short names are left out: at one letter's distance of them, too much is real.
# fmt: off
_PROVIDERS = (
    "gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.uk", "yahoo.co.in", "yahoo.com.br", "yahoo.fr", "yahoo.de",
    "yahoo.es", "yahoo.it", "ymail.com", "rocketmail.com", "hotmail.com", "hotmail.co.uk", "hotmail.fr", "hotmail.de",
    "hotmail.es", "hotmail.it", "outlook.com", "outlook.fr", "outlook.de", "outlook.es", "live.com", "live.co.uk",
    "live.fr", "icloud.com", "aol.com", "gmx.com", "gmx.net", "t-online.de", "freenet.de", "protonmail.com",
    "fastmail.com", "zoho.com", "mail.com", "email.com", "mail.ru", "yandex.ru", "rambler.ru", "orange.fr",
    "wanadoo.fr", "laposte.net", "libero.it", "virgilio.it", "comcast.net", "verizon.net", "btinternet.com",
    "rediffmail.com", "naver.com", "hanmail.net", "foxmail.com", "ukr.net",
)
# fmt: on
_KNOWN = frozenset(_PROVIDERS)


def suggestion(address: Address) -> str | None:
    """The address that was probably meant, where its domain is one slip beside a large provider's."""
    local_part, _, _ = address.text.rpartition("@")
    domain = address.key.rpartition("@")[2]
    meant = _meant(domain)
    return None if meant is None else f"{local_part}@{meant}"


@lru_cache(maxsize=1000)  # most addresses are of a few domains
def _meant(domain: str) -> str | None:
    if domain in _KNOWN:
        return None
    return next((provider for provider in _PROVIDERS if is_one_slip(domain, provider)), None)


def is_one_slip(typed: str, meant: str) -> bool:
    """Whether one letter too many, too few or wrong, or two neighbours swapped, tell the words apart."""
    shorter = min(len(typed), len(meant))
    same = next((at for at in range(shorter) if typed[at] != meant[at]), shorter)
    typed, meant = typed[same:], meant[same:]
    while typed and meant and typed[-1] == meant[-1]:
        typed, meant = typed[:-1], meant[:-1]
    if len(typed) == len(meant) == 2:
        return typed == meant[::-1]
    return len(typed) <= 1 and len(meant) <= 1 and typed != meant
