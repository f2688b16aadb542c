"""One-off mails: confirmation, welcome, links to one's own page, change of address, goodbye, alert, correction.

A notice always gives the same bytes, but for an alert whose update was edited between two tries: that is told as it
stands.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from newsletter.domain import subject as subjects_
from newsletter.domain.correction import Correction
from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer
from newsletter.domain.states import NoticeKind
from newsletter.domain.update import Alert, Update
from newsletter.errors import TemplateError
from newsletter.mail import headers, parts
from newsletter.mail.fields import ListUnsubscribe, list_fields
from newsletter.mail.links import Purpose
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient, wire_address
from newsletter.mail.templates import environment, inline_css

#: To whom is not on the list yet, or no more, or to an admin: there is nothing that they could leave.
_OF_NO_LIST = frozenset(
    {
        NoticeKind.CONFIRMATION,
        NoticeKind.GOODBYE,
        NoticeKind.ADDRESS_CHANGE,
        NoticeKind.ADDRESS_CHANGED,
        NoticeKind.INVITATION,
        NoticeKind.PASSWORD_RESET,
    }
)

#: Whose link to the reader's own page has a date: somebody has asked for it just now.
_ASKED_FOR = frozenset({NoticeKind.MANAGE_LINK, NoticeKind.ALREADY_SUBSCRIBED})


#: What templates call the links that are another's in each mail.
_LINKS = (
    "confirm_url",
    "undo_url",
    "address_url",
    "manage_url",
    "unsubscribe_url",
    "invitation_url",
    "password_reset_url",
)


@dataclass(frozen=True, slots=True)
class NoticeMail:
    """One notice, ready to be sent."""

    mail_from: str
    rcpt_to: str
    data: bytes


class _Told(NamedTuple):
    """What a notice tells, for all who are told the same."""

    kind: NoticeKind
    follows: tuple[str, ...]
    latest: Month | None
    update: Update | None
    correction: Correction | None


class _Words(NamedTuple):
    """A notice in words, with marks where each reader's own links go."""

    subject: str
    text: str
    html: str


