"""The beginning of a session, fed with bytes."""

from base64 import b64encode

import pytest

from newsletter.delivery.handshake import Handshake
from newsletter.delivery.offers import Offers
from newsletter.delivery.reply import ProtocolError
from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.errors import RelayRefused, RelayUnavailable

EHLO = b"EHLO news.example.org\r\n"
HELO = b"HELO news.example.org\r\n"
PLAIN = b64encode(b"\0user\0hunter2")
OFFERS = b"250-relay\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n"


def no_token() -> str:
    raise AssertionError("nobody wants a token")


def handshake(tls: TlsMode = TlsMode.NONE, *, host: str = "localhost", user: bool = False, plain: bool = False):
    secrets = {"username": "user", "password": "hunter2"} if user else {}
    return Handshake(RelaySettings(host, tls=tls, helo_name="news.example.org", **secrets), no_token, plain=plain)


def say(session: Handshake, data: bytes) -> bytes:
    session.receive(data)
    written = b"".join(session.buffer.pieces)
    session.buffer.sent(len(written))
    return written


def test_greeting_and_ehlo():
    session = handshake()

    assert say(session, b"220 relay\r\n") == EHLO
    assert say(session, b"250-relay\r\n250 PIPELINING\r\n") == b""
    assert session.offers == Offers(pipelining=True)


def test_a_byte_at_a_time():
    session = handshake()
    written = [say(session, bytes([byte])) for byte in b"220-relay\r\n220 welcome\r\n"]

    assert b"".join(written) == EHLO


def test_a_one_line_answer_to_ehlo_offers_nothing():
    session = handshake()
    say(session, b"220-relay\r\n220 PIPELINING\r\n")
    say(session, b"250 relay\r\n")

    assert session.offers == Offers()


@pytest.mark.parametrize("code", [500, 502, 504, 550])
def test_an_old_relay_is_greeted_the_old_way(code):
    session = handshake()
    say(session, b"220 relay\r\n")

    assert say(session, b"%d what?\r\n" % code) == HELO
    say(session, b"250 relay\r\n")
    assert session.offers == Offers()


def test_starttls_then_ehlo_again():
    session = handshake(TlsMode.REQUIRED)
    say(session, b"220 relay\r\n")

    assert say(session, OFFERS) == b"STARTTLS\r\n"
    assert say(session, b"220 go\r\n") == b""
    assert session.wants_tls
    session.tls_started()
    assert say(session, b"") == EHLO
    say(session, b"250 relay\r\n")
    assert session.offers == Offers(), "what was offered in plain is forgotten"


def test_implicit_tls_comes_before_the_greeting():
    session = handshake(TlsMode.IMPLICIT)
    assert session.wants_tls

    session.tls_started()
    assert say(session, b"220 relay\r\n") == EHLO
    say(session, OFFERS)
    assert session.offers is not None


@pytest.mark.parametrize("rest", [b"250 injected\r\n", b"250-inj", b"\x16"])
def test_bytes_behind_the_answer_to_starttls_are_an_attack(rest):
    session = handshake(TlsMode.OPPORTUNISTIC)
    say(session, b"220 relay\r\n")
    say(session, OFFERS)

    with pytest.raises(ProtocolError):
        session.receive(b"220 go\r\n" + rest)


def test_required_encryption_that_is_not_offered():
    session = handshake(TlsMode.REQUIRED)
    say(session, b"220 relay\r\n")

    with pytest.raises(RelayUnavailable, match="STARTTLS"):
        session.receive(b"250 relay\r\n")


@pytest.mark.parametrize("code", [454, 500])
def test_required_encryption_that_is_refused(code):
    session = handshake(TlsMode.REQUIRED)
    say(session, b"220 relay\r\n")
    say(session, OFFERS)

    with pytest.raises(RelayUnavailable, match="encrypt"):
        session.receive(b"%d no\r\n" % code)


def test_opportunistic_encryption_that_is_refused_goes_on_in_plain():
    session = handshake(TlsMode.OPPORTUNISTIC)
    say(session, b"220 relay\r\n")
    say(session, OFFERS)

    assert say(session, b"454 no\r\n") == EHLO
    assert say(session, OFFERS) == b""
    assert session.offers is not None


