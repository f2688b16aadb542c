"""What is read from the answer to EHLO."""

import pytest

from newsletter.delivery.offers import Offers, parse_offers


@pytest.mark.parametrize(
    ("lines", "offers"),
    [
        pytest.param([], Offers(), id="nothing"),
        pytest.param(["PIPELINING"], Offers(), id="the first line is a name"),
        pytest.param(["x", "pipelining", "StartTLS"], Offers(pipelining=True, starttls=True), id="in any case"),
        pytest.param(["x", "SIZE 1000"], Offers(size=True, size_limit=1000), id="a limit"),
        pytest.param(["x", "SIZE"], Offers(size=True), id="no limit told"),
        pytest.param(["x", "SIZE lots"], Offers(size=True), id="a limit that is no number"),
        pytest.param(["x", "AUTH PLAIN LOGIN"], Offers(auth=frozenset({"PLAIN", "LOGIN"})), id="mechanisms"),
        pytest.param(["x", "AUTH LOGIN", "AUTH=PLAIN"], Offers(auth=frozenset({"PLAIN", "LOGIN"})), id="the old way"),
        pytest.param(["x", "8BITMIME", "SMTPUTF8"], Offers(eight_bit=True, smtputf8=True), id="beyond ASCII"),
        pytest.param(["x", "", "XFORWARD NAME"], Offers(), id="what we have no use for"),
    ],
)
def test_offers_of_a_relay(lines, offers):
    assert parse_offers(lines) == offers
