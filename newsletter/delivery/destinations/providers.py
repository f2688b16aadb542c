"""Where mail for a domain ends up: at a large provider, which counts all its domains together, or at the domain itself.

A provider's own domains are known; of others, the most preferred MX record (RFC 5321, 5.1) tells whose they are.
"""

import re
from functools import lru_cache
from typing import Final

import idna

_COUNTRY: Final = r"(com|[a-z]{2}|com?\.[a-z]{2})"  #: com, de, co.uk, com.br

#: Providers by their own domains. Yahoo Japan is another company, with servers of its own.
_DOMAINS: Final = {
    "gmail": r"gmail\.com|googlemail\.com",
    "outlook": rf"(outlook|hotmail|live)\.{_COUNTRY}|msn\.com",
    "yahoo": rf"yahoo\.(?!co\.jp){_COUNTRY}|(ymail|rocketmail|aol)\.com",
    "icloud": r"(icloud|me|mac)\.com",
    "gmx": r"gmx\.(de|net|at|ch|com)|web\.de",
    "mail.ru": r"(mail|inbox|list|bk|internet)\.ru",
    "qq": r"(vip\.)?qq\.com|foxmail\.com",
    "netease": r"(vip\.)?163\.com|126\.com|yeah\.net",
}

#: Providers by the servers that other domains' MX records name.
_SERVERS: Final = {
    "gmail": (".google.com", ".googlemail.com"),
    "outlook": (".protection.outlook.com", ".mx.microsoft"),
    "yahoo": (".yahoodns.net",),
    "icloud": (".mail.icloud.com",),
    "gmx": (".gmx.net", ".web.de"),
    "mail.ru": (".mail.ru",),
    "qq": (".qq.com",),
    "netease": (".netease.com",),
}

_OWN: Final = [(name, re.compile(pattern)) for name, pattern in _DOMAINS.items()]

#: In no real DNS: examples, tests, names of one network (RFC 2606, RFC 6761, RFC 6762).
_UNREAL: Final = ("example", "example.com", "example.net", "example.org", "invalid", "local", "localhost", "test")


@lru_cache(maxsize=10_000)
def ascii_domain(domain: str) -> str:
    """A domain as it is compared and asked for: lower case, A-labels (RFC 5890), no last dot."""
    name = domain.strip().rstrip(".").lower()
    if name.isascii():
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return name


def of_domain(domain: str) -> str | None:
    """The provider whose own domain this is, in its ASCII form."""
    return next((name for name, pattern in _OWN if pattern.fullmatch(domain)), None)


def destination(name: str) -> str:
    """The destination that a person names: by a provider's name, one of its domains, or any other domain."""
    folded = ascii_domain(name)
    return folded if folded in _DOMAINS else of_domain(folded) or folded


def of_server(host: str) -> str | None:
    """The provider that an MX record's host belongs to."""
    name = "." + host.rstrip(".").lower()
    return next((provider for provider, ends in _SERVERS.items() if name.endswith(ends)), None)


def may_be_asked(domain: str) -> bool:
    """Whether DNS may know the domain: it is no example, no test, no literal and no name of one network."""
    is_name = "." in domain and not domain.startswith("[") and domain.isascii()
    return is_name and not any(domain == top or domain.endswith(f".{top}") for top in _UNREAL)
