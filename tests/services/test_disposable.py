"""The list of domains of addresses to be thrown away."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.errors import InvalidInput, NotFound
from newsletter.services import disposable, signup
from newsletter.storage.tables import Consent
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS


@pytest.fixture
def listing(database):
    """A database whose list has two domains."""
    with database.writing() as session:
        assert disposable.add(session, ["thrown-away.example", "xn--bcher-kva.example"], now=NOW) == 2
    return database


@pytest.mark.parametrize(
    ("address", "is_listed"),
    [
        ("ada@thrown-away.example", True),
        ("ada@THROWN-AWAY.example", True),
        ("ada@mail.thrown-away.example", True),
        ("ada@bücher.example", True),
        ("ada@not-thrown-away.example", False),
        ("ada@example.org", False),
    ],
)
def test_a_domain_is_listed_with_all_below_it(listing, address, is_listed):
    with listing.writing() as session:
        signup.request(session, Address.parse(address), ["KZ"], origin=ORIGIN, tokens=TOKENS, now=NOW)
        source = session.scalars(select(Consent.source)).one()

    assert source == ORIGIN.source + (signup.DISPOSABLE if is_listed else "")


def test_what_is_there_already_is_not_added_twice(listing):
    with listing.writing() as session:
        assert disposable.add(session, ["thrown-away.example", "new.example"], now=NOW) == 1
        assert disposable.listed(session) == ["new.example", "thrown-away.example", "xn--bcher-kva.example"]


def test_one_can_be_taken_off(listing):
    with listing.writing() as session:
        disposable.remove(session, "thrown-away.example")
        assert disposable.listed(session) == ["xn--bcher-kva.example"]
        with pytest.raises(NotFound, match="not on the list"):
            disposable.remove(session, "thrown-away.example")


@pytest.mark.parametrize("text", ["", "no domain", "ada@example.org", "-.example", "example"])
def test_what_is_no_domain_is_refused(text):
    with pytest.raises(InvalidInput, match=r"write one such as example\.org"):
        disposable.read_domain(text)
