"""Signatures that a verifier not ours takes (dkimpy), over the mails that we send; and keys as DNS shows them."""

from __future__ import annotations

import email
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parseaddr
from functools import cache

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)
from dkim.canonicalization import Simple
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.errors import InvalidInput, SettingsError
from newsletter.mail.dkim import Algorithm, Key, Signer, dns_name, dns_record, zone_line
from newsletter.mail.pictures.picture import PictureMode
from newsletter.services.specimens import Specimens
from tests.mail.publisher import PUBLICATION

AT = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
DOMAIN = "example.org"


def specimens(pictures: PictureMode) -> Specimens:
    return Specimens(
        replace(PUBLICATION, sender_name="Updates — Österreich", sender_address=f"updates@{DOMAIN}", pictures=pictures)
    )


SPECIMENS = specimens(PictureMode.HOSTED)
MAILS = list(SPECIMENS.titles)
KEPT = ("welcome", "welcome-first", "manage-link", "alert")  #: the notices to people who are on the list
SIMPLE = b"From: Updates <updates@example.org>\r\nTo: ada@example.org\r\nSubject: News\r\n\r\nSome words.\r\n"


@cache
def mail(name: str) -> bytes:
    return SPECIMENS.get(name).source


@cache
def key(algorithm: Algorithm) -> Key:
    return Key.generate(f"{algorithm}1", algorithm)


RSA = Algorithm.RSA
ED25519 = Algorithm.ED25519
EITHER_AND_BOTH = pytest.mark.parametrize(
    "algorithms", [(RSA,), (ED25519,), (RSA, ED25519)], ids=["rsa", "ed25519", "both"]
)


def signed(message: bytes, *algorithms: Algorithm, domain: str = DOMAIN, at: datetime = AT) -> bytes:
    return Signer(domain, [key(each) for each in algorithms or (RSA, ED25519)]).sign(message, at=at) + message


def look_up(name: bytes, timeout: float = 5) -> bytes:
    """The TXT record of a test key, joined from the strings of its line in a zone file; any domain has it."""
    selector, _, domain = name.decode().partition("._domainkey.")
    [found] = [each for each in Algorithm if key(each).selector == selector]
    owner, _, strings = zone_line(key(found), domain).partition(" IN TXT ")
    assert owner == name.decode()
    return "".join(re.findall(r'"([^"]*)"', strings)).encode()


class _Curve:
    """What dkimpy asks of PyNaCl, which we don't have, done by cryptography: one signature over one hash."""

    def __init__(self, record: bytes) -> None:
        found = re.fullmatch(rb"v=DKIM1; k=ed25519; p=([A-Za-z0-9+/]{43}=)", record)
        if found is None:
            raise dkim.KeyFormatError(f"no record of an Ed25519 key: {record!r}")
        self.public = Ed25519PublicKey.from_public_bytes(b64decode(found[1]))
        self.valid = False

    def verify(self, hashed: bytes, signature: bytes) -> None:
        try:
            self.public.verify(signature, hashed)
        except InvalidSignature:
            return
        self.valid = True


class _Verifier(dkim.DKIM):
    def verify_sig(self, sig, include_headers, sig_header, dnsfunc):
        if sig[b"a"] != b"ed25519-sha256":
            return super().verify_sig(sig, include_headers, sig_header, dnsfunc)
        self.pk = curve = _Curve(dnsfunc(sig[b"s"] + b"._domainkey." + sig[b"d"] + b"."))
        self.keysize, self.ktag, self.seqtlsrpt = 256, b"ed25519", False
        return self.verify_sig_process(sig, include_headers, sig_header, dnsfunc) and curve.valid


def verdicts(message: bytes) -> list[bool]:
    """Whether each signature of a message holds, from the top."""
    try:
        count = sum(name.lower() == b"dkim-signature" for name, _ in dkim.rfc822_parse(message)[0])
    except dkim.MessageFormatError:
        return [False]
    found = []
    for number in range(count):
        try:
            found.append(bool(_Verifier(message).verify(number, dnsfunc=look_up)))
        except dkim.DKIMException:
            found.append(False)
    return found


def tags(message: bytes, number: int = 0) -> dict[str, str]:
    """The tags of one of a message's signatures, without folds."""
    field = email.message_from_bytes(message).get_all("DKIM-Signature")[number]
    parts = (part.partition("=") for part in field.split(";"))
    return {name.strip(): re.sub(r"\s", "", value) for name, _, value in parts}


@EITHER_AND_BOTH
@pytest.mark.parametrize("name", MAILS)
def test_every_mail_verifies(name, algorithms):
    assert verdicts(signed(mail(name), *algorithms)) == [True] * len(algorithms)


