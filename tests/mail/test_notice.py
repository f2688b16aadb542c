"""One-off mails: well-formed, the same each time, and without a word of whoever asked for them."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.domain.month import Month
from newsletter.domain.states import NoticeKind
from newsletter.errors import InvalidAddress
from newsletter.mail import notice
from newsletter.mail.links import Links, Purpose, Tokens
from newsletter.mail.notice import NoticeMail
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.storage.places import gazetteer

AT = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
TOKENS = Tokens("a secret key for tests")
PUBLICATION = Publication(
    "Country Updates",
    "Country Updates",
    "updates@example.org",
    "Example Foundation, 1 Sample Street",
    Links("https://updates.example.org", TOKENS),
)
ADA = Recipient(42, "ada@example.org", ("central-asia", "SD"))
FROM_THE_LIST = [kind for kind in NoticeKind if kind is not NoticeKind.CONFIRMATION]


def render(
    kind: NoticeKind,
    recipient: Recipient = ADA,
    publication: Publication = PUBLICATION,
    *,
    notice_id: int = 7,
    at: datetime = AT,
    latest: Month | None = None,
) -> NoticeMail:
    return notice.render(kind, notice_id, recipient, publication, gazetteer(), at=at, latest=latest)


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


@pytest.mark.parametrize("kind", NoticeKind)
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


@pytest.mark.parametrize("kind", NoticeKind)
def test_lines_are_what_smtp_takes(kind):
    data = render(kind).data

    assert data.endswith(b"\r\n")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\0" not in data
    assert data.isascii()
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))


@pytest.mark.parametrize("kind", NoticeKind)
def test_both_parts_lead_to_the_same_places(kind):
    text, html = parts(render(kind))

    links = re.compile(r'https://updates\.example\.org/(?:confirm|manage|unsubscribe)/[^\s"<>]+')
    assert set(links.findall(text)) == set(links.findall(html))
    expected = {
        NoticeKind.CONFIRMATION: {PUBLICATION.links.confirm(42, at=AT)},
        NoticeKind.WELCOME: {PUBLICATION.links.manage(42), PUBLICATION.links.unsubscribe(42)},
        NoticeKind.MANAGE_LINK: {PUBLICATION.links.manage(42), PUBLICATION.links.unsubscribe(42)},
    }
    assert set(links.findall(text)) == expected[kind]


@pytest.mark.parametrize("kind", NoticeKind)
def test_both_parts_say_what_is_followed_and_who_sends(kind):
    for part in parts(render(kind)):
        words = " ".join(part.split())
        assert "Central Asia, Sudan" in words
        assert "Example Foundation, 1 Sample Street" in words


def test_every_link_of_a_part_is_ours():
    for kind in NoticeKind:
        for part in parts(render(kind, latest=Month(2022, 11))):
            for url in re.findall(r'(?:https?:)?//[^\s"<>)]+', part):
                assert url.startswith("https://updates.example.org/"), url


def test_the_welcome_shows_the_latest_edition():
    for part in parts(render(NoticeKind.WELCOME, latest=Month(2022, 11))):
        assert "https://updates.example.org/editions/2022-11" in part
        assert "November 2022" in part


def test_a_confirmation_is_from_no_list_yet():
    names = {name.lower() for name in parsed(render(NoticeKind.CONFIRMATION))}

    assert not any(name.startswith("list-") for name in names)


@pytest.mark.parametrize("kind", FROM_THE_LIST)
def test_everything_else_can_be_left_with_one_click(kind):
    message = parsed(render(kind))

    url = PUBLICATION.links.unsubscribe(42)
    assert message["List-Unsubscribe"].startswith(f"<{url}>, <mailto:updates@example.org?subject=unsubscribe%20")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "<updates.example.org>"
    assert TOKENS.read(Purpose.UNSUBSCRIBE, url.rpartition("/")[2]) == 42


@pytest.mark.parametrize("kind", NoticeKind)
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
@pytest.mark.parametrize("kind", NoticeKind)
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
@given(st.text(), st.text(), st.sampled_from(NoticeKind))
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

    for kind in NoticeKind:
        html = parts(render(kind, publication=publication))[1]
        assert "<script" not in html
        assert "<b>" not in html
