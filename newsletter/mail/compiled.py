"""A compiled edition: the pieces that every reader's digest is spliced from.

The digest's templates are rendered once (mail.compiling), cut at the marks, and each piece encoded once. What a reader
gets is a join of bytes (mail.splicing): the pieces that all get, those of the places that they follow, and a few slots.

Places are bits: entry number i of the edition is 1 << i, and a selection is the sum of its places' bits.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from newsletter.errors import CompiledElsewhere
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET
from newsletter.mail.pictures.picture import Image

EVERYBODY = -1  #: the mask of a piece that all readers get: it has every bit
VERSION = 2  #: of what `dump` writes


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of the message, or the name of a slot."""

    mask: int = EVERYBODY  #: shown to readers who have any of these bits
    full: str = ""  #: for whom any of them is told in full; ASCII, encoded for its place in the message
    short: str = ""  #: for whom all that they have are told in brief
    slot: str = ""  #: a slot's name, instead of bytes


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes that something adds to a digest."""

    html: int  #: to the HTML, as a client counts it
    message: int  #: to the message as it is sent


@dataclass(frozen=True, slots=True)
class CompiledEntry:
    """What splicing needs to know of a place in the edition."""

    place: str
    region: str
    name: str
    preheader: str  #: its news, for the list of mails
    deteriorated: bool
    improved: bool
    conflict_risk: bool
    resolution_opportunity: bool
    full: Size
    short: Size


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that is needed to make the digests of an edition, and nothing of any reader."""

    month: str
    domain: str  #: of message ids and envelope senders
    subject: str  #: what each reader's begins with
    entries: tuple[CompiledEntry, ...]
    shorten_order: tuple[int, ...]  #: entry numbers, what is told in brief first in front
    frame: Size  #: without any entry
    pieces: tuple[Piece, ...]
    images: tuple[Image, ...] = ()  #: what its HTML shows; kept as files, beside what `dump` writes

    def dump(self) -> str:
        """As JSON, without the images: all bytes are ASCII by now."""
        return json.dumps({"version": VERSION, **asdict(replace(self, images=()))}, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> Compiled:
        """Read what `dump` wrote. Raises CompiledElsewhere for what another version of this program wrote."""
        data = json.loads(text)
        if data.get("version") != VERSION:
            raise CompiledElsewhere("the edition was compiled by another version of this program")
        return cls(
            month=data["month"],
            domain=data["domain"],
            subject=data["subject"],
            entries=tuple(
                CompiledEntry(**{**entry, "full": Size(**entry["full"]), "short": Size(**entry["short"])})
                for entry in data["entries"]
            ),
            shorten_order=tuple(data["shorten_order"]),
            frame=Size(**data["frame"]),
            pieces=tuple(Piece(**piece) for piece in data["pieces"]),
        )

    @property
    def least(self) -> int:
        """Bytes of the message with every place in it, all told in brief, but without the names of what is followed."""
        return self.frame.message + sum(entry.short.message for entry in self.entries)

    def shortened(self, chosen: int, names: Size) -> int:
        """The bits of those places that are told in brief, so that the digest keeps to its two budgets.

        `names` is what the names of all that the reader follows take.
        """
        html, message = self.frame.html + names.html, self.frame.message + names.message
        for number, entry in enumerate(self.entries):
            if chosen >> number & 1:
                html += entry.full.html
                message += entry.full.message
        bits = 0
        for number in self.shorten_order:
            if html <= HTML_BUDGET and message <= MESSAGE_BUDGET:
                break
            if chosen >> number & 1:
                bits |= 1 << number
                entry = self.entries[number]
                html -= entry.full.html - entry.short.html
                message -= entry.full.message - entry.short.message
        return bits
