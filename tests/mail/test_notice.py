"""One-off mails: well-formed, the same each time, and without a word of whoever asked for them."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.domain.correction import Correction
from newsletter.domain.month import Month
from newsletter.domain.states import NoticeKind
from newsletter.domain.update import Alert, Development, Trend, Update
from newsletter.errors import InvalidAddress
from newsletter.mail import notice
from newsletter.mail.brand import Brand
from newsletter.mail.links import Purpose
from newsletter.mail.notice import NoticeMail, Renderer
from newsletter.mail.pictures.picture import Image, Picture, PictureMode
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.storage.places import gazetteer
from tests.mail.publisher import PUBLICATION, TOKENS

AT = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
ADA = Recipient(42, "ada@example.org", ("central-asia", "SD"))
IF_NOT_YOU = (
    "If it was not you",
    "If you did not ask for it",
    "If you know nothing of it",
    "If you did not ask for our mails",
)
OF_NO_LIST = [
    NoticeKind.CONFIRMATION,
    NoticeKind.GOODBYE,
    NoticeKind.ADDRESS_CHANGE,
    NoticeKind.ADDRESS_CHANGED,
    NoticeKind.INVITATION,
    NoticeKind.PASSWORD_RESET,
]
TELLS_NO_PLACES = {NoticeKind.ADDRESS_CHANGED, NoticeKind.INVITATION, NoticeKind.PASSWORD_RESET}
NOTICES = [kind for kind in NoticeKind if kind is not NoticeKind.TEST_COPY]  # which is a digest: see test_copies
FROM_THE_LIST = [kind for kind in NOTICES if kind not in OF_NO_LIST]
UPDATE = Update(
    "SD",
    Month(2022, 11),
    Trend.DETERIORATED,
    headline="Fighting spread to two more states, and talks were put off.",
    developments=(
        Development("Troops moved towards the capital.", "Clashes killed *at least* 60 people."),
        Development("Talks were put off.", "No date was set."),
    ),
    alerts=(Alert.CONFLICT_RISK,),
)
CORRECTION = Correction(Month(2022, 11), 2, "We named the wrong town.", (UPDATE,))
LOGO = Picture(Image.named("logo", b"a light picture"), Image.named("logo-dark", b"a dark one"), "Example", 160, 40)


def render(
    kind: NoticeKind,
    recipient: Recipient = ADA,
    publication: Publication = PUBLICATION,
    *,
    notice_id: int = 7,
    at: datetime = AT,
    latest: Month | None = None,
    update: Update = UPDATE,
) -> NoticeMail:
    given = {"latest": latest, "update": update, "correction": CORRECTION}
    return notice.render(kind, notice_id, recipient, publication, gazetteer(), at=at, **given)


def parsed(mail: NoticeMail) -> EmailMessage:
    message = email.message_from_bytes(mail.data, _class=EmailMessage, policy=policy.default)
    assert not message.defects
    assert not any(part.defects for part in message.walk())
    return message


def parts(mail: NoticeMail) -> tuple[str, str]:
    message = parsed(mail)
    plain, html = message.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return str(plain.get_content()), str(html.get_content())


@pytest.mark.parametrize("kind", NOTICES)
@pytest.mark.parametrize("latest", [None, Month(2022, 11)], ids=["no edition yet", "an edition"])
def test_a_notice_is_well_formed(kind, latest):
    mail = render(kind, latest=latest)
    message = parsed(mail)

    assert mail.rcpt_to == "ada@example.org"
    assert re.fullmatch(r"bounce\+n\.7\.[0-9a-f]{12}@example\.org", mail.mail_from)
    for name in ("From", "To", "Date", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"):
        assert len(message.get_all(name)) == 1, name
    assert len(set(map(str.lower, message.keys()))) == len(message.keys()), "a header is there twice"
    assert message["To"] == "ada@example.org"
    assert message["From"] == "Country Updates <updates@example.org>"
    assert message["Date"].datetime == AT
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert re.fullmatch(r"<[0-9a-f]{40}@example\.org>", message["Message-ID"])
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("kind", NOTICES)
def test_lines_are_what_smtp_takes(kind):
    data = render(kind).data

    assert data.endswith(b"\r\n")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\0" not in data
    assert data.isascii()
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))


@pytest.mark.parametrize("kind", NOTICES)
def test_both_parts_lead_to_the_same_places(kind):
    text, html = parts(render(kind))

    links = re.compile(r'https://updates\.example\.org/(?:confirm|manage|unsubscribe|undo|address|admin)/[^\s"<>]+')
    assert set(links.findall(text)) == set(links.findall(html))
    expected = {
        NoticeKind.CONFIRMATION: {PUBLICATION.links.confirm(42, at=AT)},
        NoticeKind.WELCOME: {PUBLICATION.links.manage(42), PUBLICATION.links.unsubscribe(42)},
        NoticeKind.MANAGE_LINK: {PUBLICATION.links.manage_for_now(42, at=AT), PUBLICATION.links.unsubscribe(42)},
        NoticeKind.ALREADY_SUBSCRIBED: {PUBLICATION.links.manage_for_now(42, at=AT), PUBLICATION.links.unsubscribe(42)},
        NoticeKind.ADDRESS_CHANGE: {PUBLICATION.links.address(7, at=AT)},
        NoticeKind.ADDRESS_CHANGED: set(),
        NoticeKind.INVITATION: {PUBLICATION.links.invitation(7, at=AT)},
        NoticeKind.PASSWORD_RESET: {PUBLICATION.links.password_reset(7, at=AT)},
        NoticeKind.GOODBYE: {PUBLICATION.links.undo(42, at=AT)},
        NoticeKind.ALERT: {PUBLICATION.links.manage(42), PUBLICATION.links.unsubscribe(42)},
        NoticeKind.CORRECTION: {PUBLICATION.links.manage(42), PUBLICATION.links.unsubscribe(42)},
    }
    assert set(links.findall(text)) == expected[kind]


@pytest.mark.parametrize("kind", NOTICES)
def test_both_parts_say_what_is_followed_and_who_sends(kind):
    for part in parts(render(kind)):
        words = " ".join(part.split())
        assert ("Central Asia, Sudan" in words) is (kind not in TELLS_NO_PLACES)
        assert "Example Foundation, 1 Sample Street" in words


def test_every_link_of_a_part_is_ours():
    for kind in NOTICES:
        for part in parts(render(kind, latest=Month(2022, 11))):
            for url in re.findall(r'(?:https?:)?//[^\s"<>)]+', part):
                assert url.startswith("https://updates.example.org/"), url


def test_the_welcome_shows_the_latest_edition():
    for part in parts(render(NoticeKind.WELCOME, latest=Month(2022, 11))):
        assert "https://updates.example.org/editions/2022-11" in part
        assert "November 2022" in part


@pytest.mark.parametrize("kind", OF_NO_LIST)
def test_who_is_not_on_the_list_gets_mail_from_no_list(kind):
    names = {name.lower() for name in parsed(render(kind))}

    assert not any(name.startswith("list-") for name in names)


@pytest.mark.parametrize("kind", FROM_THE_LIST)
def test_everything_else_can_be_left_with_one_click(kind):
    message = parsed(render(kind))

    url = PUBLICATION.links.unsubscribe(42)
    assert message["List-Unsubscribe"].startswith(f"<{url}>, <mailto:updates@example.org?subject=unsubscribe%20")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "<updates.example.org>"
    assert TOKENS.read(Purpose.UNSUBSCRIBE, url.rpartition("/")[2]) == 42


@pytest.mark.parametrize("kind", NOTICES)
def test_the_same_notice_is_the_same_bytes_and_another_is_another(kind):
    assert render(kind) == render(kind)
    assert parsed(render(kind))["Message-ID"] != parsed(render(kind, notice_id=8))["Message-ID"]
    assert render(kind).data != render(kind, at=AT + timedelta(days=1)).data


@pytest.mark.parametrize(
    ("address", "rcpt_to"),
    [
        pytest.param("ada@bücher.example", "ada@xn--bcher-kva.example", id="an IDN domain goes out as A-labels"),
        pytest.param("zoë@example.org", "zoë@example.org", id="a local part beyond ASCII stays"),
        pytest.param("zoë@bücher.example", "zoë@xn--bcher-kva.example", id="both"),
        pytest.param("用户@例え.jp", "用户@xn--r8jz45g.jp", id="both, in Chinese and Japanese"),
    ],
)
@pytest.mark.parametrize("kind", NOTICES)
def test_an_address_beyond_ascii(kind, address, rcpt_to):
    mail = render(kind, Recipient(42, address, ("all",)))

    assert mail.rcpt_to == rcpt_to
    assert f"To: {rcpt_to}\r\n".encode() in mail.data
    headers = mail.data.partition(b"\r\n\r\n")[0].splitlines()
    assert [line for line in headers if not line.isascii()] == (
        [] if rcpt_to.isascii() else [f"To: {rcpt_to}".encode()]
    )


def test_an_address_whose_domain_can_not_be_written_is_refused():
    with pytest.raises(InvalidAddress):
        render(NoticeKind.WELCOME, Recipient(42, "ada@\u200b\u200d.example", ("all",)))


@settings(deadline=None)
@given(st.text(), st.text(), st.sampled_from(NOTICES))
def test_no_title_or_name_breaks_a_notice(title, name, kind):
    publication = Publication(title, name, "updates@example.org", None, PUBLICATION.links)

    mail = render(kind, publication=publication)

    assert mail.data.partition(b"\r\n\r\n")[0].isascii()
    message = parsed(mail)
    assert len(set(map(str.lower, message.keys()))) == len(message.keys())
    assert len(list(message.iter_parts())) == 2


def test_a_title_with_html_in_it_is_text():
    publication = replace(
        PUBLICATION, title="<script>alert(1)</script>", sender_name="A & B", postal_address="1 <b> St"
    )

    for kind in NOTICES:
        html = parts(render(kind, publication=publication))[1]
        assert "<script" not in html
        assert "<b>" not in html


def test_a_batch_gives_the_same_bytes_as_one_by_one_and_everybody_their_own_links():
    renderer = Renderer(PUBLICATION, gazetteer())
    for kind in NOTICES:
        for number, at in enumerate((AT, AT + timedelta(hours=1))):
            reader = Recipient(number, f"reader{number}@example.org", ADA.follows)
            given = {"latest": None, "update": UPDATE, "correction": CORRECTION}
            mail = renderer.render(kind, number, reader, at=at, **given)
            assert mail == render(kind, reader, notice_id=number, at=at)
            if kind is NoticeKind.ALERT:
                assert all(PUBLICATION.links.manage(number) in part for part in parts(mail))


def test_every_notice_says_who_writes_why_and_what_to_do_if_it_was_not_you():
    publication = replace(PUBLICATION, sender_name="Example Sender", brand=Brand(footer="Made with care."))
    for kind in NOTICES:
        for part in parts(render(kind, publication=publication)):
            words = " ".join(part.split())
            for said in ("Example Sender", "Made with care.", "You get this mail because"):
                assert said in words, kind
            assert any(each in words for each in IF_NOT_YOU), kind


@pytest.mark.parametrize("kind", NOTICES)
def test_the_text_fits_72_columns_but_for_links(kind):
    text = parts(render(kind, Recipient(42, "ada@example.org", tuple(p.code for p in gazetteer().places)[:90])))[0]

    assert [line for line in text.splitlines() if len(line) > 72 and not line.startswith("https://")] == []
    assert "\n\n\n\n" not in text


def test_headings_are_in_order():
    for kind in NOTICES:
        of_places = ["h2"] * len(CORRECTION.updates) if kind is NoticeKind.CORRECTION else []
        assert re.findall(r"<(h[1-6])", parts(render(kind))[1]) == ["h1", *of_places]


def test_an_alert_says_what_it_is_of_in_words_and_by_sign_and_leads_to_the_place():
    message = parsed(render(NoticeKind.ALERT))

    assert message["Subject"] == "Conflict Risk Alert: Sudan (Country Updates)"
    for part in parts(render(NoticeKind.ALERT)):
        words = " ".join(re.sub(r"<[^>]+>", " ", part).split())
        told = ["▼ Deteriorated in November 2022", "⚠ Conflict Risk Alert for the month ahead", UPDATE.headline]
        told += ["Troops moved towards the capital.", "60 people.", "Talks were put off.", "No date was set."]
        places = [words.find(each, words.find("the month ahead") if each in told[2:] else 0) for each in told]
        assert -1 not in places
        assert places == sorted(places)
        assert "https://updates.example.org/places/SD" in part


def test_a_long_title_is_left_out_of_an_alerts_subject():
    publication = replace(PUBLICATION, title="The Example Foundation's Monthly Country Updates")

    assert parsed(render(NoticeKind.ALERT, publication=publication))["Subject"] == "Conflict Risk Alert: Sudan"


def test_the_goodbye_gives_seven_days_to_undo():
    text, html = parts(render(NoticeKind.GOODBYE))

    token = PUBLICATION.links.undo(42, at=AT).rpartition("/")[2]
    lifetime = timedelta(days=7)
    assert "the link works for 7 days" in text.lower()
    assert "the link works for 7 days" in html.lower()
    assert TOKENS.read_made(Purpose.UNDO, token, now=AT + lifetime, lifetime=lifetime) == (42, AT)


@pytest.mark.parametrize("kind", [NoticeKind.MANAGE_LINK, NoticeKind.ALREADY_SUBSCRIBED])
def test_a_link_to_the_own_page_that_was_asked_for_has_a_date_and_says_how_long_it_works(kind):
    for part in parts(render(kind)):
        assert "works for 7 days" in part
    assert len(PUBLICATION.links.manage_for_now(42, at=AT).rpartition("/")[2].split(".")) == 3


def test_the_question_at_a_new_address_names_the_notice_and_not_the_subscriber():
    for part in parts(render(NoticeKind.ADDRESS_CHANGE, Recipient(42, "new@example.org", ("all",)))):
        token = re.search(r"/address/([\w.-]+)", part)[1]
        assert TOKENS.read_dated(Purpose.ADDRESS, token, now=AT, lifetime=timedelta(days=7)) == 7


def test_the_word_to_the_old_address_says_where_to_write_and_not_where_the_mail_goes_now():
    for part in parts(render(NoticeKind.ADDRESS_CHANGED)):
        words = " ".join(re.sub(r"<[^>]+>", "", part).split())
        assert "If it was not you, somebody else could read a mail" in words
        assert "Write to updates@example.org" in words
        assert "/manage/" not in part


def test_a_hosted_logo_is_an_address_of_ours():
    publication = replace(PUBLICATION, brand=Brand(logo=LOGO))
    for kind in NOTICES:
        html = parts(render(kind, publication=publication))[1]
        assert f'src="https://updates.example.org/brand/{LOGO.light.name}"' in html
        assert 'alt=""' in html


@pytest.mark.parametrize("dark", [LOGO.dark, None], ids=["light and dark", "one for both"])
def test_an_inline_logo_travels_with_the_html_that_shows_it(dark):
    logo = replace(LOGO, dark=dark)
    publication = replace(PUBLICATION, brand=Brand(logo=logo), pictures=PictureMode.INLINE)
    for kind in NOTICES:
        message = parsed(render(kind, publication=publication))
        plain, related = message.iter_parts()
        html, *pictures = related.iter_parts()

        assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
        assert (related.get_content_type(), related.get_param("type")) == ("multipart/related", "text/html")
        assert [each.get_content() for each in pictures] == [each.data for each in (logo.light, dark) if each]
        shown = set(re.findall(r'src="cid:([^"]+)"', str(html.get_content())))
        assert {f"<{each}>" for each in shown} == {each["Content-ID"] for each in pictures}
        assert {(each.get_content_type(), each.get_content_disposition()) for each in pictures} == {
            ("image/png", "inline")
        }


MARKDOWN = {"a", "em", "strong", "code", "blockquote", "ul", "ol", "li", "br"}
ATTACKS = [
    "[a link](javascript:x) <img src=x onerror=x> <a href='data:text/html,x' onclick=x>",
    "<script>x</script>",
    '" onload="x',
    "{{7*7}}",
    "=?utf-8?q?x?=",
    "\r\nBcc: eve@example.org\r\n\r\n.\r\n",
    "\0",
]
words = st.text(max_size=300) | st.sampled_from(ATTACKS) | st.text(min_size=1, max_size=3).map(lambda each: each * 500)


class Tags(HTMLParser):
    """The tags of a page and their attributes."""

    def __init__(self):
        super().__init__()
        self.names = set()
        self.attributes = []

    @classmethod
    def of(cls, html):
        seen = cls()
        seen.feed(html)
        return seen

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes += attrs


@st.composite
def updates(draw):
    developments = tuple(Development(draw(words), draw(words)) for _ in range(draw(st.integers(1, 3))))
    alerts = draw(st.sampled_from([(Alert.CONFLICT_RISK,), (Alert.CONFLICT_RISK, Alert.RESOLUTION_OPPORTUNITY)]))
    return replace(UPDATE, headline=draw(words), developments=developments, alerts=alerts)


def everywhere(attack):
    return replace(UPDATE, headline=attack, developments=(Development(attack, attack),))


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_in_an_editors_text_runs_in_an_alert(attack):
    check_harmless(everywhere(attack))


@settings(deadline=None, max_examples=60)
@given(updates())
def test_no_text_of_an_editor_breaks_an_alert_or_runs_in_it(update):
    check_harmless(update)


def check_harmless(update):
    mail = render(NoticeKind.ALERT, update=update)

    assert mail.data.isascii()
    assert b"\0" not in mail.data
    assert mail.data.count(b"\r") == mail.data.count(b"\n") == mail.data.count(b"\r\n")
    assert max(map(len, mail.data.split(b"\r\n"))) <= 998
    message = parsed(mail)
    assert list(message.keys()) == list(parsed(render(NoticeKind.ALERT)).keys())
    text, html = parts(mail)
    assert "".join(update.headline.split()) in "".join(text.split())
    seen = Tags.of(html)
    assert seen.names <= Tags.of(parts(render(NoticeKind.ALERT))[1]).names | MARKDOWN
    assert not any(name.startswith("on") or name == "src" for name, _ in seen.attributes)
    assert all(re.match("https?:|mailto:", value or "") for name, value in seen.attributes if name == "href")
    assert html.count("/unsubscribe/") == html.count("/manage/") == 1
