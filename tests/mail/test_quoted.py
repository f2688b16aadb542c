"""Quoted-printable pieces: joined in any order they say what their texts say (RFC 2045, 6.7)."""

from __future__ import annotations

import quopri

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.mail import quoted

texts = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.lists(st.sampled_from([*"aé例 \t\n\r.=\0", "\r\n", "From ", "--x"]), max_size=90).map("".join),
    st.integers(70, 160).map("a".__mul__),
)


def as_read(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.lists(texts, max_size=5))
@example(["a" * 76, "b"])
@example(["é" * 76, "é"])
@example(["a" * 75 + " ", "b"])
@example(["a" * 72 + "é"])
@example(["\n", "", ".", "\n"])
@example(["tail ", "\n"])
@example(["a" * 74 + " \n"])
@example(["." * 74 + "\t\n"])
@example(["é" * 12 + "aaa \nb"])
@example(["." * 200])
@example(["." + "a" * 75 + "\n"])
@example(["a" * 75 + "." * 80])
@example(["." + "é" * 12 + "aa\n"])
def test_pieces_decode_to_their_joined_texts_in_lines_of_at_most_76_octets(pieces):
    joined = b"".join(quoted.encode(piece) for piece in pieces)

    decoded = quopri.decodestring(joined.replace(b"\r\n", b"\n")).decode()
    assert decoded == as_read("".join(as_read(piece) for piece in pieces))
    lines = joined.split(b"\r\n")
    assert lines[-1] == b"", "a piece ends a line"
    assert all(len(line) <= 76 for line in lines)
    assert not any(line.endswith((b" ", b"\t")) for line in lines), "relays strip white space at a line's end"
    assert not any(line.startswith(b".") for line in lines), "or the message would need dot-stuffing"
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)
    assert joined.isascii()
    assert b"\0" not in joined


@pytest.mark.parametrize("end", ["", " ", " \n", "\t\n", ".", "é", " é\n"], ids=repr)
@pytest.mark.parametrize("start", ["", ".", "é"])
def test_a_line_of_any_length_has_room_for_what_is_added_at_its_end(start, end):
    for length in range(68, 82):
        text = start + "a" * length + end
        piece = quoted.encode(text)

        assert max(map(len, piece.split(b"\r\n"))) <= 76, length
        assert quopri.decodestring(piece.replace(b"\r\n", b"\n")) == text.encode(), length


def test_nothing_is_nothing():
    assert quoted.encode("") == b""


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        pytest.param("one\ntwo\n", b"one\r\ntwo\r\n", id="line ends stay"),
        pytest.param("one", b"one=\r\n", id="a text within a line ends with a soft break"),
        pytest.param("a=b", b"a=3Db=\r\n", id="the sign itself"),
        pytest.param("é\n", b"=C3=A9\r\n", id="UTF-8"),
        pytest.param("a \n", b"a=20\r\n", id="a space at a line's end"),
    ],
)
def test_how_a_piece_is_written(text, piece):
    assert quoted.encode(text) == piece
