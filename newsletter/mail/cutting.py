"""Marks in a rendered digest, and what it falls into when it is cut at them.

Marks are comments with a number that nobody can know beforehand, so no text of an editor can be taken for one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields

from markupsafe import Markup

from newsletter.domain.edition import Contents, Entry
from newsletter.errors import TemplateError
from newsletter.mail import markup
from newsletter.mail.compiled import EVERYBODY
from newsletter.mail.digest import Slots

_RECOGNISED = 40  #: characters of a headline that nothing else is likely to begin with
#: What no digest is without, in either part.
_NEEDED = ("summary", "follows", "manage_url", "unsubscribe_url")


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a rendered part."""

    text: str
    mask: int = EVERYBODY  #: as Piece has it
    form: str = "full"  #: full, short, heading or section
    slot: str = ""

    @property
    def is_block(self) -> bool:
        """Whether it belongs to an entry."""
        return self.form in ("full", "short") and self.mask != EVERYBODY

    @property
    def size(self) -> int:
        """Octets, with CRLF line ends."""
        return len(self.text.encode()) + self.text.count("\n")


@dataclass(frozen=True, slots=True)
class CompileMarks:
    """Marks to cut at."""

    contents: Contents
    own_words: str  #: the publisher's, which stand in every mail
    key: str = field(default_factory=lambda: f"cut-{secrets.token_hex(8)}")

    def heading(self, entries: Sequence[Entry]) -> Markup:
        return self._mark(sum(self.bit(entry) for entry in entries), "heading")

    def section(self, entries: Sequence[Entry]) -> Markup:
        return self._mark(sum(self.bit(entry) for entry in entries), "section")

    def block(self, entry: Entry, form: str) -> Markup:
        return self._mark(self.bit(entry), form)

    def end(self) -> Markup:
        return self._mark("end", "")

    def _mark(self, bits: int | str, form: str) -> Markup:
        return Markup(f"<!--{self.key}:{bits}:{form}-->")  # noqa: S704 - own text

    def bit(self, entry: Entry) -> int:
        """What stands for an entry in a selection."""
        return 1 << self.contents.entries.index(entry)

    def slots(self) -> Slots:
        """Marks where each reader's own words go."""
        return Slots(*[f"{self.key}:slot:{each.name}:" for each in fields(Slots)])

    def cut(self, rendered: str) -> Iterator[Cut]:
        """Cut a rendered part at its marks."""
        pattern = f"<!--{self.key}:(\\d+|end):(full|short|heading|section|)-->|{self.key}:slot:([a-z_]+):"
        position, mask, form = 0, EVERYBODY, "full"
        for match in re.finditer(pattern, rendered):
            if match.start() > position:
                yield Cut(rendered[position : match.start()], mask, form)
            position = match.end()
            bits, new_form, slot = match.groups()
            if slot:
                yield Cut("", slot=slot)
            elif bits == "end":
                mask, form = EVERYBODY, "full"
            else:
                mask, form = int(bits), new_form
        yield Cut(rendered[position:], mask, form)

    def require_all(self, file: str, cuts: Sequence[Cut]) -> None:
        """Raises TemplateError for a template, maybe the publisher's own, that readers can't be told apart by."""
        if any(self.key.lower() in cut.text.lower() for cut in cuts):
            raise TemplateError(file, None, "it changes a slot or a mark; write slots and marks without any filter")
        if self._is_told_to_everybody(cuts):
            raise TemplateError(file, None, "it tells entries without marks.block, so everybody would get all of them")
        missing = [name for name in _NEEDED if name not in {cut.slot for cut in cuts}]
        if missing:
            raise TemplateError(file, None, f"it lacks slots.{missing[0]}")

    def _is_told_to_everybody(self, cuts: Sequence[Cut]) -> bool:
        """Whether an entry has no block, or its headline is outside of all blocks.

        Editors may repeat it in the overview, and a publisher may be called like it.
        """
        told = {cut.mask for cut in cuts if cut.is_block}
        shared = " ".join(" ".join(cut.text for cut in cuts if cut.mask == EVERYBODY).split())
        elsewhere = " ".join(f"{self.contents.overview} {self.own_words}".split())
        for entry in self.contents.entries:
            headline = " ".join(entry.update.headline.split())[:_RECOGNISED]
            if self.bit(entry) not in told:
                return True
            if len(headline) == _RECOGNISED and headline not in elsewhere and markup.escape(headline) in shared:
                return True
        return False
