"""Header fields: whatever the text, one field that reads back as it was meant (RFC 5322, RFC 2047)."""

from __future__ import annotations

import base64
import email
import quopri
import re
from datetime import UTC, datetime
from email import policy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.mail import headers

LONGEST_ENCODED_LINE = 76  #: RFC 2047, 2
LONGEST_LINE = 998  #: octets without CR LF (RFC 5322, 2.1.1)
ENCODED_WORD = re.compile(r"=\?utf-8\?([qb])\?([!-<>@-~]*(?:=[!-<>@-~]*)*)\?=")
_BETWEEN_WORDS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

texts = st.one_of(
    st.text(),
    st.text(st.characters(codec="utf-8"), min_size=60, max_size=200),
    st.lists(st.sampled_from([*'a ",\\:é', "=?utf-8?q?x?=", "\r\n", "例え", "\0", "\x9b", "<x@y>"])).map("".join),
    st.lists(st.sampled_from(["risk", "alert:", "Côte", "d’Ivoire;", "–", "更新情報", "e\u0301", "👨‍👩‍👧", "=?"])).map(
        " ".join
    ),
    st.integers(1, 1200).map("x".__mul__),
)


def words_of(text: str) -> str:
    """The text with each run of white space and controls as one space, as a reader sees it."""
    return _BETWEEN_WORDS.sub(" ", text).strip()


def read_back(field: bytes, name: str) -> str:
    """The value as a mail client decodes it, once the bytes are one well-formed field."""
    assert field.endswith(b"\r\n")
    lines = field.removesuffix(b"\r\n").split(b"\r\n")
    assert lines[0].startswith(f"{name}:".encode())
    assert all(line.startswith(b" ") for line in lines[1:]), "a line begins another field"
    assert all(line.strip() for line in lines[1:]), "a line of white space alone ends no header (RFC 5322, 3.2.2)"
    assert all(len(line) <= LONGEST_LINE for line in lines)
    assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\xff]", field)
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)
    message = email.message_from_bytes(field + b"X-Next: 1\r\n\r\nbody\r\n", policy=policy.default)
    assert list(message) == [name, "X-Next"]
    assert message.get_content().strip() == "body"
    return str(message[name])


def unfolded(field: bytes) -> str:
    return field.decode("ascii").replace("\r\n", "").partition(": ")[2]


def decoded(value: str) -> str:
    """What RFC 2047 says of a value: white space between two encoded-words is no part of it, each is decoded alone."""
    joined = re.sub(r"\?=\s+(?==\?utf-8\?)", "?=", value)
    return ENCODED_WORD.sub(lambda word: decoded_word(*word.groups()), joined)


def decoded_word(encoding: str, text: str) -> str:
    octets = quopri.decodestring(text.encode(), header=True) if encoding == "q" else base64.b64decode(text)
    return octets.decode("utf-8")


@settings(deadline=None)
@given(texts)
@example("")
@example("Subject\r\nBcc: ada@example.org")
@example("=?utf-8?q?injected?= and more")
@example("x" * 899)
@example("x" * 2000)
@example("é" * 1000)
@example("word " * 400)
def test_any_text_is_one_field_that_reads_back(text):
    field = headers.field("Subject", text)

    assert words_of(read_back(field, "Subject")) == words_of(text)
    assert decoded(unfolded(field)) == words_of(text)


@settings(deadline=None)
@given(texts.filter(lambda text: all(len(word) <= 60 or not word.isascii() for word in words_of(text).split(" "))))
@example("Größere Gefechte in Bergkarabach, Waffenruhe hält nicht mehr überall " * 3)
@example("例え" * 200)
def test_lines_and_encoded_words_have_the_length_that_they_may_have(text):
    for field in (headers.field("Subject", text), headers.mailbox("From", text, "updates@example.org")):
        lines = field.decode("ascii").split("\r\n")
        if any(ENCODED_WORD.search(line) for line in lines):
            assert max(map(len, lines)) <= LONGEST_ENCODED_LINE
            assert all(len(word[0]) <= 75 for word in ENCODED_WORD.finditer(field.decode("ascii")))


@pytest.mark.parametrize(
    "character",
    [
        pytest.param("e\u0323\u0301", id="a letter with two accents"),
        pytest.param("👨‍👩‍👧", id="a family of emoji"),
        pytest.param("👍🏽", id="an emoji with a colour of skin"),
        pytest.param("🇰🇿", id="a flag"),
        pytest.param("नि", id="a letter with its vowel sign"),
        pytest.param("\u1112\u1161\u11ab", id="a syllable of Hangul in its letters"),
        pytest.param("❤️", id="a sign with a variation selector"),
    ],
)
@pytest.mark.parametrize("before", range(4))
def test_no_encoded_word_is_cut_within_a_character_as_readers_see_it(character, before):
    field = headers.field("Subject", "ж" * before + character * 40)

    pieces = [decoded_word(*word.groups()) for word in ENCODED_WORD.finditer(field.decode("ascii"))]
    assert len(pieces) > 2
    assert all(piece.strip("ж") == character * piece.count(character) for piece in pieces)