def test_a_digest_that_carries_its_pictures_verifies():
    message = specimens(PictureMode.INLINE).get("digest-few").source

    assert b"Content-ID:" in message
    assert verdicts(signed(message)) == [True, True]


def test_an_address_beyond_ascii_is_signed_as_it_is():
    message = SIMPLE.replace(b"ada@", "zoë@".encode())

    assert verdicts(signed(message)) == [True, True]


@EITHER_AND_BOTH
def test_a_repeat_has_the_same_bytes(algorithms):
    once, again = (
        Signer(DOMAIN, [Key.load(key(each).selector, key(each).pem()) for each in algorithms]) for _ in range(2)
    )

    assert once.sign(mail("digest-few"), at=AT) == again.sign(mail("digest-few"), at=AT)


def test_a_signature_says_what_it_has_to_and_no_more():
    message = signed(mail("digest-few"))
    first, second = tags(message), tags(message, 1)

    assert first.keys() == second.keys() == {"v", "a", "c", "d", "s", "t", "bh", "h", "b"}
    assert (first["a"], first["s"]) == ("rsa-sha256", "rsa1")
    assert (second["a"], second["s"]) == ("ed25519-sha256", "ed255191")
    assert first["c"] == "relaxed/simple"
    assert first["d"] == DOMAIN
    assert first["t"] == str(int(AT.timestamp()))


@pytest.mark.parametrize("name", MAILS)
def test_what_a_client_shows_or_obeys_is_signed(name):
    message = signed(mail(name))
    listed = tags(message)["h"].lower().split(":")
    present = [field.lower() for field in email.message_from_bytes(mail(name)).keys()]  # noqa: SIM118 (a mail's fields)

    left_out = {"precedence", "x-auto-response-suppress"}
    assert set(present) - set(listed) <= left_out
    assert {field for field in present if field.startswith("list-")} <= set(listed)
    assert listed.count("from") == present.count("from") + 1


def test_lines_are_short_and_end_with_crlf():
    fields = Signer(DOMAIN, [key(RSA), key(ED25519)]).sign(mail("digest-few"), at=AT)
    lines = fields.split(b"\r\n")

    assert lines.pop() == b""
    assert max(len(line) for line in lines) <= 78
    assert all(line.startswith((b"DKIM-Signature: ", b" ")) and line.strip() for line in lines)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", fields)


@pytest.mark.parametrize("name", MAILS)
def test_a_body_has_nothing_that_a_relay_would_tidy(name):
    """Why the body need not be relaxed: white space at the ends of lines is what is known to get lost on the way."""
    body = mail(name).partition(b"\r\n\r\n")[2]

    assert not re.search(rb"[ \t]\r\n", body)
    assert Simple.canonicalize_body(body) == body


@EITHER_AND_BOTH
def test_a_changed_octet_in_the_header_breaks_the_signatures(algorithms):
    head = mail("digest-few").partition(b"\r\n\r\n")[0] + b"\r\n"
    message = head + b"\r\nSome words.\r\n"
    fields = signed(message, *algorithms).removesuffix(message)
    unsigned = re.search(rb"(?m)^Precedence: .*\r\n", head).span()

    survived = [
        place
        for place in range(0, len(head), 1 if algorithms == (ED25519,) else 7)
        # A changed CR or LF is no e-mail any more, and is for the relay to mend or to refuse.
        if head[place] >= 32 and not unsigned[0] <= place < unsigned[1]
        if any(verdicts(fields + message[:place] + bytes([head[place] ^ 1]) + message[place + 1 :]))
    ]

    assert survived == []


@EITHER_AND_BOTH
def test_a_changed_octet_in_the_body_breaks_the_signatures(algorithms):
    message = mail("digest-few")
    fields = signed(message, *algorithms).removesuffix(message)
    start = message.index(b"\r\n\r\n") + 4

    for place in {start, len(message) - 1, *range(start, len(message), 997)}:
        changed = message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]
        assert not any(verdicts(fields + changed)), place
    assert not any(verdicts(fields + message + b"More.\r\n"))


@pytest.mark.parametrize(
    ("tag", "changed"),
    [
        ("t", "t=1669885201"),
        ("d", "d=example.com"),
        ("h", "h=from"),
        ("c", "c=relaxed/relaxed"),
        ("s", "s=rsa1"),
    ],
)
def test_a_changed_tag_breaks_the_signature(tag, changed):
    message = signed(mail("digest-few"), ED25519)
    edited = re.sub(rb"\b%b=[^;]*;" % tag.encode(), changed.encode() + b";", message, count=1)

    assert edited != message
    assert verdicts(edited) == [False]


