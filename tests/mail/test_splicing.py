"""Idea 1: a spliced digest is what an ordinary render for that reader gives, byte for byte."""

from __future__ import annotations

import email
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
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
from newsletter.domain.tally import Tally, places_by_subject
from newsletter.mail import compiling, digest, news
from newsletter.mail.compiled import Compiled
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET, NoMarks, Wording
from newsletter.mail.links import Links, Tokens
from newsletter.mail.news import News
from newsletter.mail.pictures.illustrated import Illustrations, illustrate
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import SplicedDigest, Splicer
from newsletter.services.sample import sample_readings
from newsletter.storage.places import gazetteer
from tests.mail.crowd import crowded_contents

AT = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
PUBLICATION = Publication(
    "Country Updates",
    "Country Updates",
    "updates@example.org",
    "Example Foundation, 1 Sample Street",
    Links("https://updates.example.org", Tokens("a secret key for tests")),
)
INLINE = replace(PUBLICATION, pictures=PictureMode.INLINE)


@cache
def sample_month() -> Contents:
    found = assemble(Month(2022, 11), [reading.update for reading in sample_readings()], gazetteer())
    return replace(found, overview="A month of **talks** ([report](https://example.org/talks)).\n\nAnd of elections.")


@cache
def contents_of(name: str) -> Contents:
    return sample_month() if name == "sample" else crowded_contents(200)


@cache
def illustrations_of(name: str, mode: PictureMode) -> Illustrations:
    return illustrate(contents_of(name), mode)


@cache
def splicer_of(name: str, publication: Publication = PUBLICATION) -> tuple[Contents, Splicer]:
    contents = contents_of(name)
    return contents, Splicer(loaded(contents, publication), publication, gazetteer())


def loaded(contents: Contents, publication: Publication) -> Compiled:
    """The edition as a sender has it: written down, and read again."""
    return Compiled.load(compiling.compile_edition(contents, publication, at=AT).dump())


def parsed(spliced: SplicedDigest) -> EmailMessage:
    return email.message_from_bytes(spliced.data, _class=EmailMessage, policy=policy.SMTP)


def parts(message: EmailMessage) -> tuple[str, str]:
    """The text and the HTML as a client shows them, with plain line ends."""
    found = [message.get_body((subtype,)) for subtype in ("plain", "html")]
    text, html = (part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in found if part is not None)
    return text, html


def plainly_rendered(
    name: str, recipient: Recipient, shortened: frozenset[str], publication: Publication
) -> tuple[str, str]:
    """The ordinary way: one Jinja render with this reader's entries and words."""
    own = own_contents(name, recipient)
    sizes = places_by_subject(gazetteer())
    tally = Tally.of(own.entries, sum(sizes[code] for code in recipient.follows))
    text_slots, html_slots = Wording(publication, gazetteer()).slots(recipient, own.entries, tally, len(shortened))

    def forms(entry: Entry) -> Sequence[str]:
        return ("short",) if entry.place.code in shortened else ("full",)

    rendered = digest.render(
        own,
        publication,
        illustrations_of(name, publication.pictures),
        forms=forms,
        marks=NoMarks(),
        text_slots=text_slots,
        html_slots=html_slots,
    )
    return rendered.text, rendered.html


def own_contents(name: str, recipient: Recipient) -> Contents:
    contents = contents_of(name)
    return contents.only(
        entry.place.code
        for entry in contents.entries
        if subjects_.covers(recipient.follows, entry.place.code, entry.place.region.code)
    )


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


@pytest.mark.parametrize("number", range(500))
def test_a_spliced_digest_equals_the_plain_render(number):
    publication = INLINE if number % 5 == 0 else PUBLICATION
    contents, splicer = splicer_of("sample", publication)
    recipient = Recipient(number + 1, f"reader{number}@example.org", random_follows(contents, number))

    message = parsed(splicer.splice(recipient))

    shortened = splicer.in_brief(recipient.follows)
    assert parts(message) == plainly_rendered("sample", recipient, shortened, publication)
    told = news.subject(
        digest.subject_lead(contents.month, publication), News.of(own_contents("sample", recipient).entries)
    )
    assert message["Subject"] == told


@pytest.mark.parametrize("publication", [PUBLICATION, INLINE], ids=["hosted", "inline"])
@pytest.mark.parametrize("count", [1, 7, 24, 70, 200])
def test_a_digest_keeps_to_its_budgets_and_says_what_is_short(count, publication):
    contents, splicer = splicer_of("crowd", publication)
    follows = tuple(entry.place.code for entry in contents.entries[:count])
    recipient = Recipient(1, "reader@example.org", follows)

    spliced = splicer.splice(recipient)
    text, html = parts(parsed(spliced))
    shortened = splicer.in_brief(follows)
    print(
        f"{count} places: {len(html.encode()):,} bytes of HTML, {len(spliced.data):,} in all, {len(shortened)} in brief"
    )

    assert len(html.encode()) < HTML_BUDGET
    assert len(spliced.data) < MESSAGE_BUDGET
    assert ("told in brief" in html) == bool(shortened)
    assert (text, html) == plainly_rendered("crowd", recipient, shortened, publication)


