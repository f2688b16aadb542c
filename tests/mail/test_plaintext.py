"""An editor's Markdown as text: everything that was written, in lines that a person likes to read."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.mail.markup import to_html
from newsletter.mail.plaintext import LinkList, to_text
from newsletter.mail.wrapping import TEXT_WIDTH, width

LONG = "A sentence that is too long for a line of seventy-two columns, and so is wrapped."

SIGNS = [*"ab *_`>-#!~\n\\", "\n\n", "\n- ", "\n1. ", "\n> ", "    ", "```\n", "](", "[", "![", " – "]
WORDS = ["word", "戦闘", "e\u0301", "سلام", "&nbsp;", "&#10;", "&#0;", "<https://a.example>", "(https://example.org)"]
written = st.lists(st.sampled_from([*SIGNS, *WORDS]), max_size=60).map("".join)


def text_of(markdown: str) -> str:
    return to_text(markdown, links=LinkList())


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        pytest.param("One.\n\nTwo.", "One.\n\nTwo.", id="paragraphs"),
        pytest.param("one\ntwo", "one two", id="a line break is a space"),
        pytest.param("one  \ntwo\\\nthree", "one\ntwo\nthree", id="a hard break is kept"),
        pytest.param("*a* and **b** and ***c***", "*a* and *b* and *c*", id="emphasis"),
        pytest.param("**a *b* c**", "*a b c*", id="emphasis within emphasis"),
        pytest.param("- a\n- b", "- a\n- b", id="a list"),
        pytest.param("* a\n\n* b", "- a\n\n- b", id="a list with space in it"),
        pytest.param("3. a\n3. b", "3. a\n4. b", id="numbers go on from the first"),
        pytest.param("9) a\n10) b", " 9) a\n10) b", id="numbers stand below each other"),
        pytest.param("- a\n  1. b\n     - c\n- d", "- a\n  1. b\n     - c\n- d", id="a list in a list"),
        pytest.param("- a\n\n  b\n- c", "- a\n\n  b\n\n- c", id="an item of two paragraphs"),
        pytest.param("-\n- b", "-\n- b", id="an empty item"),
        pytest.param("> a\n>\n> b\n> > c", "> a\n>\n> b\n>\n> > c", id="quotes"),
        pytest.param("> - a\n> - b", "> - a\n> - b", id="a list in a quote"),
        pytest.param("a `b  c` d", "a `b  c` d", id="code in a line"),
        pytest.param("```py\nif a:\n\n    b\n```", "    if a:\n\n        b", id="code in lines"),
        pytest.param("> ```\n> a\n>\n> b\n> ```", ">     a\n>\n>     b", id="code in a quote"),
        pytest.param("# A\n\nb", "A\n\nb", id="a heading is a paragraph"),
        pytest.param("a\n\n---\n\nb", "a\n\nb", id="a rule is left out"),
        pytest.param("a ![the *map* of Sudan](m.png)", "a the map of Sudan", id="a picture is what it shows"),
        pytest.param("![a\\\nb](m.png)", "a b", id="a line break in what it shows is a space"),
        pytest.param("a\n\n![](m.png)\n\nb", "a\n\nb", id="a picture without words is left out"),
        pytest.param("&lt;b&gt; &amp; &eacute; \\*", "<b> & é *", id="entities and escapes"),
        pytest.param("<b>a</b>", "<b>a</b>", id="HTML is the text that it is"),
        pytest.param("a&#10;&#10;b", "a b", id="an entity makes no line"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_an_editor_may_write(markdown, text):
    assert text_of(markdown) == text


@pytest.mark.parametrize(
    ("markdown", "text", "lines"),
    [
        pytest.param("[a b](https://x.org/?a=b&c).", "a b [1].", ["[1] https://x.org/?a=b&c"], id="words and a number"),
        pytest.param("**[a](https://x.org)**", "*a [1]*", ["[1] https://x.org"], id="within emphasis"),
        pytest.param("[*a* `b`](https://x.org)", "*a* `b` [1]", ["[1] https://x.org"], id="emphasis within"),
        pytest.param("[a][1]\n\n[1]: https://x.org", "a [1]", ["[1] https://x.org"], id="by reference"),
        pytest.param("[![a map](m.png)](https://x.org)", "a map [1]", ["[1] https://x.org"], id="on a picture"),
        pytest.param("<https://x.org/é>", "<https://x.org/%C3%A9>", [], id="an address alone is shown once"),
        pytest.param("[https://x.org](https://x.org)", "<https://x.org>", [], id="an address as its own words too"),
        pytest.param("[](https://x.org)", "<https://x.org>", [], id="no words"),
        pytest.param("<a@x.org>", "<a@x.org>", [], id="a mail address"),
        pytest.param("[us](mailto:a@x.org)", "us [1]", ["[1] mailto:a@x.org"], id="words for a mail address"),
        pytest.param("[x.org](https://y.org)", "x.org [1]", ["[1] https://y.org"], id="where it leads is told"),
        pytest.param("[a](ftp://x.org) [b](c) [d](javascript:x)", "a b [d](javascript:x)", [], id="what is no link"),
    ],
)
def test_a_link_is_its_words_and_a_number(markdown, text, lines):
    links = LinkList()

    assert to_text(markdown, links=links) == text
    assert links.lines() == lines


def test_numbers_go_on_from_text_to_text_and_an_address_has_one():
    links = LinkList(start=3)

    assert to_text("[a](https://x.org) [b](https://y.org) [c](https://x.org)", links=links) == "a [3] b [4] c [3]"
    assert to_text("[d](https://y.org) [e](https://z.org)", links=links) == "d [4] e [5]"
    assert links.lines() == ["[3] https://x.org", "[4] https://y.org", "[5] https://z.org"]


def test_lines_hang_below_their_words_wherever_they_stand():
    markdown = f"{LONG}\n\n- {LONG}\n\n  1. {LONG}\n\n> {LONG}"

    assert to_text(markdown, indent="  ", first="* ", links=LinkList()) == (
        dedent("""
        * A sentence that is too long for a line of seventy-two columns, and so
          is wrapped.

          - A sentence that is too long for a line of seventy-two columns, and
            so is wrapped.

            1. A sentence that is too long for a line of seventy-two columns,
               and so is wrapped.

          > A sentence that is too long for a line of seventy-two columns, and
          > so is wrapped.
        """).strip()
    )


def test_an_address_is_never_broken_and_a_number_stays_with_its_word():
    url = f"https://example.org/a-b/{'c-' * 40}"

    assert f"\n<{url}>\n" in text_of(f"See the report at <{url}> for the rest.")
    assert text_of(f"{'word ' * 13}[report](https://example.org)").split("\n")[1] == "report [1]"


def test_a_long_line_of_code_is_left_as_it_is():
    assert text_of(f"    {LONG} {LONG}") == f"    {LONG} {LONG}"


def test_emphasis_in_any_depth_is_taken():
    assert text_of("*" * 3001 + "a" + "*" * 3001) == "*a*"


def test_right_to_left_text_is_left_alone():
    assert text_of("اندلع القتال **في الشمال** أمس.") == "اندلع القتال *في الشمال* أمس."


@settings(deadline=None)
@given(written)
def test_every_word_of_the_html_is_in_the_text_and_no_line_is_untidy(markdown):
    links = LinkList()
    text = to_text(markdown, indent="  ", links=links)

    assert all(line == line.rstrip() for line in text.split("\n"))
    assert "\0" not in text
    html = to_html(markdown)
    assert "\n\n\n" not in text or "<code>" in html, "two blank lines, and not in code"
    shown = re.sub(r"<[^>]*>", " ", html).split()
    assert [word for word in shown if re.fullmatch(r"[a-z]{4}", word) and word not in text] == []


@given(
    st.lists(st.sampled_from(["word", "**strong words**", "戦闘", "e\u0301", "[a](https://example.org)"]), max_size=80)
)
def test_no_line_is_wider_than_it_may_be(parts):
    text = to_text("> - " + " ".join(parts), links=LinkList())

    assert max(map(width, text.split("\n"))) <= TEXT_WIDTH
