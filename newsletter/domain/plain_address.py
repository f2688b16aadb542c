"""Addresses in plain ASCII, read fast: a list of a million of them is read in seconds, not in half a minute.

Only what is beyond doubt is taken; about all else domain.address decides. A test holds the two together.
"""

from __future__ import annotations

import re

from newsletter.domain.address import LONGEST_LOCAL_PART, Address

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# Two hyphens as third and fourth letter are an A-label, or none at all (RFC 5891, 4.2.3.1).
_LABEL = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+([A-Za-z]{{2,63}}))")

#: Domains that are set apart (RFC 6761 and others) end so; most of them are refused.
_SET_APART = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})
_LONGEST = 200  #: octets; short of any limit of a whole address or its domain

#: Lower-case in every address: mailboxes that each domain has (RFC 2142). They are left to domain.address.
_ROLES = frozenset(
    {
        *("info", "marketing", "sales", "support", "abuse", "noc", "security", "postmaster", "hostmaster"),
        *("usenet", "news", "webmaster", "www", "uucp", "ftp"),
    }
)


def plain_address(text: str) -> Address | None:
    """What Address.parse makes of `text`; None where it has to look itself."""
    found = _PLAIN.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    local, domain, top = found.groups()
    lower = local.lower()
    if len(local) > LONGEST_LOCAL_PART or lower in _ROLES or top.lower() in _SET_APART:
        return None
    domain = domain.lower()
    return Address(f"{local}@{domain}", f"{lower}@{domain}")
