"""What the settings about requests from outside may be, and how they are shown. See config.values for the others."""

from __future__ import annotations

from ipaddress import ip_network

from newsletter.domain.networks import Network
from newsletter.services.limits import Caps

Networks = tuple[Network, ...]

_KINDS = ("ip", "network", "all")
_EXAMPLE = "write whole numbers, such as ip=20 network=100 all=2000; 0 is no limit"
_MOST = 1_000_000_000


def networks(value: str) -> Networks:
    """Read addresses and networks, separated by white space."""
    try:
        return tuple(ip_network(word) for word in value.split())
    except ValueError:
        raise ValueError("write addresses or networks, such as 127.0.0.1 10.0.0.0/8 fd00::/8") from None


def caps(value: str) -> Caps:
    """Read kind=number, one after the other; what is left out keeps its default."""
    found = {}
    for word in value.split():
        kind, _, number = word.partition("=")
        if kind not in _KINDS or not (number.isascii() and number.isdigit()) or int(number[:12]) > _MOST:
            raise ValueError(_EXAMPLE)
        found[kind] = int(number)
    return Caps(**found)


def show_networks(value: Networks) -> str:
    return " ".join(map(str, value))


def show_caps(value: Caps) -> str:
    return " ".join(f"{kind}={getattr(value, kind)}" for kind in _KINDS)
