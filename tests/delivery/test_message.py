"""Addresses and content on their way to the wire."""

import pytest

from newsletter.delivery.message import OutgoingMessage, Transaction, encode_address, prepare, stuff_dots
from newsletter.delivery.offers import Offers
from newsletter.delivery.outcome import Outcome, Verdict

ALL = Offers(pipelining=True, eight_bit=True, smtputf8=True, size=True, size_limit=1000)
LABEL = "a" * 63


@pytest.mark.parametrize(
    ("address", "encoded"),
    [
        ("reader@example.org", "reader@example.org"),
        ("first.last+tag@example.org", "first.last+tag@example.org"),
        ("o'hara/x=y@example.org", "o'hara/x=y@example.org"),
        ('"two words"@example.org', '"two words"@example.org'),
        (r'"quo\"ted@home"@example.org', r'"quo\"ted@home"@example.org'),
        ("reader@[192.0.2.1]", "reader@[192.0.2.1]"),
        ("reader@[IPv6:2001:db8::1]", "reader@[IPv6:2001:db8::1]"),
        ("reader@localhost", "reader@localhost"),
        ("reader@bücher.example", "reader@xn--bcher-kva.example"),
        ("reader@BÜCHER.example", "reader@xn--bcher-kva.example"),
        ("reader@пример.example", "reader@xn--e1afmkfd.example"),
        ("жду@example.org", "жду@example.org"),
        ("жду@пример.example", "жду@xn--e1afmkfd.example"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        (f"abc@{LABEL}.{LABEL}.{LABEL}." + "b" * 58, f"abc@{LABEL}.{LABEL}.{LABEL}." + "b" * 58),
    ],
)
def test_addresses_that_are_taken(address, encoded):
    assert encode_address(address) == encoded


@pytest.mark.parametrize(
    "address",
    [
        "", "reader", "@example.org", "reader@", "reader@@example.org", "a@b@example.org",
        "reader@example.org\r\nRCPT TO:<victim@example.org>", "reader\n@example.org", "reader@example.org\n",
        "reader\r@example.org", "reader\0@example.org", "reader@exam\0ple.org", "\treader@example.org",
        "two words@example.org", "reader@exa mple.org", " reader@example.org", "reader@example.org ",
        "<reader@example.org>", "reader>@example.org", '"a>b"@example.org', '"a<b"@example.org', '"a\r\nb"@example.org',
        "reader@example.org> SIZE=1", ".reader@example.org", "a..b@example.org", "reader.@example.org",
        'a"b@example.org', '"open@example.org', "reader@-example.org", "reader@example-.org", "reader@example..org",
        "reader@example.org.", "reader@.org", "reader@[<1>]", "reader@[1.2.3.4]x",
        "a" * 65 + "@example.org", f"abcd@{LABEL}.{LABEL}.{LABEL}." + "b" * 58, "reader@" + "a" * 64 + ".org",
        "ж" * 33 + "@example.org", "reader@" + "ü" * 70 + ".org", "read\u2028er@example.org",
        "read\u00a0er@example.org", "read\u202eer@example.org", "read\x85er@example.org", "read\ud800er@example.org",
        "reader@ex\u2028ample.org", "reader@пример\r\nDATA.example", "жду@example.org\r\nDATA", "reader@ü<.example",
    ],
)  # fmt: skip
def test_addresses_that_never_reach_the_wire(address):
    assert encode_address(address) is None
    refusal = prepare(OutgoingMessage(1, "a@example.org", address, b"x"), ALL)
    assert isinstance(refusal, Outcome)
    assert refusal.verdict is Verdict.NEVER
    assert refusal.reply is not None
    assert refusal.reply.enhanced == "5.1.3"


def test_a_malformed_sender_is_our_own_trouble():
    refusal = prepare(OutgoingMessage(1, "a\r\n@example.org", "b@example.org", b"x"), ALL)

    assert isinstance(refusal, Outcome)
    assert refusal.verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("message", "offers", "commands"),
    [
        pytest.param(
            OutgoingMessage(1, "a@example.org", "b@example.org", b"abc\r\n"),
            Offers(),
            b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n",
            id="nothing is offered",
        ),
        pytest.param(
            OutgoingMessage(1, "", "b@example.org", b"abc\r\n"),
            ALL,
            b"MAIL FROM:<> SIZE=5\r\nRCPT TO:<b@example.org>\r\nDATA\r\n",
            id="the null sender, and the size",
        ),
        pytest.param(
            OutgoingMessage(1, "a@example.org", "жду@пример.example", "ж\r\n".encode()),
            ALL,
            "MAIL FROM:<a@example.org> SIZE=4 BODY=8BITMIME SMTPUTF8\r\n"
            "RCPT TO:<жду@xn--e1afmkfd.example>\r\nDATA\r\n".encode(),
            id="beyond ASCII",
        ),
    ],
)
def test_commands_of_a_message(message, offers, commands):
    prepared = prepare(message, offers)

    assert isinstance(prepared, Transaction)
    assert prepared.commands == commands


