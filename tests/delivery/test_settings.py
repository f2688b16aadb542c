"""The relay's URL, and what can be wrong with it."""

import re

import pytest

from newsletter.delivery.settings import RelaySettings, Timeouts, TlsMode, default_helo_name, parse_smtp_url
from newsletter.errors import SettingsError

NONE, OPPORTUNISTIC, REQUIRED, IMPLICIT = TlsMode


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("smtp://relay.example.org", "relay.example.org", 587, REQUIRED),
        ("smtp://relay.example.org/", "relay.example.org", 587, REQUIRED),
        ("smtp://relay.example.org:25", "relay.example.org", 25, REQUIRED),
        ("SMTP://Relay.Example.org", "relay.example.org", 587, REQUIRED),
        ("smtp://relay.example.org?tls=none", "relay.example.org", 587, NONE),
        ("smtp://relay.example.org:2525?tls=opportunistic", "relay.example.org", 2525, OPPORTUNISTIC),
        ("smtp://localhost:1025", "localhost", 1025, OPPORTUNISTIC),
        ("smtp://127.0.0.1", "127.0.0.1", 587, OPPORTUNISTIC),
        ("smtp://[::1]:25", "::1", 25, OPPORTUNISTIC),
        ("smtp://localhost?tls=required", "localhost", 587, REQUIRED),
        ("smtp://192.0.2.1", "192.0.2.1", 587, REQUIRED),
        ("smtps://relay.example.org", "relay.example.org", 465, IMPLICIT),
        ("smtps://localhost:4650", "localhost", 4650, IMPLICIT),
    ],
)
def test_a_url_names_host_port_and_encryption(url, host, port, tls):
    settings = parse_smtp_url(url)

    assert (settings.host, settings.port, settings.tls) == (host, port, tls)
    assert settings.username is None
    assert settings.password is None


def test_user_and_password_are_percent_decoded():
    settings = parse_smtp_url("smtp://news%40example.org:p%3Aa%2Fs%C3%A9@relay.example.org")

    assert (settings.username, settings.password) == ("news@example.org", "p:a/sé")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "smtp://"),
        ("relay.example.org:25", "smtp://"),
        ("http://u:hunter2@relay.example.org", "smtp://"),
        ("smtp://", "no host"),
        ("smtp://u:hunter2@", "no host"),
        ("smtp://u:hunter2@relay.example.org:0", "1 to 65535"),
        ("smtp://u:hunter2@relay.example.org:70000", "bad port"),
        ("smtp://u:hunter2@relay.example.org:abc", "bad port"),
        ("smtp://u:hunter2@[::1", "bad host"),
        ("smtp://u:hunter2@relay example.org", "host"),
        ("smtp://u:hunter2@relay.example.org?tls=maybe", "tls=required"),
        ("smtp://u:hunter2@relay.example.org?tls=implicit", "tls=required"),
        ("smtp://u:hunter2@relay.example.org?tls=", "tls=required"),
        ("smtp://u:hunter2@relay.example.org?tls", "tls=required"),
        ("smtp://u:hunter2@relay.example.org?tls=none&tls=required", "tls=required"),
        ("smtp://u:hunter2@relay.example.org?ssl=on", "tls=required"),
        ("smtps://u:hunter2@relay.example.org?tls=none", "leave out"),
        ("smtp://u:hunter2@relay.example.org/mail", "follow"),
        ("smtp://u:hunter2@relay.example.org#x", "follow"),
        ("smtp://u@relay.example.org", "both a user and a password"),
        ("smtp://:hunter2@relay.example.org", "both a user and a password"),
        ("smtp://u:hunter2%FF@relay.example.org", "percent-encoded"),
        ("smtp://u:hunter2%00@relay.example.org", "zero byte"),
    ],
)
def test_a_bad_url_is_explained_in_one_line_without_the_password(url, says):
    with pytest.raises(SettingsError, match=re.escape(says)) as caught:
        parse_smtp_url(url)

    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_settings_never_print_the_password():
    assert "hunter2" not in repr(parse_smtp_url("smtp://u:hunter2@relay.example.org"))


@pytest.mark.parametrize(
    "bad",
    [
        {"host": "relay\r\nQUIT"}, {"host": ""}, {"port": 0}, {"connections": 0}, {"messages_per_connection": -1},
        {"rate": -1.0}, {"rate": float("nan")}, {"helo_name": "x\r\nMAIL"}, {"helo_name": ""}, {"username": "u"},
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
