"""An edition from its contents to the digests of its readers, beside the same digests made in the ordinary way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from itertools import combinations, count, cycle, islice

from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Contents, Entry
from newsletter.domain.tally import Tally, places_by_subject
from newsletter.domain.update import Development
from newsletter.mail import compiling, digest, markup
from newsletter.mail.compiled import Compiled
from newsletter.mail.digest import NoMarks, Slots, Wording
from newsletter.mail.pictures.illustrated import Illustrations, illustrate
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.storage.places import gazetteer

AT = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
ADDRESSES = ("reader{}@example.org", "leser{}@bücher.example", "o'neil+{}=x@mail.example.org")


@dataclass(frozen=True)
class TriedEdition:
    """An edition as it is kept and sent, beside what it was made of."""

    contents: Contents
    publication: Publication

    @cached_property
    def compiled(self) -> Compiled:
        return Compiled.load(compiling.compile_edition(self.contents, self.publication, at=AT).dump())

    @cached_property
    def splicer(self) -> Splicer:
        return Splicer(self.compiled, self.publication, gazetteer())

    @cached_property
    def illustrations(self) -> Illustrations:
        return illustrate(self.contents, self.publication.pictures)

    def markdown(self) -> list[str]:
        """Every text of it that is Markdown."""
        found = [each.text for entry in self.contents.entries for each in entry.update.developments]
        return [*found, self.contents.overview]

    def readers(self, number: int) -> list[Recipient]:
        """Readers of each choice among the places in turn, of their regions, and of everything."""
        codes = [entry.place.code for entry in self.contents.entries]
        choices = [each for size in range(len(codes), 0, -1) for each in combinations(codes, size)]
        choices += [(subjects_.ALL,), tuple(entry.place.region.code for entry in self.contents.entries), (*codes, "FR")]
        chosen = zip(count(1), cycle(ADDRESSES), cycle(choices), strict=False)
        return [
            Recipient(at, address.format(at), subjects_.parse(follows, gazetteer()))
            for at, address, follows in islice(chosen, number)
        ]

    def own(self, reader: Recipient) -> Contents:
        """What is for this reader."""
        places = (entry.place for entry in self.contents.entries)
        return self.contents.only(
            each.code for each in places if subjects_.covers(reader.follows, each.code, each.region.code)
        )

    def shortened(self, reader: Recipient) -> frozenset[str]:
        """The places that this reader is told of in brief."""
        return self.splicer.in_brief(reader.follows)

    def plainly_rendered(self, reader: Recipient) -> tuple[str, str]:
        """The ordinary way: text and HTML of one Jinja render, with line ends as a message has them."""
        own, shortened = self.own(reader), self.shortened(reader)
        tally = Tally.of(own.entries, sum(_places()[code] for code in reader.follows))
        text, html = Wording(self.publication, gazetteer()).slots(reader, own.entries, tally, len(shortened))
        rendered = self._render(own, self.publication, shortened, text, html)
        return _line_ends(rendered.text), _line_ends(rendered.html)

    def _render(
        self, own: Contents, publication: Publication, shortened: frozenset[str], text: Slots, html: Slots
    ) -> digest.Rendered:
        def forms(entry: Entry) -> Sequence[str]:
            return ("short",) if entry.place.code in shortened else ("full",)

        return digest.render(
            own, publication, self.illustrations, forms=forms, marks=NoMarks(), text_slots=text, html_slots=html
        )

    def harmless_html(self, reader: Recipient) -> str:
        """The same page with plain words in place of every text, and what Markdown makes of the editors'."""
        brand = self.publication.brand
        logo = replace(brand.logo, alt="x") if brand.logo else None
        publication = replace(
            self.publication,
            title="x",
            sender_name="x",
            postal_address=_plain(self.publication.postal_address or ""),
            brand=replace(brand, footer=_plain(brand.footer), logo=logo),
        )
        own, written = _without_texts(self.own(reader))
        words = Slots("x", "x", "x", "https://example.org/m", "https://example.org/u")
        rendered = self._render(own, publication, self.shortened(reader), words, words)
        return re.sub(r"<p[^>]*>mark(\d+)</p>", lambda mark: markup.to_html(written[int(mark[1])]), rendered.html)


@cache
def _places() -> Mapping[str, int]:
    """How many each subject has."""
    return places_by_subject(gazetteer())


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _plain(text: str) -> str:
    """A plain word in each line."""
    return "\n".join("x" for _ in text.splitlines())


def _without_texts(contents: Contents) -> tuple[Contents, list[str]]:
    """The contents with plain words for its texts, and the Markdown that "mark" and a number stand for."""
    written: list[str] = []

    def marked(markdown: str) -> str:
        written.append(markdown)
        return f"mark{len(written) - 1}"

    entries = []
    for entry in contents.entries:
        update = entry.update
        plain = replace(
            update,
            headline="x",
            developments=tuple(Development("x", marked(each.text)) for each in update.developments),
            quotes=tuple(replace(each, words="x", outlet="x", person=None, role=None) for each in update.quotes),
            links=tuple(replace(each, kind="x", title="x", url="https://example.org/") for each in update.links),
        )
        entries.append(replace(entry, update=plain))
    overview = marked(contents.overview) if contents.overview else ""
    return replace(contents, entries=tuple(entries), overview=overview), written