@pytest.mark.parametrize("publication", [PUBLICATION, INLINE], ids=["hosted", "inline"])
def test_who_follows_every_place_by_itself_has_a_long_list_and_keeps_to_the_budgets(publication):
    _, splicer = splicer_of("crowd", publication)
    spliced = splicer.splice(Recipient(1, "reader@example.org", tuple(place.code for place in gazetteer().places)))

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
    splicer = Splicer(loaded(contents, publication), publication, gazetteer())
    for count in (7, 24, 70, 200):
        follows = tuple(entry.place.code for entry in contents.entries[:count])
        spliced = splicer.splice(Recipient(1, "reader@example.org", follows))

        assert len(parts(parsed(spliced))[1].encode()) < HTML_BUDGET
        assert len(spliced.data) < MESSAGE_BUDGET


def test_pictures_that_would_make_a_message_too_large_are_hosted():
    contents = replace(contents_of("crowd"), overview="Ж" * (overview.LARGEST // 2))
    splicer = Splicer(loaded(contents, INLINE), INLINE, gazetteer())
    spliced = splicer.splice(Recipient(1, "reader@example.org", (subjects_.ALL,)))

    assert len(spliced.data) < MESSAGE_BUDGET
    assert "cid:" not in parts(parsed(spliced))[1]
    assert [part.get_content_type() for part in parsed(spliced).walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_each_inline_picture_is_in_the_message_once_and_none_is_left_out():
    contents, splicer = splicer_of("sample", INLINE)
    message = parsed(splicer.splice(Recipient(1, "reader@example.org", random_follows(contents, 3))))
    carried = [part["Content-ID"].strip("<>") for part in message.walk() if part.get_content_maintype() == "image"]

    assert sorted(carried) == sorted(re.findall(r'src="cid:([^"]+)"', parts(message)[1]))
    assert {part.get_payload(decode=True)[:8] for part in message.walk() if part["Content-ID"]} == {
        b"\x89PNG\r\n\x1a\n"
    }


def test_what_has_least_to_tell_is_shortened_first():
    contents, splicer = splicer_of("crowd")
    shortened = splicer.in_brief((subjects_.ALL,))
    weights = {entry.place.code: entry.weight for entry in contents.entries}

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
    contents, splicer = splicer_of("sample")
    spliced = splicer.splice(Recipient(number + 1, "reader@example.org", random_follows(contents, number)))
    message = parsed(spliced)

    assert message.defects == []
    assert [part.defects for part in message.walk()] == [[], [], []]
    assert sorted(message.keys()) == sorted(ONE_EACH)
    assert max(len(line) for line in spliced.data.split(b"\r\n")) <= 78 + len("List-Unsubscribe: ") + 100
    assert spliced.data.isascii()
    assert not re.search(rb"(?m)^\.", spliced.data), "the sender relies on it: nothing is to be dot-stuffed"
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", spliced.data)
    assert b"=?" not in b"".join(line for line in spliced.data.split(b"\r\n") if line.startswith(b"List-"))


def test_the_one_click_header_names_the_readers_own_page():
    _, splicer = splicer_of("sample")
    message = parsed(splicer.splice(Recipient(7, "reader@example.org", ("KZ",))))
    https, mailto = re.findall(r"<([^>]+)>", message["List-Unsubscribe"])

    assert https == PUBLICATION.links.unsubscribe(7)
    assert mailto.startswith("mailto:updates@example.org?subject=unsubscribe%20")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_repeat_is_byte_identical():
    recipient = Recipient(7, "reader@example.org", ("KZ", "SD"))
    contents, splicer = splicer_of("sample")

    assert splicer.splice(recipient) == Splicer(loaded(contents, PUBLICATION), PUBLICATION, gazetteer()).splice(
        recipient
    )


def test_readers_get_different_message_ids_and_links():
    _, splicer = splicer_of("sample")
    one, two = (splicer.splice(Recipient(number, "reader@example.org", ("KZ",))) for number in (1, 2))

    assert parsed(one)["Message-ID"] != parsed(two)["Message-ID"]
    assert one.mail_from != two.mail_from
    assert PUBLICATION.links.manage(1) in parts(parsed(one))[0]
    assert PUBLICATION.links.manage(1) not in parts(parsed(two))[0]


def test_an_internationalised_domain_goes_out_as_a_labels():
    _, splicer = splicer_of("sample")
    spliced = splicer.splice(Recipient(1, "leser@bücher.example", ("KZ",)))

    assert spliced.rcpt_to == "leser@xn--bcher-kva.example"
    assert parsed(spliced)["To"] == "leser@xn--bcher-kva.example"


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from([entry.place.code for entry in crowded_contents(200).entries]), min_size=1))
def test_any_selection_of_a_crowded_month_keeps_to_the_budgets(codes):
    _, splicer = splicer_of("crowd", INLINE)
    spliced = splicer.splice(Recipient(1, "reader@example.org", subjects_.parse(codes, gazetteer())))

    assert len(parts(parsed(spliced))[1].encode()) < HTML_BUDGET
    assert len(spliced.data) < MESSAGE_BUDGET
