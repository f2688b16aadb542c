"""One reader, as mail sees them: where it goes, and what they follow."""

from __future__ import annotations

from typing import NamedTuple

import idna

from newsletter.errors import InvalidAddress


class Recipient(NamedTuple):
    """The owner of one address. A tuple, since one is made for each reader."""

    subscriber_id: int
    address: str
    follows: tuple[str, ...]  #: as domain.subject orders them
    text_only: bool = False  #: their digests have no HTML


def wire_address(address: str) -> str:
    """The address for envelope and To: the domain always as A-labels (RFC 5890); the local part as it is.

    Raises InvalidAddress.
    """
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        raise InvalidAddress("the domain of an address can't be written in ASCII") from None
