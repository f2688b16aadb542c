"""How heavy the digests of an edition get, and what their HTML lacks: seen in those of who follows most.

To compile an edition takes a part of a second or more, so what was found is kept until the edition tells anything else.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Contents
from newsletter.domain.formats import contents as contents_json
from newsletter.mail.compiled import Compiled
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.services import editions
from newsletter.services.checks.finding import Check, Finding
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition

_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"\balt\s*=", re.IGNORECASE)
_ADDRESS = re.compile(r"""<a\b[^>]*?\bhref\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_SCHEMES = ("http", "https", "mailto", "tel")


@dataclass(frozen=True, slots=True)
class Weight:
    """The largest digest of an edition, and what is wrong in its HTML."""

    html_bytes: int = 0
    message_bytes: int = 0
    in_brief: int = 0  #: places that are told in brief there, to keep to the budgets
    images_without_words: int = 0
    relative: tuple[str, ...] = ()  #: addresses that no mail can follow

    def findings(self) -> Iterator[Finding]:
        """What is too much, and what no single update is to blame for."""
        largest = "The digest of who follows everything"
        for name, size, budget in (
            ("HTML", self.html_bytes, HTML_BUDGET),
            ("message", self.message_bytes, MESSAGE_BUDGET),
        ):
            if size > budget:
                words = f"{size / 1000:.1f} kB of {name}, more than {budget // 1000} kB, with all it can in brief"
                yield Finding(Check.SIZE, f"{largest} has {words}; shorten headlines or the overview.")
        if self.images_without_words:
            number = self.images_without_words
            what = "1 image of the mail’s template has" if number == 1 else f"{number} images of the mail have"
            yield Finding(Check.IMAGE, f"{what} no alternative text: give the tag an alt attribute, if an empty one.")
        for address in self.relative:
            yield Finding(Check.LINK, f"The mail links to “{address[:80]}”, which is no whole address.")


class Scales:
    """Weighs editions. Keep one, so that the same edition isn't compiled again and again; threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, Weight]] = {}

    def weigh(
        self, session: Session, edition: Edition, told: Contents, publication: Publication, *, now: datetime
    ) -> Weight:
        """The weight of an edition that tells `told`. Raises TemplateError for a template that can't be used."""
        if not told.entries:
            return Weight()
        state = (contents_json.dump(told), publication)
        kept = self._kept.get(edition.month)
        if kept is not None and kept[0] == state:
            return kept[1]
        made = editions.compile_draft(session, edition, publication, now=now)
        weight = _weight(made, publication, [entry.place.code for entry in told.entries])
        self._kept[edition.month] = (state, weight)
        return weight


def _weight(made: Compiled, publication: Publication, codes: list[str]) -> Weight:
    splicer = Splicer(made, publication, gazetteer())
    # Whoever follows each place by itself has all their names in the footer.
    selections = ((subjects_.ALL,), tuple(codes))
    mails = [splicer.splice(Recipient(0, "reader@example.org", follows)).data for follows in selections]
    htmls = [_html(data) for data in mails]
    page = htmls[0].decode(errors="replace")
    return Weight(
        html_bytes=max(map(len, htmls)),
        message_bytes=max(map(len, mails)),
        in_brief=max(len(splicer.in_brief(follows)) for follows in selections),
        images_without_words=sum(not _ALTERNATIVE.search(tag) for tag in _IMAGE.findall(page)),
        relative=tuple(dict.fromkeys(url for url in _ADDRESS.findall(page) if not _leads_somewhere(url))),
    )


def _leads_somewhere(url: str) -> bool:
    """Whether a mail can follow an address: of the web, of a person, or of a part of itself."""
    return url.startswith("#") or urlsplit(url).scheme in _SCHEMES


def _html(data: bytes) -> bytes:
    message = email.message_from_bytes(data, _class=EmailMessage, policy=policy.SMTP)
    part = message.get_body(("html",))
    sent = part.get_payload(decode=True) if part is not None else b""
    return sent if isinstance(sent, bytes) else b""
