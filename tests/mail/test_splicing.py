"""Idea 1: a spliced digest is what an ordinary render for that reader gives, byte for byte."""

from __future__ import annotations

import email
import random
import re
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.domain import overview
from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Contents, Entry, assemble
from newsletter.domain.month import Month
from newsletter.mail import digest, news
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET
from newsletter.mail.news import News
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import SplicedDigest
from newsletter.services.sample import sample_readings
from newsletter.storage.places import gazetteer
from tests.mail.crowd import crowded_contents
from tests.mail.publisher import PUBLICATION
from tests.mail.tried import TriedEdition

INLINE = replace(PUBLICATION, pictures=PictureMode.INLINE)


@cache
def sample_month() -> Contents:
    found = assemble(Month(2022, 11), [reading.update for reading in sample_readings()], gazetteer())
    return replace(found, overview="A month of **talks** ([report](https://example.org/talks)).\n\nAnd of elections.")


@cache
def contents_of(name: str) -> Contents:
    return sample_month() if name == "sample" else crowded_contents(200)


@cache
def tried(name: str, publication: Publication = PUBLICATION) -> TriedEdition:
    return TriedEdition(contents_of(name), publication)


def parsed(spliced: SplicedDigest) -> EmailMessage:
    return email.message_from_bytes(spliced.data, _class=EmailMessage, policy=policy.SMTP)


def parts(message: EmailMessage) -> tuple[str, str]:
    """The text and the HTML as a client shows them, with plain line ends."""
    found = [message.get_body((subtype,)) for subtype in ("plain", "html")]
    text, html = (part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in found if part is not None)
    return text, html


def text_alone(edition: TriedEdition, recipient: Recipient) -> SplicedDigest:
    """The digest of the same reader, had they asked for no HTML."""
    return edition.splicer.splice(recipient._replace(text_only=True))


def check_text_alone(alone: SplicedDigest, whole: SplicedDigest) -> None:
    """One part, which is the whole message's text part, under the same fields."""
    head, _, body = alone.data.partition(b"\r\n\r\n")
    fields, part = head.split(b"\r\nContent-Type: ")
    assert part == b"text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    assert alone[:2] == whole[:2]
    assert whole.data.startswith(fields + b"\r\nContent-Type: multipart/alternative;")
    assert whole.data.split(b"\r\n--=_digest_2022-11")[1].endswith(b"%b\r\n\r\n%b" % (part, body))


def random_follows(contents: Contents, number: int) -> tuple[str, ...]:
    """A selection: some places of the edition and of others, sometimes a region, sometimes everything."""
    dice = random.Random(number)
    codes = [place.code for place in gazetteer().places]
    codes += [entry.place.code for entry in contents.entries] * 8
    wanted = set(dice.sample(codes, dice.randint(1, 40))) | {contents.entries[0].place.code}
    if dice.random() < 0.3:
        wanted |= set(dice.sample([region.code for region in gazetteer().regions], 2))
    if dice.random() < 0.05:
        wanted = {subjects_.ALL}
    return subjects_.parse(wanted, gazetteer())


@pytest.mark.parametrize("first", range(0, 500, 50))
def test_a_spliced_digest_equals_the_plain_render(first):
    for number in range(first, first + 50):
        check_splicing(number)


def check_splicing(number: int) -> None:
    publication = INLINE if number % 5 == 0 else PUBLICATION
    edition = tried("sample", publication)
    recipient = Recipient(number + 1, f"reader{number}@example.org", random_follows(edition.contents, number))

    spliced, alone = edition.splicer.splice(recipient), text_alone(edition, recipient)
    message = parsed(spliced)

    rendered = edition.plainly_rendered(recipient)
    assert parts(message) == rendered, number
    assert parsed(alone).get_payload(decode=True).decode().replace("\r\n", "\n") == rendered[0], number
    check_text_alone(alone, spliced)
    lead = digest.subject_lead(edition.contents.month, publication)
    assert message["Subject"] == news.subject(lead, News.of(edition.own(recipient).entries)), number