@pytest.mark.parametrize(
    ("message", "offers", "enhanced"),
    [
        pytest.param(OutgoingMessage(1, "a@x.org", "ж@x.org", b"x"), Offers(), "5.6.7", id="no SMTPUTF8"),
        pytest.param(OutgoingMessage(1, "a@x.org", "b@x.org", b"x" * 1001), ALL, "5.3.4", id="too large"),
        pytest.param(OutgoingMessage(1, "a@x.org", "b@x.org", b"\xff"), Offers(), "5.6.3", id="no 8BITMIME"),
    ],
)
def test_what_this_relay_cannot_take_fails_alone_and_unsent(message, offers, enhanced):
    refusal = prepare(message, offers)

    assert isinstance(refusal, Outcome)
    assert refusal.verdict is Verdict.NEVER
    assert refusal.reply is not None
    assert refusal.reply.enhanced == enhanced


def test_only_a_local_part_beyond_ascii_needs_smtputf8():
    assert OutgoingMessage(1, "a@x.org", "жду@x.org", b"").smtputf8
    assert OutgoingMessage(1, "жду@x.org", "a@x.org", b"").smtputf8
    assert not OutgoingMessage(1, "a@x.org", "b@bücher.example", b"").smtputf8


@pytest.mark.parametrize(
    ("data", "wire"),
    [
        (b"", b"\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"..a\r\n.b\r\nc.\r\n", b"...a\r\n..b\r\nc.\r\n.\r\n"),
        (b"a\r\n.\r\nMAIL FROM:<x>\r\n", b"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
        (b"a\n.\nb\r\n", b"a\n..\nb\r\n.\r\n"),
    ],
)
def test_content_is_dot_stuffed_and_ended_once(data, wire):
    prepared = prepare(OutgoingMessage(1, "a@x.org", "b@x.org", data), Offers())

    assert isinstance(prepared, Transaction)
    assert prepared.content + prepared.ending == wire


def test_stuffing_copies_nothing_where_no_line_starts_with_a_dot():
    data = b"a.b\r\nc.\r\n" * 100

    assert stuff_dots(data) is data


def test_what_the_maker_vouches_for_is_not_looked_at_but_the_recipient_always_is():
    vouched = OutgoingMessage(1, "bounce+1@example.org", "reader@example.org\r\nDATA", b"x\r\n", wire_ready=True)
    refusal = prepare(vouched, ALL)

    assert isinstance(refusal, Outcome)
    assert refusal.verdict is Verdict.NEVER


def test_stuffed_content_is_left_alone():
    prepared = prepare(OutgoingMessage(1, "a@x.org", "b@x.org", b"..a\r\n", wire_ready=True), Offers())

    assert isinstance(prepared, Transaction)
    assert prepared.content + prepared.ending == b"..a\r\n.\r\n"
