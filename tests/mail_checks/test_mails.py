"""Every mail is valid HTML, and uses nothing that a client lacks without a reason that is written down."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

import pytest

from tests.mail_checks import clients, tools
from tests.mail_checks.hostile import READERS, hostile_html
from tests.mail_checks.mails import NAMES, mail, sent_html
from tests.mail_checks.tools import Looked
from tests.mail_checks.variants import for_word

ALL = [*NAMES, *READERS]


class Outline(HTMLParser):
    """A mail's headings, names and links within itself."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if (values.get("href") or "").startswith("#"):
            self.targets.append(str(values["href"])[1:])


@pytest.fixture(scope="module")
def html_of() -> dict[str, str]:
    """Each mail's HTML as it is sent."""
    return {name: sent_html(mail(name).source) for name in NAMES} | {name: hostile_html(name) for name in READERS}


@pytest.fixture(scope="module")
def looked(html_of: dict[str, str]) -> dict[str, Looked]:
    """What the tools say of each, also as Outlook on Windows reads it: one run of node for all."""
    in_word = {f"{name}, in Word": for_word(html) for name, html in html_of.items()}
    return tools.looked_at(html_of | in_word)


def used(looked: dict[str, Looked], *, in_word: bool) -> frozenset[str]:
    found = [each.features for name, each in looked.items() if name.endswith(", in Word") == in_word]
    return frozenset().union(*found)


def test_what_a_client_lacks_is_in_the_document_and_nothing_else_is(looked):
    gaps = clients.gaps(used(looked, in_word=False), used(looked, in_word=True))
    rows = {row.feature: row.where for row in clients.documented()}

    unlisted = {feature: where for feature, where in gaps.items() if rows.get(feature) != where}
    unused = sorted(rows.keys() - gaps.keys())

    assert unlisted == {}, "rows to write, or to mend, in docs/mail-clients.md"
    assert unused == [], "rows to take out of docs/mail-clients.md"


def test_every_row_of_the_document_gives_a_reason_and_says_what_is_seen():
    rows = clients.documented()

    assert len(rows) == len({row.feature for row in rows}) > 0
    assert [row.feature for row in rows if not (row.why and row.fallback)] == []


@pytest.mark.parametrize("name", ALL)
def test_the_html_is_valid(name, looked):
    assert looked[name].faults == ()


@pytest.mark.parametrize("name", ALL)
def test_whoever_listens_finds_their_way(name, html_of):
    outline = Outline(html_of[name])

    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert [pair for pair in zip(outline.headings, outline.headings[1:], strict=False) if pair[1] > pair[0] + 1] == []
    assert [id_ for id_, count in Counter(outline.ids).items() if count > 1] == []
    assert set(outline.targets) <= set(outline.ids)


SAMPLE = """<!DOCTYPE html><html lang="en"><head><title>x</title><style>
@media (prefers-color-scheme: dark) { a.one.two:hover > p { color: red !important } }
</style></head><body><div style="max-width:640px;font:12px 'a;b',system-ui;background-image:linear-gradient(red,blue)">
<!--[if mso]><marquee>x</marquee><![endif]--><!--[if !mso]><!--><video></video><!--<![endif]-->
<a href="#x">x</a><img src="https://example.org/x.webp" alt=""></div></body></html>"""


def test_the_search_finds_what_a_mail_uses():
    looked = tools.looked_at({"as it is": SAMPLE, "in Word": for_word(SAMPLE)})

    assert {
        "css-at-media-prefers-color-scheme",
        "css-pseudo-class-hover",
        "css-selector-chaining",
        "css-important",
        "css-max-width",
        "css-sytem-ui",
        "css-linear-gradient",
        "css-unit-px",
        "html-anchor-links",
        "html-video",
        "image-webp",
    } <= looked["as it is"].features
    assert "html-marquee" not in looked["as it is"].features
    assert {"html-marquee"} == looked["in Word"].features & {"html-marquee", "html-video"}


def test_it_is_known_who_lacks_what():
    everybody = clients.WITH_WORD | clients.WITHOUT_WORD

    assert clients.lacking("css-max-width", everybody).startswith("partly: Outlook (Windows, Windows Mail)")
    assert clients.lacking("html-table", everybody) == ""
    assert clients.lacking("css-nonsense", everybody) == "not in caniemail"
    assert clients.gaps([], ["css-at-media"]) == {"css-at-media": "no: Outlook (Windows, Windows Mail)"}


def test_html_that_is_not_valid_is_told():
    [found] = tools.looked_at({"x": SAMPLE.replace("<body>", "<body><h1>x</h1><h3 align='left'>x</h3><p><p>")}).values()
    rules = {fault.split()[1].rstrip(":") for fault in found.faults}

    assert {"heading-level", "no-deprecated-attr", "no-implicit-close"} <= rules
