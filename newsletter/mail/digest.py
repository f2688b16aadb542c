"""The digest as its templates see it, whether it is rendered for all readers at once or for one.

`Marks` and `Slots` are what differs: for the compiled edition they leave marks to cut at, for one reader's plain render
they are empty or hold that reader's words. Everything else is shared, so the two can't drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from markupsafe import Markup

from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Contents, Entry, Tally
from newsletter.domain.place import Gazetteer
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.templates import TEXT_WIDTH, environment, inline_css, wrap

#: Bytes of HTML before entries are shortened. Gmail clips a message at about 102 kB.
HTML_BUDGET = 95_000


class Marks(Protocol):
    """What the templates write around the parts that not every reader gets."""

    def heading(self, entries: Sequence[Entry]) -> Markup:
        """Before a heading that is shown if any of `entries` is."""

    def block(self, entry: Entry, form: str) -> Markup:
        """Before an entry in its "full" or "short" form."""

    def end(self) -> Markup:
        """After either."""


class NoMarks:
    """For a plain render: nothing is marked."""

    def heading(self, entries: Sequence[Entry]) -> Markup:
        return Markup("")

    def block(self, entry: Entry, form: str) -> Markup:
        return Markup("")

    def end(self) -> Markup:
        return Markup("")


@dataclass(frozen=True, slots=True)
class Slots:
    """The words that are made for each reader."""

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
    *,
    forms: Callable[[Entry], Sequence[str]],
    marks: Marks,
    text_slots: Slots,
    html_slots: Slots,
) -> Rendered:
    """Render both parts. `forms` says in which forms ("full", "short") an entry is written."""
    shared = {
        "month": contents.month,
        "groups": contents.groups(),
        "publication": publication,
        "links": publication.links,
        "forms": forms,
        "marks": marks,
    }
    text = environment().get_template("digest/body.txt").render(slots=text_slots, **shared)
    html = environment().get_template("digest/body.html").render(slots=html_slots, **shared)
    return Rendered(text, inline_css(html))


def subject(contents: Contents, publication: Publication) -> str:
    """The Subject of an edition's digests."""
    template = environment().get_template("digest/subject.txt")
    return template.render(month=contents.month, groups=contents.groups(), publication=publication).strip()


class Wording:
    """Makes the words of the slots; the sentences that repeat from reader to reader are made once."""

    def __init__(self, publication: Publication, gazetteer: Gazetteer) -> None:
        self._links = publication.links
        self._names = {region.code: region.name for region in gazetteer.regions}
        self._names |= {place.code: place.name for place in gazetteer.places}
        self._names[subjects_.ALL] = subjects_.name(subjects_.ALL, gazetteer)

    def slots(self, recipient: Recipient, tally: Tally, shortened: int) -> tuple[Slots, Slots]:
        """A reader's words, for the text part and for the HTML part (where templates escape them)."""
        names = [self.name(code) for code in recipient.follows]
        summary = summarise(tally, shortened)
        manage_url = self._links.manage(recipient.subscriber_id)
        unsubscribe_url = self._links.unsubscribe(recipient.subscriber_id)
        return (
            Slots(wrap(summary), in_lines(names), manage_url, unsubscribe_url),
            Slots(summary, ", ".join(names), manage_url, unsubscribe_url),
        )

    def name(self, subject: str) -> str:
        """What a reader calls a subject."""
        return self._names.get(subject, subject)


def summarise(tally: Tally, shortened: int) -> str:
    """The month in the reader's places, and whether some of them are told in brief."""
    if not shortened:
        return tally.sentence
    return f"{tally.sentence} To keep this mail short, {shortened} of them are told in brief, with a link to the rest."


def in_lines(names: Sequence[str]) -> str:
    """Names parted by commas, in lines of a text part; unlike wrap, it never breaks a name."""
    lines = []
    line = names[0] if names else ""
    for name in names[1:]:
        if len(line) + len(name) + 3 > TEXT_WIDTH:
            lines.append(f"{line},")
            line = name
        else:
            line = f"{line}, {name}"
    return "\n".join([*lines, line])
