"""The URLs of relays, and what can be wrong with them."""

import re

import pytest

from newsletter.delivery.relay_urls import parse_smtp_urls
from newsletter.delivery.settings import Mechanism, RelaySettings, TlsMode
from newsletter.errors import SettingsError

NONE, OPPORTUNISTIC, REQUIRED, IMPLICIT = TlsMode


def parse(url: str) -> RelaySettings:
    (relay,) = parse_smtp_urls(url)
    return relay


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
    relay = parse(url)

    assert (relay.host, relay.port, relay.tls) == (host, port, tls)
    assert (relay.username, relay.password) == (None, None)
    assert (relay.weight, relay.auth) == (1, None)


def test_user_and_password_are_percent_decoded():
    relay = parse("smtp://news%40example.org:p%3Aa%2Fs%C3%A9@relay.example.org")

    assert (relay.username, relay.password) == ("news@example.org", "p:a/sé")


@pytest.mark.parametrize(
    ("url", "weight", "auth", "password"),
    [
        ("smtp://u:p@relay.example.org?weight=3", 3, None, "p"),
        ("smtps://u:p@relay.example.org?auth=login&weight=100", 100, Mechanism.LOGIN, "p"),
        ("smtp://u:p@relay.example.org?tls=required&auth=plain", 1, Mechanism.PLAIN, "p"),
        ("smtps://u@relay.example.org?auth=xoauth2", 1, Mechanism.XOAUTH2, None),
        ("smtps://u:@relay.example.org?auth=xoauth2", 1, Mechanism.XOAUTH2, None),
    ],
)
def test_options(url, weight, auth, password):
    relay = parse(url)

    assert (relay.weight, relay.auth, relay.username, relay.password) == (weight, auth, "u", password)


def test_several_relays_are_separated_by_white_space():
    relays = parse_smtp_urls(
        "  smtps://u:p@one.example.org?weight=3\n\tsmtp://[2001:db8::1]:25  smtps://one.example.org:466 "
    )

    assert [relay.name for relay in relays] == ["one.example.org:465", "[2001:db8::1]:25", "one.example.org:466"]
    assert [relay.weight for relay in relays] == [3, 1, 1]


OPTIONS = "the options of a relay's URL are tls=none"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "smtp://"),
        (" \n", "is missing"),
        ("relay.example.org:25", "smtp://"),
        ("http://u:hunter2@relay.example.org", "smtp://"),
        ("smtp://", "no host"),
        ("smtp://u:hunter2@", "no host"),
        ("smtp://u:hunter2@relay.example.org:0", "1 to 65535"),
        ("smtp://u:hunter2@relay.example.org:70000", "bad port"),
        ("smtp://u:hunter2@relay.example.org:abc", "bad port"),
        ("smtp://u:hunter2@[::1", "bad host"),
        ("smtp://u:hunter2@relay_example_org!", "host"),
        ("smtp://u:hunter2@relay.example.org second.example.org", "begin with smtp://"),
        ("smtp://u:hunter2 3@relay.example.org", "bad port"),
        ("smtp://u:hunter2@relay.example.org?tls=maybe", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?tls=implicit", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?tls=", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?tls", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?tls=none&tls=required", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?ssl=on", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?weight=0", "1 to 100"),
        ("smtp://u:hunter2@relay.example.org?weight=101", "1 to 100"),
        ("smtp://u:hunter2@relay.example.org?weight=-1", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?weight=1.5", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?weight=²", OPTIONS),
        ("smtp://u:hunter2@relay.example.org?weight=" + "1" * 5000, OPTIONS),
        ("smtp://u:hunter2@relay.example.org?auth=cram-md5", OPTIONS),
        ("smtps://u:hunter2@relay.example.org?auth=", OPTIONS),
        ("smtps://u:hunter2@relay.example.org?tls=none", "leave out"),
        ("smtp://relay.example.org?auth=plain", "auth=plain the relay needs a user and a password"),
        ("smtps://relay.example.org?auth=xoauth2", "a user and no password"),
        ("smtps://u:hunter2@relay.example.org?auth=xoauth2", "a user and no password"),
        ("smtps://:hunter2@relay.example.org?auth=xoauth2", "a user and no password"),
        ("smtps://u%01:@relay.example.org?auth=xoauth2", "a user and no password"),
        ("smtp://u:hunter2@relay.example.org/mail", "follow"),
        ("smtp://u:hunter2@relay.example.org#x", "follow"),
        ("smtp://u@relay.example.org", "both a user and a password"),
        ("smtp://:hunter2@relay.example.org", "both a user and a password"),
        ("smtp://u:hunter2%FF@relay.example.org", "percent-encoded"),
        ("smtp://u:hunter2%00@relay.example.org", "zero byte"),
        (
            "smtps://u:hunter2@relay.example.org smtps://v:hunter2@Relay.example.org:465",
            "relay.example.org:465 is named twice",
        ),
    ],
)
def test_bad_urls_are_explained_in_one_line_without_the_password(text, says):
    with pytest.raises(SettingsError, match=re.escape(says)) as caught:
        parse_smtp_urls(text)

    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_settings_never_print_the_password():
    assert "hunter2" not in repr(parse_smtp_urls("smtp://u:hunter2@relay.example.org"))
