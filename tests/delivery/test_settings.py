"""What a relay may be asked to bear, and what can't be asked."""

import re

import pytest

from newsletter.delivery.settings import Mechanism, RelaySettings, Timeouts, TlsMode, default_helo_name, share_out
from newsletter.errors import SettingsError

NONE, OPPORTUNISTIC, REQUIRED, IMPLICIT = TlsMode


@pytest.mark.parametrize(
    ("connections", "weights", "shares"),
    [
        (8, [1], [8]),
        (8, [1, 1], [4, 4]),
        (8, [3, 1], [6, 2]),
        (8, [1, 1, 1], [3, 3, 2]),
        (8, [100, 1], [7, 1]),
        (1, [1, 1, 1], [1, 1, 1]),
        (3, [100, 1, 1], [1, 1, 1]),
        (10, [5, 3, 2], [5, 3, 2]),
        (100, [1, 2], [33, 67]),
    ],
)
def test_connections_are_shared_out_by_weight_and_each_relay_gets_one(connections, weights, shares):
    assert share_out(connections, weights) == shares


@pytest.mark.parametrize(
    ("tls", "host", "user", "may"),
    [
        (OPPORTUNISTIC, "relay.example.org", None, True),
        (OPPORTUNISTIC, "relay.example.org", "u", False),
        (OPPORTUNISTIC, "localhost", "u", True),
        (REQUIRED, "localhost", None, False),
        (IMPLICIT, "localhost", None, False),
    ],
)
def test_encryption_that_fails_is_done_without_only_where_no_password_would_be_heard(tls, host, user, may):
    password = "p" if user else None
    assert RelaySettings(host, username=user, password=password, tls=tls).may_go_plain is may


def test_a_token_needs_encryption_as_a_password_does():
    assert not RelaySettings("relay.example.org", username="u", auth=Mechanism.XOAUTH2, tls=OPPORTUNISTIC).may_go_plain


@pytest.mark.parametrize(
    "bad",
    [
        {"host": "relay\r\nQUIT"}, {"host": ""}, {"port": 0}, {"connections": 0}, {"messages_per_connection": -1},
        {"weight": 0}, {"weight": 101}, {"auth": Mechanism.LOGIN},
        {"auth": Mechanism.XOAUTH2}, {"helo_name": "x\r\nMAIL"}, {"helo_name": ""}, {"username": "u"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused(bad):
    with pytest.raises(SettingsError):
        RelaySettings(**{"host": "relay.example.org", **bad})


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_is_a_number_above_zero(bad):
    with pytest.raises(SettingsError):
        Timeouts(dot=bad)


def test_the_name_for_ehlo_is_a_full_name_or_an_address():
    assert re.fullmatch(r"\[127\.0\.0\.1\]|[\w-]+(\.[\w-]+)+", default_helo_name())
