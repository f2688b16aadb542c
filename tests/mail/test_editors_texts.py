"""T7: any text anywhere, read back from the relay: well-formed, equal to what was written, and nothing but text."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator, Sequence
from email import policy
from email.message import EmailMessage
from functools import cache
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given, settings
from PIL import Image as Drawing

from newsletter import config
from newsletter.config.values import LONGEST_TITLE
from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.outcome import Verdict
from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.domain.edition import Contents
from newsletter.mail import digest, markup, news
from newsletter.mail.news import News
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import SplicedDigest
from tests.delivery.conftest import collect
from tests.mail.test_dkim import signed, verdicts
from tests.mail.test_headers import words_of
from tests.mail.test_splicing import ONE_EACH, parts
from tests.mail.tried import TriedEdition
from tests.mail.writing import ATTACKS, brandings, editions, filled_with, named
from tests.relay import Relay

EDITIONS, READERS = 10, 6  #: readers of each edition
SOAK_EDITIONS, SOAK_READERS = 800, 25
MARKDOWN = {"p", "a", "em", "strong", "code", "blockquote", "ul", "ol", "li", "br"}  #: what an editor can make


class Page(HTMLParser):
    """What a browser would make of a page: tags and comments in their order, attributes, and words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.outline: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.data: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outline.append(f"<{tag}>")
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        self.outline.append(f"</{tag}>")

    def handle_comment(self, data: str) -> None:
        self.outline.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.outline.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.outline.append(f"<?{data}>")

    def handle_data(self, data: str) -> None:
        self.data.append(data)


def read_back(spliced: Sequence[SplicedDigest], domain: str) -> Iterator[bytes]:
    """What the relay got of each message: signed and sent as the sender does it."""
    messages = [
        OutgoingMessage(each.rcpt_to, each.mail_from, each.rcpt_to, signed(each.data, domain=domain), wire_ready=True)
        for each in spliced
    ]
    with Relay() as relay:
        chosen = RelaySettings("127.0.0.1", relay.port, tls=TlsMode.NONE, connections=2, helo_name="x.example.org")
        with Engine([chosen]) as engine:
            engine.submit(messages)
            assert {each.verdict for each in collect(engine, len(messages))} == {Verdict.SENT}
            assert engine.close(5) == []
        taken = {each.rcpt_to: each for each in relay.taken()}
    assert len(taken) == len(relay.taken()) == len(messages)
    for message in messages:
        got = taken[message.rcpt_to]
        assert got.mail_from == message.mail_from
        assert got.data == message.data, "the relay got other bytes than were spliced"
        yield got.data


def check(contents: Contents, publication: Publication, readers: int) -> None:
    """Send an edition to readers of all kinds, and look at each message that arrived."""
    edition = TriedEdition(contents, publication)
    for text in edition.markdown():
        assert {tag.strip("</>") for tag in Page(markup.to_html(text)).outline} <= MARKDOWN
    recipients = edition.readers(readers)
    spliced = [edition.splicer.splice(each) for each in recipients]
    outline = cache(edition.harmless_html)  # of whom it is, nothing shows but what they follow
    for reader, data in zip(recipients, read_back(spliced, publication.domain), strict=True):
        check_bytes(data, publication)
        assert verdicts(data) == [True, True], "a signature is broken"
        message = email.message_from_bytes(data, _class=EmailMessage, policy=policy.SMTP)
        check_fields(message, edition, reader)
        text, html = parts(message)
        assert (text, html) == edition.plainly_rendered(reader)
        check_nothing_is_lost(text, html, edition.own(reader), edition.shortened(reader))
        check_markup(html, outline(reader._replace(subscriber_id=1, address="")))


def check_bytes(data: bytes, publication: Publication) -> None:
    assert data.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", data)
    assert not re.search(rb"(?m)^\.", data), "the sender relies on it: nothing is to be dot-stuffed"
    long = [line for line in data.split(b"\r\n") if len(line) > 78]
    assert max(map(len, long), default=0) <= 998
    assert [line for line in long if not re.fullmatch(rb"(?:[A-Za-z-]+:)? \S+", line)] == [], "a field could be folded"
    head = data.partition(b"\r\n\r\n")[0]
    assert b"\t" not in head
    assert not re.search(rb"(?m)^List-[^:]*:(?:.*\r\n )*.*=\?", head)
    ends = re.findall(rb"(?m)^--(=_.*)--\r$", data)
    assert ends == [b"=_related_2022-11"] * (publication.pictures is PictureMode.INLINE) + [b"=_digest_2022-11"]
    assert data.endswith(b"\r\n--=_digest_2022-11--\r\n")