class Renderer:
    """Renders notices. Make one for a batch: who is told the same gets the same words, which are rendered once.

    An alert goes to very many readers, who differ in nothing but their links, and a template takes milliseconds. A
    template that was changed is seen by the next batch.
    """

    def __init__(self, publication: Publication, gazetteer: Gazetteer) -> None:
        self._publication = publication
        self._gazetteer = gazetteer
        self._words: dict[_Told, _Words] = {}
        # Nobody can write them into an update: they are made with the secret key.
        digest = publication.links.tokens.digest
        self._marks = {name: digest("mark of a notice", name) for name in _LINKS}

    def render(
        self,
        kind: NoticeKind,
        notice_id: int,
        recipient: Recipient,
        *,
        at: datetime,
        latest: Month | None,
        update: Update | None = None,
        correction: Correction | None = None,
    ) -> NoticeMail:
        """The mail of a notice that was made at the time `at`. Raises InvalidAddress.

        `latest` is the edition that a welcome points to. An alert can't do without `update`, which it is about, nor a
        correction without `correction`. Test copies are no notices in words: see mail.copies.
        Nothing in a notice was typed by whoever asked for it: a stranger must not be able to send words through us.
        """
        publication = self._publication
        rcpt_to = wire_address(recipient.address)
        identity = publication.links.tokens.digest("notice", notice_id)
        told = _Told(kind, recipient.follows, latest, update, correction)
        words = self._own_words(told, self._own_links(kind, notice_id, recipient.subscriber_id, at))
        fields = [
            headers.structured("To", rcpt_to) if rcpt_to.isascii() else f"To: {rcpt_to}\r\n".encode(),
            headers.structured("Message-ID", f"<{identity[:40]}@{publication.domain}>"),
            headers.mailbox("From", publication.sender_name, publication.sender_address),
            headers.date(at),
            headers.field("Subject", words.subject),
            *_list_of(kind, recipient, publication),
            headers.structured("Auto-Submitted", "auto-generated"),
            headers.structured("X-Auto-Response-Suppress", "All"),
            headers.structured("MIME-Version", "1.0"),
        ]
        return NoticeMail(
            mail_from=f"bounce+n.{notice_id}.{identity[:12]}@{publication.domain}",
            rcpt_to=rcpt_to,
            data=b"".join(fields) + _body(words, identity[:16], publication),
        )

    def _own_links(
        self, kind: NoticeKind, notice_id: int, subscriber_id: int, at: datetime
    ) -> Mapping[str, Callable[[], str]]:
        """The links of one reader, to be signed where a mail has them."""
        links, is_dated = self._publication.links, kind in _ASKED_FOR
        return {
            "confirm_url": lambda: links.confirm(subscriber_id, at=at),
            "undo_url": lambda: links.undo(subscriber_id, at=at),
            "address_url": lambda: links.address(notice_id, at=at),
            "manage_url": lambda: (
                links.manage_for_now(subscriber_id, at=at) if is_dated else links.manage(subscriber_id)
            ),
            "unsubscribe_url": lambda: links.unsubscribe(subscriber_id),
            "invitation_url": lambda: links.invitation(notice_id, at=at),
            "password_reset_url": lambda: links.password_reset(notice_id, at=at),
        }

    def _own_words(self, told: _Told, own: Mapping[str, Callable[[], str]]) -> _Words:
        """The words with the links of one reader."""
        if told not in self._words:
            self._words[told] = self._shared_words(told)
        subject, text_part, html_part = self._words[told]
        for name, mark in self._marks.items():
            if mark not in text_part and mark not in html_part:
                continue
            link = own[name]()
            text_part = text_part.replace(mark, link)
            html_part = html_part.replace(mark, html.escape(link))
        return _Words(subject, text_part, html_part)

    def _shared_words(self, told: _Told) -> _Words:
        publication, gazetteer, update = self._publication, self._gazetteer, told.update
        corrected = told.correction.updates if told.correction else ()
        context = {
            "publication": publication,
            "links": publication.links,
            "latest": told.latest,
            "alert": Alert.CONFLICT_RISK,
            "update": update,
            "place": gazetteer.require(update.place) if update else None,
            "correction": told.correction,
            "places": [gazetteer.require(each.place).name for each in corrected],
            "follows": [subjects_.name(code, gazetteer) for code in told.follows],
            **self._marks,
        }
        subject, text_part, html_part = (
            environment(publication.overrides).get_template(f"{told.kind.value}/{name}").render(context)
            for name in ("subject.txt", "body.txt", "body.html")
        )
        for name, part in (("body.txt", text_part), ("body.html", html_part)):
            if any(part.casefold().count(mark) != part.count(mark) for mark in self._marks.values()):
                raise TemplateError(f"templates/email/{told.kind.value}/{name}", None, "it changes a link by a filter")
        return _Words(subject, text_part, inline_css(html_part))


def render(
    kind: NoticeKind,
    notice_id: int,
    recipient: Recipient,
    publication: Publication,
    gazetteer: Gazetteer,
    *,
    at: datetime,
    latest: Month | None,
    update: Update | None = None,
    correction: Correction | None = None,
) -> NoticeMail:
    """A single notice: see Renderer.render."""
    renderer = Renderer(publication, gazetteer)
    return renderer.render(kind, notice_id, recipient, at=at, latest=latest, update=update, correction=correction)


def _body(words: _Words, identity: str, publication: Publication) -> bytes:
    carried = publication.brand.images() if publication.pictures is PictureMode.INLINE else ()
    pictures = [parts.picture(image, publication.content_id(image)) for image in carried]
    shown = parts.related(f"=_related_{identity}", parts.text("html", words.html), pictures)
    return parts.alternative(f"=_notice_{identity}", [parts.text("plain", words.text), shown])


def _list_of(kind: NoticeKind, recipient: Recipient, publication: Publication) -> list[bytes]:
    """What comes from the list can be left with one click."""
    if kind in _OF_NO_LIST:
        return []
    return [
        *list_fields(publication),
        ListUnsubscribe(publication).field(
            publication.links.tokens.maker(Purpose.UNSUBSCRIBE)(recipient.subscriber_id)
        ),
        headers.structured("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