def test_a_character_that_is_longer_than_an_encoded_word_is_cut_all_the_same():
    text = "e" + "\u0301" * 300
    field = headers.field("Subject", text)

    assert max(map(len, field.decode("ascii").split("\r\n"))) <= LONGEST_ENCODED_LINE
    assert decoded(unfolded(field)) == text


@settings(deadline=None)
@given(texts)
@example("Updates, Inc.")
@example('"Country" \\ Updates')
@example('"' * 399)
@example('"' * 500)
@example("Updates\r\nBcc: bert@example.org")
@example("x" * 1100)
def test_any_name_makes_a_mailbox_with_the_address_and_nobody_elses(name):
    field = headers.mailbox("From", name, "updates@example.org")

    read_back(field, "From")
    [mailbox] = email.message_from_bytes(field, policy=policy.default)["From"].addresses
    assert mailbox.addr_spec == "updates@example.org"
    if ENCODED_WORD.search(field.decode("ascii")):
        assert decoded(unfolded(field)) == f"{words_of(name)} <updates@example.org>"
    # Between two encoded-words Python's parser leaves a space in a name, which RFC 2047, 6.2 takes out.
    assert "".join(words_of(mailbox.display_name).split()) == "".join(words_of(name).split())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("Plain words", b"Subject: Plain words\r\n", id="ASCII stays readable"),
        pytest.param("  a \r\n b  ", b"Subject: a b\r\n", id="a line break becomes a space"),
        pytest.param("a\0b\x9bc\x7fd", b"Subject: a b c d\r\n", id="controls become spaces"),
        pytest.param("Žilina", b"Subject: =?utf-8?q?=C5=BDilina?=\r\n", id="beyond ASCII an encoded-word"),
        pytest.param("=?utf-8?q?x?=", b"Subject: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?=\r\n", id="looks encoded"),
        pytest.param(
            "Risk alert for Côte d’Ivoire; 3 places",
            b"Subject: Risk alert for =?utf-8?b?Q8O0dGUgZOKAmUl2b2lyZTs=?= 3 places\r\n",
            id="only what is beyond ASCII, with the spaces within",
        ),
        pytest.param(
            "Žilina, Update, Genève",
            b"Subject: =?utf-8?b?xb1pbGluYSw=?= Update, =?utf-8?q?Gen=C3=A8ve?=\r\n",
            id="words between stay readable, and each is encoded as is shorter",
        ),
        pytest.param(
            "a =?x?= b", b"Subject: a =?utf-8?b?PT94Pz0=?= b\r\n", id="beside what looks encoded words stay readable"
        ),
        pytest.param(
            "Ceasefire holds no longer in жжжжжжжжжжжжжжжжжж",
            f"Subject: Ceasefire holds no longer in\r\n =?utf-8?b?{'0LbQttC2' * 6}?=\r\n".encode(),
            id="an encoded-word that fits a line is not cut",
        ),
        pytest.param("w" * 60 + " " + "v" * 60, b"Subject: " + b"w" * 60 + b"\r\n " + b"v" * 60 + b"\r\n", id="folded"),
    ],
)
def test_how_a_field_is_written(text, field):
    assert headers.field("Subject", text) == field


@pytest.mark.parametrize(
    ("before", "letters"),
    [
        pytest.param("Updates:", [16, 22, 22, 10], id="on the line where it stands"),
        pytest.param("w" * 40, [22, 22, 22, 4], id="but not at its very end"),
    ],
)
def test_a_text_that_takes_several_lines_fills_each(before, letters):
    field = headers.field("Subject", f"{before} {'ж' * 70}").decode("ascii")

    assert [len(decoded_word(*word.groups())) for word in ENCODED_WORD.finditer(field)] == letters


@pytest.mark.parametrize(
    ("name", "field"),
    [
        pytest.param("Country Updates", b"From: Country Updates <a@example.org>\r\n", id="plain"),
        pytest.param("Updates, Inc.", b'From: "Updates, Inc." <a@example.org>\r\n', id="in quotes"),
        pytest.param(
            "Updates of Genève",
            b"From: Updates of =?utf-8?q?Gen=C3=A8ve?= <a@example.org>\r\n",
            id="only what is beyond ASCII",
        ),
        pytest.param(
            "Žilina Updates, and (Sons)",
            b"From: =?utf-8?q?=C5=BDilina_Updates=2C?= and =?utf-8?b?KFNvbnMp?=\r\n <a@example.org>\r\n",
            id="and words that would need quotes",
        ),
    ],
)
def test_how_a_mailbox_is_written(name, field):
    assert headers.mailbox("From", name, "a@example.org") == field


def test_a_long_url_is_neither_folded_nor_encoded():
    url = f"<https://updates.example.org/unsubscribe/{'t' * 300}>"

    assert headers.structured("List-Unsubscribe", f"{url},", "<mailto:a@example.org>") == (
        f"List-Unsubscribe: {url},\r\n <mailto:a@example.org>\r\n".encode()
    )


def test_a_date():
    assert headers.date(datetime(2022, 12, 1, 9, 0, tzinfo=UTC)) == b"Date: Thu, 01 Dec 2022 09:00:00 +0000\r\n"
