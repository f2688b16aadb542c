"""Whatever editors may write and a publisher may set: hypothesis strategies, held to the program's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from hypothesis import strategies as st

from newsletter.config import _known
from newsletter.domain import overview as overviews
from newsletter.domain.edition import Contents, assemble
from newsletter.domain.month import Month
from newsletter.domain.update import MOST_DEVELOPMENTS, Alert, Development, Link, Quote, Trend, Update
from newsletter.errors import NewsletterError
from newsletter.storage.places import gazetteer

MONTH = Month(2022, 11)
PLACES = ("KZ", "SD", "CI", "TR", "ST", "AX", "KASHMIR", "ISRAEL-PALESTINE")
SENDERS = ("updates@example.org", "o'brien+news=1@mail.example.org", f"{'u' * 64}@{'d' * 60}.{'e' * 60}.example.org")

#: What means something to a client, a relay, a browser, or one of our own templates, parsers and pieces.
ATTACKS = {
    "the end of a message": "\n.\nQUIT\n..\n.",
    "a header field": "x\nBcc: eve@example.org\nContent-Type: text/html\n\n",
    "the end of a part": "\n--=_digest_2022-11--\n\n--=_related_2022-11--\n--=_digest_2022-11\n",
    "encoded words": "=?utf-8?q?x?= =?utf-8?b?eA==?= =2E =0D=0A. =\n",
    "tags": "</p></td></table></div></body></style><script>x</script><img src=x onerror=x><a href='javascript:x'>",
    "attributes": "\" onload=\"x ' onclick='x",
    "comments": "--><!-- <![endif]--> <!--cut-0:1:full--> <!--[if mso]> cut-0:slot:manage_url:",
    "entities": "&lt;b&gt; &#60;i&#62; &#0;&#10;&#13;&#x85;&nbsp;&amp;amp; &",
    "templates": "{{ 7 * 7 }}{% raw %}{# #}{% include 'x' %}",
    "Markdown": "# x\n\n* [a](javascript:x) ![i](http://x/?a=1&b=2)\n  1. `c` **b *i* b**  \n> q\n\n    code\n\n---\n",
    "links in Markdown": "[a](http://x/%0d%0aBcc:x 't\"') [<http://y>](http://z) [r]\n\n[r]: https://q/?<b>\n<mailto:a@b.org>",
    "lines without an end": "\u2028.\u2029..\u200b\ufeff\u00a0\u3000 \t \t\n \n",
    "Arabic, Hebrew and their marks": "\u202eهدنة \u2066שלום\u2069 \u200f. e\u0301\u0327 ",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🇰🇿✊🏽\ufe0f",
    "From": "From eve\n>From ",
}
#: Where lines and encoded words are folded, and what editors were seen to paste.
_LENGTHS = [2, 35, 70, 75, 76, 77, 78, 400, 998, 999, 10_000]

characters = st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\n\t")
texts = st.one_of(
    st.text(characters, max_size=120),
    st.text(st.sampled_from("aé例ا. =\n\t-<&>\"'[](){}*_`#|\\:/?\u00a0\u2028"), max_size=120),
    st.lists(st.sampled_from([*ATTACKS.values(), "word ", "."]), max_size=6).map("".join),
    st.builds("{0}{1}".format, st.text(characters, max_size=2), st.text(characters, min_size=1, max_size=4)).flatmap(
        lambda text: st.sampled_from(_LENGTHS).map(lambda length: (text * length)[:length])
    ),
)


def on_one_line(text: str) -> str:
    """A text as a field takes it that has one line, and must not be empty."""
    return text.replace("\n", " ") if text.strip() else "x"


lines = texts.map(on_one_line)
urls = st.one_of(
    texts.map(lambda text: f"https://example.org/{''.join(text.split())}"),
    st.sampled_from(['http://x/"><script>', "https://[::1]/'?a&b=<c>", "HTTP://é.example/#\u202e", "http://x/{{y}}"]),
)
days = st.sampled_from([date(2022, 11, 7), date(1, 1, 1), date(9999, 12, 31)])
developments = st.builds(Development, lines, texts)
quotes = st.builds(Quote, days, texts, texts, st.none() | texts, st.none() | texts)
links = st.builds(Link, days, lines, lines, urls).filter(lambda link: not link.problems())


@st.composite
def updates(draw: st.DrawFn, code: str) -> Update:
    """An update that can be stored."""
    update = Update(
        code,
        MONTH,
        draw(st.sampled_from(Trend)),
        headline=draw(lines),
        developments=tuple(draw(st.lists(developments, min_size=1, max_size=draw(st.sampled_from([1, 2, 2, 6]))))),
        alerts=draw(st.sampled_from([(), (), *((alert,) for alert in Alert), tuple(Alert)])),
        quotes=tuple(draw(st.lists(quotes, max_size=2))) * draw(st.sampled_from([1, 1, 1, 30])),
        links=tuple(draw(st.lists(links, max_size=2))),
    )
    assert update.problems() == []
    return update


@st.composite
def editions(draw: st.DrawFn) -> Contents:
    """The contents of an edition of one to three places, with an overview or without."""
    codes = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True))
    overview = draw(st.one_of(st.just(""), texts.map(overviews.tidy).filter(lambda text: not overviews.problems(text))))
    return edition([draw(updates(code)) for code in codes], overview)


def edition(told: Sequence[Update], overview: str) -> Contents:
    """The month's contents; the first place had an update the month before as well."""
    before = replace(told[0], month=MONTH.previous, trend=Trend.IMPROVED, alerts=())
    return replace(assemble(MONTH, [before, *told], gazetteer()), overview=overview)


def filled_with(text: str) -> Contents:
    """An edition whose every text is this one."""
    line = on_one_line(text)
    url = f"https://example.org/{''.join(text.split())}"
    update = Update(
        "KZ",
        MONTH,
        Trend.DETERIORATED,
        line,
        (Development(line, text),) * MOST_DEVELOPMENTS,
        tuple(Alert),
        (Quote(date(2022, 11, 7), text, text, text, text),),
        (Link(date(2022, 11, 7), line, line, url),),
    )
    found = [update, replace(update, place="SD", alerts=())]
    assert [each.problems() for each in found] == [[], []]
    return edition(found, overviews.tidy(text))


@dataclass(frozen=True, slots=True)
class Accepted:
    """Whether a setting takes a value."""

    name: str

    def __call__(self, value: str) -> bool:
        try:
            _known()[self.name].metadata["read"](value)
        except (ValueError, NewsletterError):
            return False
        return True


def named(name: str, address: str) -> str:
    """A value of SENDER."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


_words = st.one_of(st.text(st.characters(codec="utf-8")), st.text(st.sampled_from("aé \n\r\x01\x1b\x7f\x9b")), texts)
_names = _words.map(lambda text: "".join(char for char in text if char.isprintable()).strip()[:400] or "x")
#: Settings of a publisher, by their names.
brandings = st.fixed_dictionaries(
    {
        "title": st.one_of(st.just("Country Updates"), _words.filter(Accepted("title"))),
        "sender": st.builds(named, _names, st.sampled_from(SENDERS)).filter(Accepted("sender")),
        "pictures": st.sampled_from(["hosted", "inline"]),
    },
    optional={
        "postal_address": _words.filter(Accepted("postal_address")),
        "footer": _words.map(lambda text: text.replace("\t", " ")[:1000]).filter(Accepted("footer")),
        "logo": st.just("logo.png"),
    },
)
