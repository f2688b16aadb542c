"""Internet addresses of clients: whom a forwarded request is from, and who counts as one asker.

An IPv6 customer gets a /64 at least, and mostly a /56 or /48 (RFC 6177): a single address there says nothing. So a /64
is taken for one machine, and a /48, or an IPv4 /24, for one network.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IpAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Bits of what counts as one machine, and as one network, by the version of the protocol.
_MACHINE = {4: 32, 6: 64}
_NETWORK = {4: 24, 6: 48}


def read_ip(text: str) -> IpAddress | None:
    """An address as servers and proxies write it, some of them with a port; None for anything else.

    An IPv4 address that is mapped into IPv6 (RFC 4291, 2.5.5.2) is the IPv4 address.
    """
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def client_ip(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> IpAddress | None:
    """Whom a request is from, by who is connected and by X-Forwarded-For; None if the peer has no address.

    Each hop adds whom it heard on the right. So it is read from there, and a hop is believed only while the one that
    wrote it is trusted: what a client has put into the header itself stands left of its own address, and is not read.
    """
    client = read_ip(peer)
    for hop in reversed(forwarded_for.split(",")):
        named = read_ip(hop)
        if named is None or client is None or not _is_within(client, trusted):
            break
        client = named
    return client


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether what the peer says about its client is believed."""
    found = read_ip(peer)
    return found is not None and _is_within(found, trusted)


def askers(ip: IpAddress) -> tuple[Network, Network]:
    """The machine and the network that an address counts for."""
    machine, network = (ip_network(f"{ip}/{bits[ip.version]}", strict=False) for bits in (_MACHINE, _NETWORK))
    return machine, network


def _is_within(ip: IpAddress, networks: Sequence[Network]) -> bool:
    return any(ip in network for network in networks)
