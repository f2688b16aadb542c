"""Which mailbox an address leads to, where one mailbox answers to many addresses."""

from __future__ import annotations

from newsletter.domain.address import Address

#: There dots in the local part mean nothing.
_WITHOUT_DOTS = frozenset({"gmail.com", "googlemail.com"})


def mailbox(address: Address) -> str:
    """The same for all addresses that are known to reach one mailbox: ada+news@ is ada@ (RFC 5233, 1).

    To count by, not to write to: elsewhere a plus can be part of a name.
    """
    local_part, _, domain = address.key.rpartition("@")
    base = local_part.partition("+")[0] or local_part
    if domain in _WITHOUT_DOTS:
        return f"{base.replace('.', '')}@gmail.com"
    return f"{base}@{domain}"