def test_opportunistic_encryption_that_failed_is_left_alone():
    session = handshake(TlsMode.OPPORTUNISTIC, plain=True)
    say(session, b"220 relay\r\n")
    say(session, OFFERS)

    assert session.offers is not None


def test_plain_is_the_first_choice():
    session = handshake(user=True)
    say(session, b"220 relay\r\n")

    assert say(session, OFFERS) == b"AUTH PLAIN " + PLAIN + b"\r\n"
    assert session.offers is None
    say(session, b"235 2.7.0 ok\r\n")
    assert session.offers is not None
    assert session.offers.pipelining


def test_plain_for_a_relay_that_asks_twice():
    session = handshake(user=True)
    say(session, b"220 relay\r\n")
    say(session, OFFERS)

    assert say(session, b"334 \r\n") == PLAIN + b"\r\n"
    with pytest.raises(ProtocolError):
        session.receive(b"334 \r\n")


def test_login_where_there_is_nothing_else():
    session = handshake(user=True)
    say(session, b"220 relay\r\n")

    assert say(session, b"250-relay\r\n250 AUTH LOGIN\r\n") == b"AUTH LOGIN\r\n"
    assert say(session, b"334 VXNlcm5hbWU6\r\n") == b64encode(b"user") + b"\r\n"
    assert say(session, b"334 UGFzc3dvcmQ6\r\n") == b64encode(b"hunter2") + b"\r\n"
    say(session, b"235 ok\r\n")
    assert session.offers is not None


@pytest.mark.parametrize(
    ("tls", "error"),
    [
        pytest.param(TlsMode.NONE, RelayRefused, id="by setting"),
        pytest.param(TlsMode.OPPORTUNISTIC, RelayUnavailable, id="since the relay offers nothing else"),
    ],
)
def test_a_password_never_goes_over_a_network_in_plain(tls, error):
    session = handshake(tls, host="relay.example.org", user=True)
    say(session, b"220 relay\r\n")

    with pytest.raises(error, match="password"):
        session.receive(b"250-relay\r\n250 AUTH PLAIN\r\n")
    assert not session.buffer.unsent


@pytest.mark.parametrize(
    ("replies", "error", "code"),
    [
        pytest.param([b"554 5.7.1 go away\r\n"], RelayRefused, 554, id="greeting 5yz"),
        pytest.param([b"421 4.7.0 busy\r\n"], RelayUnavailable, 421, id="greeting 421"),
        pytest.param([b"450 busy\r\n"], RelayUnavailable, 450, id="greeting 4yz"),
        pytest.param([b"250 what\r\n"], ProtocolError, 250, id="greeting of a kind"),
        pytest.param([b"HTTP/1.1 400 Bad Request\r\n"], ProtocolError, None, id="not an SMTP server"),
        pytest.param([b"220 a\r\n", b"451 busy\r\n"], RelayUnavailable, 451, id="EHLO 4yz"),
        pytest.param([b"220 a\r\n", b"554 no\r\n"], RelayRefused, 554, id="EHLO 5yz"),
        pytest.param([b"220 a\r\n", b"502 ?\r\n", b"550 no\r\n"], RelayRefused, 550, id="HELO 5yz"),
        pytest.param([b"220 a\r\n", b"250 relay\r\n"], RelayRefused, None, id="no AUTH"),
        pytest.param([b"220 a\r\n", OFFERS, b"535 5.7.8 wrong\r\n"], RelayRefused, 535, id="AUTH 5yz"),
        pytest.param([b"220 a\r\n", OFFERS, b"454 4.7.0 later\r\n"], RelayUnavailable, 454, id="AUTH 4yz"),
    ],
)
def test_sessions_that_come_to_nothing(replies, error, code):
    session = handshake(user=True)
    for reply in replies[:-1]:
        session.receive(reply)
    with pytest.raises(error) as caught:
        session.receive(replies[-1])

    assert caught.value.reply_code == code
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("rest", [b"250 more\r\n", b"25"])
def test_more_than_was_asked_for_is_an_error(rest):
    session = handshake()
    say(session, b"220 relay\r\n")

    with pytest.raises(ProtocolError):
        session.receive(b"250 relay\r\n" + rest)
