"""A slip in a well-known domain is asked back; anything else is left alone."""

from __future__ import annotations

import pytest

from newsletter.domain.address import Address
from newsletter.domain.typos import _PROVIDERS, is_one_slip, suggestion


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("Ada.L@gmial.com", "Ada.L@gmail.com", id="swapped"),
        pytest.param("ada@gmai.com", "ada@gmail.com", id="one too few"),
        pytest.param("ada@gmaill.com", "ada@gmail.com", id="one too many"),
        pytest.param("ada@gmail.con", "ada@gmail.com", id="a wrong one"),
        pytest.param("ada@HOTMIAL.com", "ada@hotmail.com", id="in capitals"),
        pytest.param("ada@yaho.co.uk", "ada@yahoo.co.uk", id="of a country"),
        pytest.param("ada@gmail.comm", "ada@gmail.com", id="at the end"),
        pytest.param("ada@ggmail.com", "ada@gmail.com", id="at the beginning"),
    ],
)
def test_a_slip_is_noticed(typed, meant):
    assert suggestion(Address.parse(typed)) == meant


@pytest.mark.parametrize(
    "domain", ["example.org", "gmial.org", "mail.com", "ymail.com", "gmx.net", "web.de", "mel.com"]
)
def test_what_may_be_meant_is_left_alone(domain):
    assert suggestion(Address.parse(f"ada@{domain}")) is None


@pytest.mark.parametrize("provider", _PROVIDERS)
def test_no_provider_is_taken_for_a_slip_of_another(provider):
    assert suggestion(Address.parse(f"ada@{provider}")) is None


@pytest.mark.parametrize(("typed", "meant"), [("abc", "abc"), ("abcd", "badc"), ("abc", "cba"), ("a", "abc")])
def test_two_slips_or_none_are_not_one(typed, meant):
    assert not is_one_slip(typed, meant)
