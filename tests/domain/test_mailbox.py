"""Addresses that reach one mailbox count as one."""

from __future__ import annotations

import pytest

from newsletter.domain.address import Address
from newsletter.domain.mailbox import mailbox


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("Ada@Example.org", "ada@example.org"),
        ("ada+news@example.org", "ada@example.org"),
        ("ada+a+b@example.org", "ada@example.org"),
        ("+news@example.org", "+news@example.org"),
        ("a.d.a@example.org", "a.d.a@example.org"),
        ("a.d.a+x@googlemail.com", "ada@gmail.com"),
    ],
)
def test_addresses_of_one_mailbox_count_as_one(address, counted_as):
    assert mailbox(Address.parse(address)) == counted_as
