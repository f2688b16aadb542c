"""A compiled edition: the pieces that every reader's digest is spliced from.

The digest's templates are rendered once (mail.compiling), cut at the marks, and each piece encoded once. What a reader
gets is a join of bytes (mail.splicing): the pieces that all get, those of the places that they follow, and a few slots.

Places are bits: entry number i of the edition is 1 << i, and a selection is the sum of its places' bits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from newsletter.domain import subject as subjects_
from newsletter.mail.digest import HTML_BUDGET

EVERYBODY = -1  #: the mask of a piece that all readers get: it has every bit


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of the message, or the name of a slot."""

    mask: int = EVERYBODY  #: shown to readers who have any of these bits
    full: str = ""  #: ASCII, encoded for its place in the message
    short: str = ""  #: the same for a reader to whom the place is told in brief; equal to `full` outside entries
    slot: str = ""  #: a slot's name, instead of bytes


@dataclass(frozen=True, slots=True)
class CompiledEntry:
    """What splicing needs to know of a place in the edition."""

    place: str
    region: str
    deteriorated: bool
    improved: bool
    conflict_risk: bool
    resolution_opportunity: bool
    html_full: int  #: bytes of the HTML that the entry adds, in full
    html_short: int  #: and in brief


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that is needed to make the digests of an edition, and nothing of any reader."""

    month: str
    domain: str  #: of message ids and envelope senders
    entries: tuple[CompiledEntry, ...]
    shorten_order: tuple[int, ...]  #: entry numbers, what is told in brief first in front
    html_frame: int  #: bytes of HTML without any entry
    pieces: tuple[Piece, ...]

    def dump(self) -> str:
        """As JSON: all bytes are ASCII by now."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> Compiled:
        """Read what `dump` wrote."""
        data = json.loads(text)
        return cls(
            month=data["month"],
            domain=data["domain"],
            entries=tuple(CompiledEntry(**entry) for entry in data["entries"]),
            shorten_order=tuple(data["shorten_order"]),
            html_frame=data["html_frame"],
            pieces=tuple(Piece(**piece) for piece in data["pieces"]),
        )

    def chosen(self, follows: Sequence[str]) -> int:
        """The bits of the places that somebody with this selection gets."""
        bits = 0
        for number, entry in enumerate(self.entries):
            if subjects_.covers(follows, entry.place, entry.region):
                bits |= 1 << number
        return bits

    def shortened(self, chosen: int) -> int:
        """The bits of those places that are told in brief, so that the HTML keeps to its budget."""
        size = self.html_frame
        for number, entry in enumerate(self.entries):
            if chosen >> number & 1:
                size += entry.html_full
        bits = 0
        for number in self.shorten_order:
            if size <= HTML_BUDGET:
                break
            if chosen >> number & 1:
                bits |= 1 << number
                size -= self.entries[number].html_full - self.entries[number].html_short
        return bits