def check_fields(message: EmailMessage, edition: TriedEdition, reader: Recipient) -> None:
    assert sorted(message.keys()) == sorted([*ONE_EACH, "DKIM-Signature", "DKIM-Signature"])
    assert not any(part.defects for part in message.walk())
    for part in message.walk():
        if not part.is_multipart():
            assert max(map(len, part.get_payload().splitlines()), default=0) <= 76
        for name, value in part.items():
            assert not value.defects, name
            assert not re.search(r"[\x00-\x1f\x7f-\x9f]", value), name
    lead = digest.subject_lead(edition.contents.month, edition.publication)
    told = news.subject(lead, News.of(edition.own(reader).entries))
    assert words_of(message["Subject"]) == words_of(told)
    [mailbox] = message["From"].addresses
    assert mailbox.addr_spec == edition.publication.sender_address


def check_nothing_is_lost(text: str, html: str, own: Contents, shortened: frozenset[str]) -> None:
    """What has no markup is there as it was written, but for white space."""
    in_text, in_html = squeezed(text), squeezed("".join(Page(html).data))
    for entry in own.entries:
        if entry.place.code not in shortened:
            update = entry.update
            words = [update.headline, *(each.lead for each in update.developments)]
            words += [each.title for each in update.links]
            quoted = [each.words for each in update.quotes]  # in the text each line of them has a sign in front
            assert [each for each in map(squeezed, words) if each not in in_text] == []
            assert [each for each in map(squeezed, [*words, *quoted]) if each not in in_html] == []


def squeezed(text: str) -> str:
    return "".join(text.split())


def check_markup(html: str, harmless: str) -> None:
    """Tags and comments are those of a page of plain words, and no address leads where it must not."""
    page, plain = Page(html), Page(harmless)
    assert page.outline == plain.outline
    assert {name for name, _ in page.attributes} <= {name for name, _ in plain.attributes} | {"dir"}
    for name, value in page.attributes:
        if name == "href":
            assert re.match("https?:|mailto:|#", value or "", re.IGNORECASE)
        if name in ("src", "srcset"):
            assert re.match("https://updates.example.org/|cid:", value or "")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of settings, with a logo in it."""
    folder = tmp_path_factory.mktemp("instance")
    Drawing.new("RGB", (320, 80), "#0b4f8a").save(folder / "logo.png")
    return folder


def publication_of(instance: Path, **branding: str) -> Publication:
    given_by_all = {"instance": str(instance), "base_url": "https://updates.example.org", "secret_key": "k" * 16}
    return config.load({}, **given_by_all, **branding).publication


@pytest.mark.parametrize(("attack", "pictures"), [*zip(ATTACKS, cycle(PictureMode), strict=False)])
def test_what_means_something_elsewhere_means_nothing_here(instance, attack, pictures):
    text = ATTACKS[attack]
    sender = named("".join(filter(str.isprintable, text)), "updates@example.org")
    own = text.replace("\t", " ")
    title = own.replace("\n", " ").encode()[:LONGEST_TITLE].decode(errors="ignore")
    branding = {"title": title, "sender": sender, "footer": own, "postal_address": own}
    publication = publication_of(instance, **branding, logo="logo.png", pictures=pictures.value)

    check(filled_with(text), publication, readers=2)


@settings(max_examples=EDITIONS)
@given(editions(), brandings)
def test_any_text_that_can_be_stored_arrives_as_it_was_written_and_as_text(instance, contents, branding):
    check(contents, publication_of(instance, **branding), readers=READERS)


@pytest.mark.soak
@settings(max_examples=SOAK_EDITIONS)
@given(editions(), brandings)
def test_so_do_twenty_thousand_messages(instance, contents, branding):
    check(contents, publication_of(instance, **branding), readers=SOAK_READERS)