@pytest.mark.parametrize("publication", [PUBLICATION, INLINE], ids=["hosted", "inline"])
@pytest.mark.parametrize("count", [1, 7, 24, 70, 200])
def test_a_digest_keeps_to_its_budgets_and_says_what_is_short(count, publication):
    edition = tried("crowd", publication)
    follows = tuple(entry.place.code for entry in edition.contents.entries[:count])
    recipient = Recipient(1, "reader@example.org", follows)

    spliced = edition.splicer.splice(recipient)
    text, html = parts(parsed(spliced))
    shortened = edition.shortened(recipient)
    print(
        f"{count} places: {len(html.encode()):,} bytes of HTML, {len(spliced.data):,} in all, {len(shortened)} in brief"
    )

    assert len(html.encode()) < HTML_BUDGET
    assert len(spliced.data) < MESSAGE_BUDGET
    assert ("told in brief" in html) == bool(shortened)
    assert (text, html) == edition.plainly_rendered(recipient)
    check_text_alone(text_alone(edition, recipient), spliced)


@pytest.mark.parametrize("publication", [PUBLICATION, INLINE], ids=["hosted", "inline"])
def test_who_follows_every_place_by_itself_has_a_long_list_and_keeps_to_the_budgets(publication):
    follows = tuple(place.code for place in gazetteer().places)
    spliced = tried("crowd", publication).splicer.splice(Recipient(1, "reader@example.org", follows))

    assert len(parts(parsed(spliced))[1].encode()) < HTML_BUDGET
    assert len(spliced.data) < MESSAGE_BUDGET


def cyrillic_contents() -> Contents:
    """The crowded month with its texts in letters that take two octets each."""

    def written(text: str) -> str:
        return "".join(chr(ord("а") + ord(char) % 32) if char.isalpha() else char for char in text)

    def in_cyrillic(entry: Entry) -> Entry:
        developments = [
            replace(each, lead=written(each.lead), text=written(each.text)) for each in entry.update.developments
        ]
        headline = written(entry.update.headline)
        return replace(entry, update=replace(entry.update, headline=headline, developments=tuple(developments)))

    contents = contents_of("crowd")
    return replace(contents, entries=tuple(map(in_cyrillic, contents.entries)))


@pytest.mark.parametrize("publication", [PUBLICATION, INLINE], ids=["hosted", "inline"])
def test_a_month_in_another_script_keeps_to_the_budgets(publication):
    contents = cyrillic_contents()
    splicer = TriedEdition(contents, publication).splicer
    for count in (7, 24, 70, 200):
        follows = tuple(entry.place.code for entry in contents.entries[:count])
        spliced = splicer.splice(Recipient(1, "reader@example.org", follows))

        assert len(parts(parsed(spliced))[1].encode()) < HTML_BUDGET
        assert len(spliced.data) < MESSAGE_BUDGET