@pytest.mark.parametrize(
    "field",
    [
        "From: Somebody Else <else@example.com>",
        "To: somebody.else@example.com",
        "Cc: somebody.else@example.com",
        "Reply-To: somebody.else@example.com",
        "Subject: Something else",
        "Date: Fri, 02 Dec 2022 09:00:00 +0000",
        "Message-ID: <else@example.com>",
        "Content-Type: text/html",
        "Content-Transfer-Encoding: base64",
        "List-Unsubscribe: <https://example.com/else>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ],
)
@pytest.mark.parametrize("name", ["digest-few", "confirmation"])
def test_a_field_put_on_top_breaks_the_signatures(name, field):
    message = signed(mail(name))

    assert verdicts(f"{field}\r\n".encode() + message) == [False, False]
    fields, _, rest = message.partition(b"Message-ID: ")
    assert verdicts(fields + f"{field}\r\nMessage-ID: ".encode() + rest) == [False, False]


def test_what_relays_do_on_the_way_does_no_harm():
    message = signed(mail("digest-few"))
    folded = re.sub(rb"(?m)^Subject: (\S+) ", rb"SUBJECT:   \1\r\n\t ", message)
    travelled = b"Return-Path: <bounce@example.org>\r\nReceived: from a by b;\r\n\tFri, 02 Dec 2022\r\n" + folded

    assert folded != message
    assert verdicts(travelled + b"\r\n\r\n") == [True, True]


NAMES = ("To", "cc", "Subject", "sUBJECT", "Date", "List-Id", "LIST-HELP", "X-Odd", "Received", "References")
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x85"), max_size=12)
VALUES = st.lists(st.tuples(WORDS, st.sampled_from(["", " ", "  ", "\t", " \t ", "\r\n ", "\r\n\t", "\r\n  \r\n "])))
LINES = st.lists(st.binary(max_size=20).map(lambda line: re.sub(rb"[\r\n]", b"", line)), max_size=6)


def written(name: str, value: Sequence[tuple[str, str]]) -> bytes:
    return f"{name}:{''.join(word + gap for word, gap in value)}\r\n".encode()


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8),
    VALUES,
    LINES,
    st.integers(0, 3),
)
@example([], [], [], 0)
@example([("To", [("", "\r\n "), ("", "\r\n  \r\n ")])], [("", "")], [b"", b"", b" ", b"\t x  y "], 3)
def test_odd_fields_and_bodies_verify(fields, sender, lines, ends):
    head = [written(name, value) for name, value in fields]
    head.insert(len(head) // 2, written("From", sender))
    message = b"".join(head) + b"\r\n" + b"\r\n".join(lines) + b"\r\n" * ends

    assert verdicts(signed(message)) == [True, True]


HTTPS = b"List-Unsubscribe: <https://updates.example.org/unsubscribe/x>\r\n"
MAILTO = b"List-Unsubscribe: <mailto:updates@example.org?subject=unsubscribe>\r\n"
ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def gmail_shows_the_button(message: bytes) -> bool:
    """Gmail's rule for one-click unsubscribing: RFC 8058, 4 in the words of its guidelines for senders."""
    parsed = email.message_from_bytes(message)
    if not re.search(r"<https://[^>\s]+>", parsed.get("List-Unsubscribe", "")):
        return False
    if parsed.get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click":
        return False
    home = parseaddr(parsed["From"])[1].rpartition("@")[2]
    for number, valid in enumerate(verdicts(message)):
        found = tags(message, number)
        is_aligned = home == found["d"] or home.endswith(f".{found['d']}")
        covered = {"list-unsubscribe", "list-unsubscribe-post"} <= set(found["h"].lower().split(":"))
        if valid and is_aligned and covered:
            return True
    return False


@pytest.mark.parametrize("name", [name for name in MAILS if name.startswith("digest") or name in KEPT])
def test_gmail_shows_the_unsubscribe_button(name):
    assert gmail_shows_the_button(signed(mail(name)))
    assert gmail_shows_the_button(signed(mail(name), RSA))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: mail("digest-few"), id="not signed"),
        pytest.param(lambda: signed(mail("digest-few"), domain="example.com"), id="signed by somebody else"),
        pytest.param(lambda: signed(mail("digest-few")) + b"More.\r\n", id="the signature is broken"),
        pytest.param(lambda: signed(mail("confirmation")), id="from no list"),
        pytest.param(lambda: HTTPS + signed(ONE_CLICK + SIMPLE), id="added afterwards"),
        pytest.param(lambda: signed(MAILTO + ONE_CLICK + SIMPLE), id="without https"),
        pytest.param(lambda: signed(HTTPS + ONE_CLICK.replace(b"=", b" = ") + SIMPLE), id="with other words"),
    ],
)
def test_the_rule_for_the_button_can_fail(make):
    assert gmail_shows_the_button(signed(HTTPS + ONE_CLICK + SIMPLE))
    assert not gmail_shows_the_button(make())


