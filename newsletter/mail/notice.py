"""One-off mails: confirmation, welcome, manage link. Rendered one by one; a notice always gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer
from newsletter.domain.states import NoticeKind
from newsletter.mail import headers, quoted
from newsletter.mail.digest import Wording
from newsletter.mail.fields import list_fields, list_unsubscribe
from newsletter.mail.links import Purpose
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient, wire_address
from newsletter.mail.templates import environment, inline_css


@dataclass(frozen=True, slots=True)
class NoticeMail:
    """One notice, ready to be sent."""

    mail_from: str
    rcpt_to: str
    data: bytes


def render(
    kind: NoticeKind,
    notice_id: int,
    recipient: Recipient,
    publication: Publication,
    gazetteer: Gazetteer,
    *,
    at: datetime,
    latest: Month | None,
) -> NoticeMail:
    """The mail of a notice that was made at the time `at`. Raises InvalidAddress.

    Nothing in it was typed by whoever asked for it: a stranger must not be able to send words through us.
    """
    rcpt_to = wire_address(recipient.address)
    identity = publication.links.tokens.digest("notice", notice_id)
    subject, text, html = _words(kind, recipient, publication, gazetteer, at=at, latest=latest)
    boundary = f"=_notice_{identity[:16]}"
    fields = [
        headers.structured("To", rcpt_to) if rcpt_to.isascii() else f"To: {rcpt_to}\r\n".encode(),
        headers.structured("Message-ID", f"<{identity[:40]}@{publication.domain}>"),
        headers.mailbox("From", publication.sender_name, publication.sender_address),
        headers.date(at),
        headers.field("Subject", subject),
        *_list_of(kind, recipient, publication),
        headers.structured("Auto-Submitted", "auto-generated"),
        headers.structured("X-Auto-Response-Suppress", "All"),
        headers.structured("MIME-Version", "1.0"),
        headers.structured("Content-Type", "multipart/alternative;", f'boundary="{boundary}"'),
    ]
    return NoticeMail(
        mail_from=f"bounce+n.{notice_id}.{identity[:12]}@{publication.domain}",
        rcpt_to=rcpt_to,
        data=b"".join(fields) + b"\r\n" + _body(text, html, boundary.encode()),
    )


def _words(
    kind: NoticeKind,
    recipient: Recipient,
    publication: Publication,
    gazetteer: Gazetteer,
    *,
    at: datetime,
    latest: Month | None,
) -> tuple[str, str, str]:
    """Subject, text part and HTML part."""
    links = publication.links
    wording = Wording(publication, gazetteer)
    context = {
        "publication": publication,
        "links": links,
        "latest": latest,
        "follows": [wording.name(code) for code in recipient.follows],
        "confirm_url": links.confirm(recipient.subscriber_id, at=at),
        "manage_url": links.manage(recipient.subscriber_id),
        "unsubscribe_url": links.unsubscribe(recipient.subscriber_id),
    }
    subject, text, html = (
        environment().get_template(f"{kind.value}/{name}").render(context)
        for name in ("subject.txt", "body.txt", "body.html")
    )
    return subject, text, inline_css(html)


def _body(text: str, html: str, boundary: bytes) -> bytes:
    parts = (
        b"--%b\r\nContent-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
        % (boundary, subtype, quoted.encode(part))
        for subtype, part in ((b"plain", text), (b"html", html))
    )
    return b"%b--%b--\r\n" % (b"".join(parts), boundary)


def _list_of(kind: NoticeKind, recipient: Recipient, publication: Publication) -> list[bytes]:
    """A confirmation is from no list yet; everything else can be left with one click."""
    if kind is NoticeKind.CONFIRMATION:
        return []
    return [
        *list_fields(publication),
        list_unsubscribe(publication.links.tokens.make(Purpose.UNSUBSCRIBE, recipient.subscriber_id), publication),
        headers.structured("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
