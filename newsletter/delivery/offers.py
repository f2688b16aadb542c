"""What a relay offers in its answer to EHLO (RFC 5321, 4.1.1.1)."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offers:
    """The extensions that this client makes use of. Without EHLO, none."""

    pipelining: bool = False  #: RFC 2920
    starttls: bool = False  #: RFC 3207
    eight_bit: bool = False  #: 8BITMIME, RFC 6152
    smtputf8: bool = False  #: RFC 6531
    size: bool = False  #: RFC 1870
    size_limit: int = 0  #: octets of a message; 0: not told
    auth: frozenset[str] = frozenset()  #: mechanisms, in capitals (RFC 4954)


def parse_offers(lines: Iterable[str]) -> Offers:
    """Read the lines of an EHLO reply, the first of which is the relay's name."""
    words = [line.upper().replace("AUTH=", "AUTH ").split() for line in lines][1:]
    keywords = {line[0]: line[1:] for line in words if line}
    # Some relays list mechanisms twice: "AUTH PLAIN" and, for old clients, "AUTH=PLAIN".
    mechanisms = {name for line in words if line and line[0] == "AUTH" for name in line[1:]}
    limit = "".join(keywords.get("SIZE", [])[:1])
    return Offers(
        pipelining="PIPELINING" in keywords,
        starttls="STARTTLS" in keywords,
        eight_bit="8BITMIME" in keywords,
        smtputf8="SMTPUTF8" in keywords,
        size="SIZE" in keywords,
        size_limit=int(limit) if limit.isascii() and limit.isdigit() and len(limit) <= 20 else 0,
        auth=frozenset(mechanisms),
    )