@pytest.mark.parametrize(
    ("message", "told"),
    [
        pytest.param(b"To: ada@example.org\r\n\r\nWords\r\n", "0 From fields", id="no From"),
        pytest.param(b"FROM: else@example.org\r\n" + SIMPLE, "2 From fields", id="two of them"),
        pytest.param(b"From: a@example.org\r\n", "without an empty line", id="no body"),
    ],
)
def test_a_message_that_can_not_be_vouched_for_is_refused(message, told):
    with pytest.raises(InvalidInput, match=told):
        Signer(DOMAIN, [key(ED25519)]).sign(message, at=AT)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Signer(DOMAIN, [key(ED25519)]).sign(SIMPLE, at=datetime(2022, 12, 1))  # noqa: DTZ001 (that is the point)


def test_a_domain_is_signed_for_as_dns_writes_it():
    assert tags(signed(SIMPLE, ED25519, domain=" News.Example.ORG. "))["d"] == "news.example.org"


@pytest.mark.parametrize(
    "domain", ["", ".", "a b.example", "example.org; x=1", "bücher.example", f"{'a' * 64}.example"]
)
def test_a_domain_that_is_none_is_refused(domain):
    with pytest.raises(SettingsError, match="is no domain to sign for"):
        Signer(domain, [key(ED25519)])


def test_a_signer_without_a_key_is_refused():
    with pytest.raises(SettingsError, match="newsletter dkim keygen"):
        Signer(DOMAIN, [])


def pem(private, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return private.private_bytes(Encoding.PEM, form, lock)


def test_keys_are_read_in_the_older_form_too():
    old = pem(key(RSA).private, PrivateFormat.TraditionalOpenSSL)

    assert old.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    assert dns_record(Key.load("s1", old)) == dns_record(key(RSA))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(bytes, "is no private key in PEM", id="nothing"),
        pytest.param(lambda: b"hidden", "is no private key in PEM", id="no PEM"),
        pytest.param(lambda: key(RSA).pem()[:300], "is no private key in PEM", id="cut off"),
        pytest.param(
            lambda: key(RSA).private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "is no private key in PEM",
            id="the public half",
        ),
        pytest.param(lambda: pem(key(ED25519).private, password=b"hidden"), "locked by a password", id="locked"),
        pytest.param(lambda: pem(ec.generate_private_key(ec.SECP256R1())), "use RSA or Ed25519", id="another kind"),
        pytest.param(
            lambda: pem(rsa.generate_private_key(65537, 1024)),
            "RSA of 1024 bits, which receivers may not trust",
            id="short",
        ),
    ],
)
def test_a_key_that_can_not_be_used_is_told_and_not_shown(make, told):
    with pytest.raises(SettingsError, match=told) as caught:
        Key.load("news1", make())

    assert "news1" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert "PRIVATE KEY-" not in str(caught.value)


def rsa_of_two_mersenne_primes() -> rsa.RSAPrivateKey:
    """4484 bits, without the seconds that it takes to look for primes of that size."""
    p, q, e = 2**2203 - 1, 2**2281 - 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(e, p * q)
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def test_a_key_that_is_longer_than_receivers_must_take_is_refused():
    with pytest.raises(SettingsError, match="RSA of 4484 bits, which receivers may not be able to check"):
        Key("news1", rsa_of_two_mersenne_primes())


@pytest.mark.parametrize("selector", ["", "a b", "a;d=example.com", "-a", "a..b", "ä", "a\r\nb", "a" * 64])
def test_a_selector_that_is_none_is_refused(selector):
    with pytest.raises(SettingsError, match="is no DKIM selector"):
        Key(selector, key(ED25519).private)


def test_a_key_shows_nothing_secret():
    assert repr(key(RSA)) == "Key(selector='rsa1')"


def test_the_record_of_the_example_in_rfc_8463():
    seed = b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    example_key = Key("brisbane", Ed25519PrivateKey.from_private_bytes(seed))

    assert dns_name(example_key, "football.example.com") == "brisbane._domainkey.football.example.com"
    assert dns_record(example_key) == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def test_the_record_of_an_rsa_key_holds_its_public_half():
    front, _, public = dns_record(key(RSA)).partition("p=")

    assert front == "v=DKIM1; k=rsa; "
    assert load_der_public_key(b64decode(public)) == key(RSA).private.public_key()


@pytest.mark.parametrize(("algorithm", "count"), [(RSA, 2), (ED25519, 1)])
def test_a_line_of_a_zone_file_has_strings_that_fit(algorithm, count):
    line = zone_line(key(algorithm), DOMAIN)
    strings = re.findall(r'"([^"]*)"', line)

    assert line.startswith(f"{algorithm}1._domainkey.example.org. IN TXT ")
    assert len(strings) == count
    assert max(map(len, strings)) <= 255
    assert "".join(strings) == dns_record(key(algorithm))
