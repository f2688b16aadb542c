"""Header fields: whatever the text, one field that reads back as it was meant (RFC 5322, RFC 2047)."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime
from email import policy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.mail import headers

LONGEST_LINE = 998  #: octets without CR LF (RFC 5322, 2.1.1)
_BETWEEN_WORDS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

texts = st.one_of(
    st.text(),
    st.text(st.characters(codec="utf-8"), min_size=60, max_size=200),
    st.lists(st.sampled_from([*'a ",\\:é', "=?utf-8?q?x?=", "\r\n", "例え", "\0", "\x9b", "<x@y>"])).map("".join),
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
    assert words_of(read_back(headers.field("Subject", text), "Subject")) == words_of(text)


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
        pytest.param("w" * 60 + " " + "v" * 60, b"Subject: " + b"w" * 60 + b"\r\n " + b"v" * 60 + b"\r\n", id="folded"),
    ],
)
def test_how_a_field_is_written(text, field):
    assert headers.field("Subject", text) == field


def test_a_long_url_is_neither_folded_nor_encoded():
    url = f"<https://updates.example.org/unsubscribe/{'t' * 300}>"

    assert headers.structured("List-Unsubscribe", f"{url},", "<mailto:a@example.org>") == (
        f"List-Unsubscribe: {url},\r\n <mailto:a@example.org>\r\n".encode()
    )


def test_a_date():
    assert headers.date(datetime(2022, 12, 1, 9, 0, tzinfo=UTC)) == b"Date: Thu, 01 Dec 2022 09:00:00 +0000\r\n"