def test_pictures_that_would_make_a_message_too_large_are_hosted():
    contents = replace(contents_of("crowd"), overview="Ж" * (overview.LARGEST // 2))
    spliced = TriedEdition(contents, INLINE).splicer.splice(Recipient(1, "reader@example.org", (subjects_.ALL,)))

    assert len(spliced.data) < MESSAGE_BUDGET
    assert "cid:" not in parts(parsed(spliced))[1]
    assert [part.get_content_type() for part in parsed(spliced).walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_each_inline_picture_is_in_the_message_once_and_none_is_left_out():
    edition = tried("sample", INLINE)
    message = parsed(edition.splicer.splice(Recipient(1, "reader@example.org", random_follows(edition.contents, 3))))
    carried = [part["Content-ID"].strip("<>") for part in message.walk() if part.get_content_maintype() == "image"]

    assert sorted(carried) == sorted(re.findall(r'src="cid:([^"]+)"', parts(message)[1]))
    assert {part.get_payload(decode=True)[:8] for part in message.walk() if part["Content-ID"]} == {
        b"\x89PNG\r\n\x1a\n"
    }


def test_what_has_least_to_tell_is_shortened_first():
    edition = tried("crowd")
    shortened = edition.splicer.in_brief((subjects_.ALL,))
    weights = {entry.place.code: entry.weight for entry in edition.contents.entries}

    assert 0 < len(shortened) < len(weights)
    assert max(weights[code] for code in shortened) <= min(weights[code] for code in weights.keys() - shortened)


ONE_EACH = [
    "From",
    "To",
    "Date",
    "Subject",
    "Message-ID",
    "MIME-Version",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Help",
    "List-Owner",
    "List-Subscribe",
    "List-Archive",
    "List-Post",
    "Archived-At",
    "Feedback-ID",
    "Precedence",
    "Content-Type",
]


@pytest.mark.parametrize("number", range(50))
def test_every_digest_is_well_formed(number):
    edition = tried("sample")
    follows = random_follows(edition.contents, number)
    spliced = edition.splicer.splice(Recipient(number + 1, "reader@example.org", follows))
    message = parsed(spliced)

    assert message.defects == []
    assert [part.defects for part in message.walk()] == [[], [], []]
    assert sorted(message.keys()) == sorted(ONE_EACH)
    assert max(len(line) for line in spliced.data.split(b"\r\n")) <= 78 + len("List-Unsubscribe: ") + 100
    assert spliced.data.isascii()
    assert not re.search(rb"(?m)^\.", spliced.data), "the sender relies on it: nothing is to be dot-stuffed"
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", spliced.data)
    assert b"=?" not in b"".join(line for line in spliced.data.split(b"\r\n") if line.startswith(b"List-"))


@pytest.mark.parametrize("publication", [PUBLICATION, INLINE], ids=["hosted", "inline"])
def test_a_digest_of_text_alone_is_well_formed(publication):
    edition = tried("sample", publication)
    spliced = text_alone(edition, Recipient(1, "reader@example.org", random_follows(edition.contents, 3)))
    message = parsed(spliced)

    assert message.defects == []
    assert sorted(message.keys()) == sorted([*ONE_EACH, "Content-Transfer-Encoding"])
    assert (message.get_content_type(), message.get_content_charset()) == ("text/plain", "utf-8")
    assert max(len(line) for line in spliced.data.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 76
    assert not re.search(rb"(?m)^\.|=_|<", spliced.data.partition(b"\r\n\r\n")[2]), "something of the HTML is left"
    assert spliced.data.endswith(b"\r\n")
    assert PUBLICATION.links.unsubscribe(1) in message.get_content()


def test_the_one_click_header_names_the_readers_own_page():
    message = parsed(tried("sample").splicer.splice(Recipient(7, "reader@example.org", ("KZ",))))
    https, mailto = re.findall(r"<([^>]+)>", message["List-Unsubscribe"])

    assert https == PUBLICATION.links.unsubscribe(7)
    assert mailto.startswith("mailto:updates@example.org?subject=unsubscribe%20")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("text_only", [False, True])
def test_a_repeat_is_byte_identical(text_only):
    recipient = Recipient(7, "reader@example.org", ("KZ", "SD"), text_only)
    again = TriedEdition(contents_of("sample"), PUBLICATION)

    assert tried("sample").splicer.splice(recipient) == again.splicer.splice(recipient)


def test_readers_get_different_message_ids_and_links():
    one, two = (tried("sample").splicer.splice(Recipient(number, "reader@example.org", ("KZ",))) for number in (1, 2))

    assert parsed(one)["Message-ID"] != parsed(two)["Message-ID"]
    assert one.mail_from != two.mail_from
    assert PUBLICATION.links.manage(1) in parts(parsed(one))[0]
    assert PUBLICATION.links.manage(1) not in parts(parsed(two))[0]


def test_an_internationalised_domain_goes_out_as_a_labels():
    spliced = tried("sample").splicer.splice(Recipient(1, "leser@bücher.example", ("KZ",)))

    assert spliced.rcpt_to == "leser@xn--bcher-kva.example"
    assert parsed(spliced)["To"] == "leser@xn--bcher-kva.example"


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from([entry.place.code for entry in crowded_contents(200).entries]), min_size=1))
def test_any_selection_of_a_crowded_month_keeps_to_the_budgets(codes):
    reader = Recipient(1, "reader@example.org", subjects_.parse(codes, gazetteer()))
    spliced = tried("crowd", INLINE).splicer.splice(reader)

    assert len(parts(parsed(spliced))[1].encode()) < HTML_BUDGET
    assert len(spliced.data) < MESSAGE_BUDGET
