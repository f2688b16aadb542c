"""The digest as its templates see it, whether it is rendered for all readers at once or for one.

`Marks` and `Slots` are what differs: for the compiled edition they leave marks to cut at, for one reader's plain render
they are empty or hold that reader's words. Everything else is shared, so the two can't drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from markupsafe import Markup

from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Contents, Entry
from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer
from newsletter.domain.tally import Tally
from newsletter.domain.update import Alert, Trend
from newsletter.errors import TemplateError
from newsletter.mail import news
from newsletter.mail.pictures.illustrated import Illustrations
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.templates import environment, inline_css
from newsletter.mail.wrapping import TEXT_WIDTH, width, wrap

#: Bytes of HTML before entries are shortened. Gmail clips a message at about 102 kB.
HTML_BUDGET = 95_000
#: Bytes of the whole message, with both parts and the pictures that it carries.
MESSAGE_BUDGET = 150_000


class Marks(Protocol):
    """What the templates write around the parts that not every reader gets."""

    def heading(self, entries: Sequence[Entry]) -> Markup:
        """Before a heading that is shown if any of `entries` is."""

    def section(self, entries: Sequence[Entry]) -> Markup:
        """Before a heading that is shown if any of `entries` is told in full."""

    def block(self, entry: Entry, form: str) -> Markup:
        """Before what is told of an entry, in its "full" or "short" form; a short one follows the full one."""

    def end(self) -> Markup:
        """After either."""


class NoMarks:
    """For a plain render: nothing is marked."""

    def heading(self, entries: Sequence[Entry]) -> Markup:
        return Markup("")

    def section(self, entries: Sequence[Entry]) -> Markup:
        return Markup("")

    def block(self, entry: Entry, form: str) -> Markup:
        return Markup("")

    def end(self) -> Markup:
        return Markup("")


@dataclass(frozen=True, slots=True)
class Slots:
    """The words that are made for each reader."""

    preheader: str  #: the news, for the list of mails
    summary: str  #: the month in the reader's places
    follows: str  #: what they follow
    manage_url: str
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """The two parts of a digest."""

    text: str
    html: str


def render(
    contents: Contents,
    publication: Publication,
    illustrations: Illustrations,
    *,
    forms: Callable[[Entry], Sequence[str]],
    marks: Marks,
    text_slots: Slots,
    html_slots: Slots,
) -> Rendered:
    """Render both parts. `forms` says in which forms ("full", "short") an entry is told.

    Raises TemplateError for a template of the publisher's own that can't be used.
    """
    shared = {
        "month": contents.month,
        "contents": contents,
        "sections": [
            (region, told)
            for region, entries in contents.by_region()
            if (told := [entry for entry in entries if "full" in forms(entry)])
        ],
        "publication": publication,
        "brand": publication.brand,
        "own_image": partial(publication.edition_image, month=contents.month),
        "links": publication.links,
        "illustrations": illustrations,
        "trends": list(Trend),
        "alerts": list(Alert),
        "forms": forms,
        "marks": marks,
    }
    templates = environment(publication.overrides)
    text = templates.get_template("digest/body.txt").render(slots=text_slots, **shared)
    html = templates.get_template("digest/body.html").render(slots=html_slots, **shared)
    return Rendered(text, inline_css(html))


def subject_lead(month: Month, publication: Publication) -> str:
    """What the Subject of an edition's digests begins with, before each reader's news. Raises TemplateError."""
    template = environment(publication.overrides).get_template("digest/subject.txt")
    lead = " ".join(template.render(month=month, publication=publication).split())
    if not lead:
        raise TemplateError("templates/email/digest/subject.txt", None, "it is empty")
    return lead


class Wording:
    """Makes the words of the slots; the sentences that repeat from reader to reader are made once."""

    def __init__(self, publication: Publication, gazetteer: Gazetteer) -> None:
        self._links = publication.links
        self._names = {region.code: region.name for region in gazetteer.regions}
        self._names |= {place.code: place.name for place in gazetteer.places}
        self._names[subjects_.ALL] = subjects_.name(subjects_.ALL, gazetteer)

    def slots(self, recipient: Recipient, entries: Sequence[Entry], tally: Tally, short: int) -> tuple[Slots, Slots]:
        """A reader's words, for the text part and for the HTML part (where templates escape them)."""
        names = [self.name(code) for code in recipient.follows]
        summary = summarise(tally, short)
        opening = news.preheader(foremost(entries))
        manage_url = self._links.manage(recipient.subscriber_id)
        unsubscribe_url = self._links.unsubscribe(recipient.subscriber_id)
        return (
            Slots(opening, wrap(summary), in_columns(names), manage_url, unsubscribe_url),
            Slots(opening, summary, ", ".join(names), manage_url, unsubscribe_url),
        )

    def name(self, subject: str) -> str:
        """What a reader calls a subject."""
        return self._names.get(subject, subject)


def foremost(entries: Sequence[Entry]) -> Entry:
    """The entry with most to tell; of two alike, the first."""
    return max(entries, key=lambda entry: entry.weight)


def summarise(tally: Tally, short: int) -> str:
    """The month in the reader's places, and whether some of them are told in brief."""
    if not short:
        return tally.sentence
    told = f"{short} of them are" if short > 1 else "one of them is"
    return f"{tally.sentence} To keep this mail short, {told} told in brief, with a link to the rest on the web."


def in_columns(names: Sequence[str]) -> str:
    """Names in two columns of a text part."""
    rows = zip(names[::2], [*names[1::2], ""], strict=False)
    return "\n".join(f"{padded(left)}{right}" if right else left for left, right in rows)


def padded(name: str) -> str:
    """A name that another one stands behind."""
    return f"{name}{' ' * max(TEXT_WIDTH // 2 - width(name), 2)}"
