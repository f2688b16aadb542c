"""Addresses that are taken, refused, and taken for the same (T8)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.domain.address import Address
from newsletter.errors import InvalidAddress
from newsletter.mail.recipient import wire_address

LONG_DOMAIN = f"{'d' * 63}.{'d' * 62}.{'d' * 62}.org"  #: 193 octets


@pytest.mark.parametrize(
    ("typed", "text", "key"),
    [
        pytest.param("ada@example.org", "ada@example.org", "ada@example.org", id="plain"),
        pytest.param(" ada@example.org\r\n", "ada@example.org", "ada@example.org", id="white space around"),
        pytest.param("Ada@Example.ORG", "Ada@example.org", "ada@example.org", id="capitals"),
        pytest.param("o'neil+news@example.org", "o'neil+news@example.org", "o'neil+news@example.org", id="signs"),
        pytest.param("=1+1@example.org", "=1+1@example.org", "=1+1@example.org", id="looks like a formula"),
        pytest.param("a%b!c@example.org", "a%b!c@example.org", "a%b!c@example.org", id="an old route is a plain name"),
        pytest.param("ada@bücher.example", "ada@bücher.example", "ada@xn--bcher-kva.example", id="an IDN domain"),
        pytest.param("ada@BÜCHER.example", "ada@bücher.example", "ada@xn--bcher-kva.example", id="in capitals"),
        pytest.param("Ada@XN--BCHER-KVA.example", "Ada@bücher.example", "ada@xn--bcher-kva.example", id="as A-label"),
        pytest.param("ada@bu\u0308cher.example", "ada@bücher.example", "ada@xn--bcher-kva.example", id="decomposed"),
        pytest.param("ada@ｅxample.org", "ada@example.org", "ada@example.org", id="a full-width letter"),
        pytest.param("ada@example。org", "ada@example.org", "ada@example.org", id="a full stop of Chinese"),
        pytest.param("用户@例え.jp", "用户@例え.jp", "用户@xn--r8jz45g.jp", id="SMTPUTF8"),
        pytest.param("Zoë@example.org", "Zoë@example.org", "zoë@example.org", id="an accent"),
        pytest.param("zoe\u0308@example.org", "zoë@example.org", "zoë@example.org", id="a decomposed accent"),
        pytest.param("straße@example.org", "straße@example.org", "straße@example.org", id="ß stays ß"),
        pytest.param("ada@faß.example", "ada@faß.example", "ada@xn--fa-hia.example", id="in a domain, too"),
        pytest.param("ada@example.test", "ada@example.test", "ada@example.test", id="a domain for tests"),
    ],
)
def test_an_address_is_taken(typed, text, key):
    assert Address.parse(typed) == Address(text, key)


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("", id="nothing"),
        pytest.param(" \t", id="blanks"),
        pytest.param("ada", id="no @"),
        pytest.param("@", id="an @ alone"),
        pytest.param("ada@", id="no domain"),
        pytest.param("@example.org", id="no local part"),
        pytest.param("ada@bert@example.org", id="two @"),
        pytest.param("ada@example", id="a domain without a dot"),
        pytest.param("ada@localhost", id="this machine"),
        pytest.param("ada@printer.local", id="the local network"),
        pytest.param("ada@[192.0.2.1]", id="an address literal"),
        pytest.param("ada@192.0.2.1", id="numbers alone"),
        pytest.param("ada@example.invalid", id="a domain that can't be"),
        pytest.param("ada@example.org.", id="a dot at the end"),
        pytest.param("ada@example..org", id="an empty label"),
        pytest.param("ada@-example.org", id="a hyphen first"),
        pytest.param("ada@under_score.org", id="an underscore"),
        pytest.param("ada@xn--a.org", id="a broken A-label"),
        pytest.param(".ada@example.org", id="a dot first"),
        pytest.param("ada.@example.org", id="a dot last"),
        pytest.param("ada..bert@example.org", id="two dots"),
        pytest.param('"ada"@example.org', id="quoted"),
        pytest.param('"ada bert"@example.org', id="quoted, with a space"),
        pytest.param('"ada@bert"@example.org', id="quoted, with an @"),
        pytest.param("ada(comment)@example.org", id="a comment"),
        pytest.param("ada bert@example.org", id="a space"),
        pytest.param("ada@exam ple.org", id="a space in the domain"),
        pytest.param("<ada@example.org>", id="angle brackets"),
        pytest.param("Ada <ada@example.org>", id="a name before"),
        pytest.param("ada@example.org>", id="a bracket behind"),
        pytest.param("ada@example.org,bert@example.org", id="two addresses"),
        pytest.param("ada@example.org;bert@example.org", id="two addresses, as Outlook parts them"),
        pytest.param("ada@example.org\r\nBcc: bert@example.org", id="CR LF and a header"),
        pytest.param("ada\r\nDATA@example.org", id="CR LF and a command"),
        pytest.param("ada@example.org\nbert@example.org", id="LF"),
        pytest.param("ada\rbert@example.org", id="CR"),
        pytest.param("ada\0@example.org", id="a NUL"),
        pytest.param("ada@exam\0ple.org", id="a NUL in the domain"),
        pytest.param("ada\x7f@example.org", id="DEL"),
        pytest.param("ada\x85@example.org", id="a C1 control"),
        pytest.param("ada\u2028@example.org", id="Unicode's line separator"),
        pytest.param("ada\u202e@example.org", id="a turn of the writing direction"),
        pytest.param("\u200bada@example.org", id="a space of no width"),
        pytest.param("ada@exam\u200bple.org", id="a space of no width in the domain"),
        pytest.param("ada\udc80@example.org", id="half a surrogate pair"),
        pytest.param("x" * 1_000_000 + "@example.org", id="a megabyte"),
    ],
)
def test_what_mail_can_not_go_to_is_refused_in_words_for_a_form(typed):
    with pytest.raises(InvalidAddress, match="e-mail address") as refused:
        Address.parse(typed)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 80


@pytest.mark.parametrize(
    ("local_part", "octets", "taken"),
    [
        pytest.param("a" * 64, 64, True, id="64 octets"),
        pytest.param("a" * 65, 65, False, id="65 octets"),
        pytest.param("é" * 32, 64, True, id="64 octets in 32 letters"),
        pytest.param("é" * 32 + "a", 65, False, id="65 octets in 33 letters"),
        pytest.param("例" * 21 + "a", 64, True, id="64 octets in 22 letters"),
        pytest.param("例" * 22, 66, False, id="66 octets in 22 letters"),
    ],
)
def test_a_local_part_has_at_most_64_octets(local_part, octets, taken):
    assert len(local_part.encode()) == octets
    assert _is_taken(f"{local_part}@example.org") is taken


@pytest.mark.parametrize(
    ("local_part", "octets", "taken"),
    [
        pytest.param("a" * 60, 254, True, id="254 octets"),
        pytest.param("a" * 61, 255, False, id="255 octets"),
        pytest.param("é" * 30, 254, True, id="254 octets in fewer letters"),
        pytest.param("é" * 30 + "a", 255, False, id="255 octets in fewer letters"),
    ],
)
def test_an_address_has_at_most_254_octets(local_part, octets, taken):
    address = f"{local_part}@{LONG_DOMAIN}"

    assert len(address.encode()) == octets
    assert _is_taken(address) is taken


def test_it_is_the_form_on_the_wire_that_may_not_be_too_long():
    domain = ".".join("".join(chr(0x4E00 + 97 * (10 * label + n)) for n in range(10)) for label in range(8)) + ".org"
    address = f"{'a' * 60}@{domain}"

    assert len(address) < 254 < len(wire_address(address))
    assert not _is_taken(address)


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_is_taken_is_one_line_and_can_be_written_to(local_part, domain):
    typed = f"{local_part}@{domain}.org"
    if not _is_taken(typed):
        return
    address = Address.parse(typed)

    assert address.text.isprintable()
    assert not set(' \t"<>,;:()\\[]') & set(address.text)
    assert address.text.count("@") == 1
    assert Address.parse(address.text) == address
    assert wire_address(address.text).rpartition("@")[2].isascii()


def _is_taken(typed):
    try:
        Address.parse(typed)
    except InvalidAddress:
        return False
    return True
