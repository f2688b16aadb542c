"""Lines of a text part: no wider than they may be, whatever the script."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.mail import wrapping
from newsletter.mail.wrapping import TEXT_WIDTH, width

pieces = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
    st.sampled_from(["–", "!", "戦闘は", "e\u0301", "\u00a0", "\n\n", "سلام", "👍🏽", "x" * 80]),
)
texts = st.lists(pieces, max_size=60).map(" ".join)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        pytest.param("Sudan", 5, id="ASCII"),
        pytest.param("Côte", 4, id="an accented letter"),
        pytest.param("Co\u0302te", 4, id="a letter and a combining accent"),
        pytest.param("スーダン", 8, id="Japanese"),
        pytest.param("수단", 4, id="Korean"),
        pytest.param("\u1109\u116e\u1103\u1161\u11ab", 4, id="the same in single letters"),
        pytest.param("السودان", 7, id="Arabic"),
        pytest.param("a\u200bb\u200ec", 3, id="marks that show nothing"),
        pytest.param("▼ Deteriorated", 14, id="an arrow"),
    ],
)
def test_how_many_columns_a_text_takes(text, columns):
    assert width(text) == columns


@given(texts, st.sampled_from(["", "  ", "> "]), st.sampled_from([None, "* ", "Longer: "]))
@example("戦闘は " * 30, "", None)
@example("e\u0301" * 71 + " e", "", None)
def test_wrapping_keeps_every_word_and_the_width(text, indent, first):
    wrapped = wrapping.wrap(text, indent, first).split("\n")

    begun = [indent if first is None else first, *[indent] * (len(wrapped) - 1)]
    bare = [line.removeprefix(start.rstrip()).strip() for line, start in zip(wrapped, begun, strict=True)]
    assert " ".join(bare).split() == text.split()
    assert all(line == line.rstrip() for line in wrapped)
    assert [
        line
        for line, words in zip(wrapped, bare, strict=True)
        if width(line) > TEXT_WIDTH and len(wrapping.words(words)) > 1
    ] == []


def test_wide_characters_are_wrapped_by_what_they_take():
    assert [len(line) for line in wrapping.wrap("戦闘は続く " * 14).split("\n")] == [35, 35, 11]


def test_what_has_no_width_leaves_a_line_as_long_as_it_looks():
    assert wrapping.wrap("e\u0301" * 35 + " " + "e\u0301" * 36).count("\n") == 0


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 70 + " – and", id="a dash stays with the word before it"),
        pytest.param("x" * 70 + " - and", id="a hyphen for a dash too"),
        pytest.param("x" * 71 + " ! and", id="and a sign behind a space, as in French"),
    ],
)
def test_no_line_begins_with_a_sign_that_stands_alone(text):
    assert wrapping.wrap("word " + text).split("\n") == ["word", text.removesuffix(" and"), "and"]


def test_a_row_of_dashes_is_wrapped_all_the_same():
    assert [len(line) for line in wrapping.wrap("- " * 60).split("\n")] == [71, 47]


def test_words_that_are_held_together_stay_so():
    assert wrapping.wrap("word " * 13 + "12\u00a0November").split("\n")[1] == "12\u00a0November"


def test_paragraphs_stay_apart_in_a_quote_too():
    assert wrapping.wrap("one\n\n\ntwo\nthree", "> ") == "> one\n>\n> two three"


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_nothing_is_no_line(text):
    assert wrapping.wrap(text, "  ") == ""
