"""Test copies: a digest as a reader would get it, marked as no real one, for a colleague.

The mark stands in the subject, and above the text and the HTML. What clients make an unsubscribe button of is taken out
(RFC 8058), and the links in it name nobody, so that nobody leaves by a copy.
"""

from __future__ import annotations

import email
import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from email import policy

from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Contents
from newsletter.domain.place import Gazetteer
from newsletter.errors import TemplateError
from newsletter.mail import compiling, headers, parts, quoted
from newsletter.mail.compiled import Compiled
from newsletter.mail.notice import NoticeMail
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.mail.templates import environment

_FIELD = re.compile(rb"[!-9;-~]+:(?:[^\r]|\r\n[ \t])*\r\n")
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_NOBODY = 0  #: no subscriber has this id

#: What a list's mail has, and a copy has not.
_LEFT_OUT = frozenset({"list-unsubscribe", "list-unsubscribe-post", "feedback-id", "precedence"})


@dataclass(frozen=True, slots=True)
class CopySource:
    """What a test copy is made of."""

    contents: Contents  #: of the edition as it stands
    compiled: Compiled | None  #: what approval froze; None of a draft
    made_at: datetime  #: when the edition was approved, or assembled
    text_only: bool  #: as a reader gets it who wants no HTML
    asked_by: str  #: an admin


def splicer(source: CopySource, publication: Publication, gazetteer: Gazetteer) -> Splicer:
    """Makes the copies of an edition. A draft's carry their pictures: nothing of it is on the web yet."""
    compiled = source.compiled
    if compiled is None:
        carrying = replace(publication, pictures=PictureMode.INLINE)
        compiled = compiling.compile_edition(source.contents, carrying, at=source.made_at)
    return Splicer(compiled, publication, gazetteer)


def render(
    source: CopySource,
    made: Splicer,
    notice_id: int,
    recipient: Recipient,
    *,
    publication: Publication,
    gazetteer: Gazetteer,
    at: datetime,
) -> NoticeMail:
    """The copy for a recipient, whose id is nobody's. Raises InvalidAddress, TemplateError."""
    reader = Recipient(_NOBODY, recipient.address, recipient.follows, source.text_only)
    spliced = made.splice(reader)
    names = [subjects_.name(code, gazetteer) for code in recipient.follows]
    templates = environment(publication.overrides)

    def words(name: str, **context: str) -> str:
        facts = {"publication": publication, "asked_by": source.asked_by, "follows": names, **context}
        return templates.get_template(f"test_copy/{name}").render(facts)

    data = _with_words(spliced.data, "plain", lambda text: words("body.txt") + text)
    data = _with_words(data, "html", lambda html: _below_body(html, words("body.html")))
    identity = publication.links.tokens.digest("notice", notice_id)
    own = {
        "message-id": headers.structured("Message-ID", f"<{identity[:40]}@{publication.domain}>"),
        "date": headers.date(at),
        "subject": headers.field("Subject", words("subject.txt", subject=_subject(data))),
    }
    return NoticeMail(
        mail_from=f"bounce+n.{notice_id}.{identity[:12]}@{publication.domain}",
        rcpt_to=spliced.rcpt_to,
        data=_with_fields(data, own),
    )


def _subject(data: bytes) -> str:
    return str(email.message_from_bytes(data, policy=policy.SMTP)["Subject"])


def _with_words(data: bytes, subtype: str, change: Callable[[str], str]) -> bytes:
    """The message with the words of its first such part changed, if it has one."""
    head = parts.text_head(subtype)
    start = data.find(head)
    if start < 0:
        return data
    start += len(head)
    end = data.find(b"\r\n--=_", start)  # no boundary can be within a text (mail.parts)
    end = len(data) if end < 0 else end
    words = quopri.decodestring(data[start:end]).decode().replace("\r\n", "\n")
    return data[:start] + quoted.encode(change(words)) + data[end:]


def _below_body(html: str, banner: str) -> str:
    found = _BODY.search(html)
    if found is None:
        raise TemplateError("templates/email/digest/body.html", None, "it has no <body> to put a test copy's mark into")
    return f"{html[: found.end()]}{banner}{html[found.end() :]}"


def _with_fields(data: bytes, own: dict[str, bytes]) -> bytes:
    """The message with these header fields in the place of its own, and without those of a list's mail."""
    head, _, body = data.partition(b"\r\n\r\n")
    kept = []
    for field in _FIELD.findall(head + b"\r\n"):
        name = field.partition(b":")[0].decode("ascii").lower()
        if name not in _LEFT_OUT:
            kept.append(own.get(name, field))
    return b"".join(kept) + b"\r\n" + body
