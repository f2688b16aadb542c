"""The settings about relays, taken together: what each relay gets of them, and what is refused at start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter import config
from newsletter.config import Settings
from newsletter.delivery.settings import Mechanism, TlsMode, default_helo_name
from newsletter.errors import SettingsError
from tests.delivery.authority import Authority

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return lambda **given: config.load(
        {f"NEWSLETTER_{name}": value for name, value in given.items()}, instance=str(tmp_path)
    )


def test_one_relay_gets_all(load):
    (relay,) = load(SMTP_URL="smtps://ada:p%40ss@relay.example.org", CONNECTIONS="3").relays

    assert (relay.name, relay.username, relay.password) == ("relay.example.org:465", "ada", "p@ss")
    assert (relay.connections, relay.messages_per_connection) == (3, 1000)
    assert (relay.tls, relay.ca_file, relay.token_file) == (TlsMode.IMPLICIT, None, None)
    assert relay.helo_name == default_helo_name()


def test_what_is_set_holds_for_each_and_connections_are_shared_out(load, tmp_path):
    authority = Authority(tmp_path, "ca").file
    settings = load(
        SMTP_URL="smtp://one.example.org?weight=3 smtps://news@two.example.org?auth=xoauth2",
        CONNECTIONS="8",
        MESSAGES_PER_CONNECTION="50",
        SMTP_TIMEOUTS="dot=20 greeting=10",
        SMTP_CA_FILE="ca.pem",
        SMTP_TOKEN_FILE="token",
        HELO_NAME="news.example.org",
    )

    one, two = settings.relays
    assert (one.connections, two.connections) == (6, 2)
    assert (one.auth, two.auth) == (None, Mechanism.XOAUTH2)
    for relay in settings.relays:
        assert relay.messages_per_connection == 50
        assert (relay.timeouts.dot, relay.timeouts.greeting, relay.timeouts.data) == (20, 10, 120)
        assert (relay.ca_file, relay.token_file) == (str(authority), str(tmp_path / "token"))
        assert relay.helo_name == "news.example.org"


def test_users_and_passwords_are_not_shown(load):
    settings = load(SMTP_URL="smtp://ada:hidden1@one.example.org?weight=3\n smtps://bob:hidden2@two.example.org")

    shown = {name: value for name, value, _ in settings.table()}["SMTP_URL"]
    assert shown == "smtp://********@one.example.org?weight=3 smtps://********@two.example.org"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"SMTP_URL": "smtps://ada@relay.example.org?auth=xoauth2"},
            "SMTP_URL can't be used: auth=xoauth2 takes an access token from a file: name it",
        ),
        (
            {"SMTP_URL": "smtp://one.example.org smtp://one.example.org"},
            "SMTP_URL can't be used: the relay one.example.org:587 is",
        ),
        ({"SMTP_CA_FILE": "nowhere.pem"}, "SMTP_CA_FILE can't be used: /.*nowhere.pem can't be read: No such file"),
        ({"SMTP_CA_FILE": "config.toml"}, "SMTP_CA_FILE can't be used: /.*config.toml holds no certificate in PEM"),
        ({"SMTP_CA_FILE": "."}, "SMTP_CA_FILE can't be used: /.* can't be read: Is a directory"),
        (
            {"CANARY": "5", "CANARY_WAIT": "60", "DEADLINE": "1"},
            "CANARY_WAIT can't be used: after so long a wait the DEADLINE",
        ),
        ({"HELO_NAME": "two words"}, "HELO_NAME can't be used"),
        ({"SMTP_TIMEOUTS": "dot=0"}, "SMTP_TIMEOUTS can't be used"),
        ({"MESSAGES_PER_CONNECTION": "-1"}, "MESSAGES_PER_CONNECTION can't be used"),
    ],
)
def test_what_cannot_be_used_is_told_at_start_in_one_line(load, tmp_path, given, says):
    (tmp_path / "config.toml").write_text("rate = 5\n")
    with pytest.raises(SettingsError, match=says) as told:
        load(**given)

    assert str(told.value).startswith("environment NEWSLETTER_")
    assert "\n" not in str(told.value)


def test_a_token_file_need_not_be_there_yet(load):
    assert load(SMTP_URL="smtps://ada@relay.example.org?auth=xoauth2", SMTP_TOKEN_FILE="token").relays[0].token_file
