"""One reader's digest out of a compiled edition: a join of bytes, in microseconds, whatever the reader follows."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Tally
from newsletter.domain.place import Gazetteer
from newsletter.mail import quoted
from newsletter.mail.compiled import Compiled
from newsletter.mail.digest import Wording, summarise
from newsletter.mail.fields import list_unsubscribe
from newsletter.mail.follows import FollowsPieces
from newsletter.mail.links import Purpose
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient, wire_address
from newsletter.mail.templates import wrap

_EncodedPiece = tuple[int, bytes, bytes, str]  # mask, full, short, slot
_Step = tuple[int, int, list[bytes], str]  # mask, shift, bytes for each choice of the entries from `shift` on, slot
_STEP_ENTRIES = 4
_STEP_MASK = (1 << _STEP_ENTRIES) - 1


@dataclass(frozen=True, slots=True)
class SplicedDigest:
    """One reader's message."""

    mail_from: str
    rcpt_to: str
    data: bytes
    shortened: int  #: how many places are told in brief


class Splicer:
    """Makes the digests of one edition."""

    def __init__(self, compiled: Compiled, publication: Publication, gazetteer: Gazetteer) -> None:
        self._compiled = compiled
        self._publication = publication
        links = publication.links
        self._manage, self._unsubscribe = (quoted.encode(links.manage_prefix), quoted.encode(links.unsubscribe_prefix))
        self._follows = FollowsPieces(Wording(publication, gazetteer).name)
        self._bits: dict[str, int] = {}
        for number, entry in enumerate(compiled.entries):
            for code in (subjects_.ALL, entry.region, entry.place):
                self._bits[code] = self._bits.get(code, 0) | 1 << number
        self._pieces = [
            (piece.mask, piece.full.encode("ascii"), piece.short.encode("ascii"), piece.slot)
            for piece in compiled.pieces
        ]
        self._steps = list(_steps(self._pieces))
        self._fits = compiled.shortened(compiled.chosen((subjects_.ALL,))) == 0
        self._counted = [
            sum(1 << number for number, entry in enumerate(compiled.entries) if getattr(entry, name))
            for name in ("deteriorated", "improved", "conflict_risk", "resolution_opportunity")
        ]
        self._summaries = lru_cache(4096)(_summaries)

    def chosen(self, follows: Sequence[str]) -> int:
        """Like Compiled.chosen, at the cost of a look-up a subject; 0 when there is nothing to tell."""
        bits = 0
        for code in follows:
            bits |= self._bits.get(code, 0)
        return bits

    def tally(self, chosen: int) -> Tally:
        """How many of the chosen places did what."""
        return Tally(chosen.bit_count(), *[(chosen & bits).bit_count() for bits in self._counted])

    def splice(self, recipient: Recipient) -> SplicedDigest:
        """The reader's digest. Raises InvalidAddress for an address whose domain can't be written in ASCII."""
        chosen = self.chosen(recipient.follows)
        shortened = 0 if self._fits else self._compiled.shortened(chosen)
        rcpt_to = wire_address(recipient.address)
        domain = self._compiled.domain
        identity = self._publication.links.tokens.digest("digest", self._compiled.month, recipient.subscriber_id)
        values = self._values(recipient, self.tally(chosen), shortened.bit_count())
        values["to"] = b"To: %b\r\n" % rcpt_to.encode()
        values["message_id"] = f"Message-ID: <{identity[:40]}@{domain}>\r\n".encode("ascii")
        data = self._shortened(values, chosen, shortened) if shortened else self._whole(values, chosen)
        return SplicedDigest(
            mail_from=f"bounce+{self._compiled.month}.{recipient.subscriber_id}.{identity[:12]}@{domain}",
            rcpt_to=rcpt_to,
            data=data,
            shortened=shortened.bit_count(),
        )

    def _whole(self, values: dict[str, bytes], chosen: int) -> bytes:
        """The message with every entry in full: most of them, and so by the quick way."""
        parts = []
        for mask, shift, found, slot in self._steps:
            if slot:
                parts.append(values[slot])
            elif mask & chosen:
                parts.append(found[chosen >> shift & _STEP_MASK])
        return b"".join(parts)

    def _shortened(self, values: dict[str, bytes], chosen: int, shortened: int) -> bytes:
        parts = []
        for mask, full, short, slot in self._pieces:
            if slot:
                parts.append(values[slot])
            elif mask & chosen:
                parts.append(short if mask & shortened else full)
        return b"".join(parts)

    def _values(self, recipient: Recipient, tally: Tally, shortened: int) -> dict[str, bytes]:
        """The slots' bytes, each encoded for the part that it stands in."""
        links = self._publication.links
        text_summary, html_summary = self._summaries(tally, shortened)
        unsubscribe_token = links.tokens.make(Purpose.UNSUBSCRIBE, recipient.subscriber_id)
        # A token is shorter than a line, and has nothing in it that quoted-printable would encode.
        manage = b"%b%b=\r\n" % (self._manage, links.tokens.make(Purpose.MANAGE, recipient.subscriber_id).encode())
        unsubscribe = b"%b%b=\r\n" % (self._unsubscribe, unsubscribe_token.encode())
        return {
            "list_unsubscribe": list_unsubscribe(unsubscribe_token, self._publication),
            "text.summary": text_summary,
            "html.summary": html_summary,
            "text.follows": self._follows.text(recipient.follows),
            "html.follows": self._follows.html(recipient.follows),
            "text.manage_url": manage,
            "html.manage_url": manage,
            "text.unsubscribe_url": unsubscribe,
            "html.unsubscribe_url": unsubscribe,
        }


def _steps(pieces: Sequence[_EncodedPiece]) -> Iterator[_Step]:
    """The pieces with neighbouring entries taken together: for each choice among them their bytes, joined beforehand.

    Four entries a step are 16 choices, which cost little memory and make the walk over an edition four times shorter.
    """
    held: list[tuple[int, bytes]] = []
    for mask, full, _, slot in pieces:
        bit = mask.bit_length() - 1
        is_entry = not slot and mask > 0 and mask == 1 << bit
        if held and not (is_entry and held[0][0] < bit < held[0][0] + _STEP_ENTRIES):
            yield _step(held)
            held = []
        if is_entry:
            held.append((bit, full))
        else:
            yield mask, 0, [full] * (_STEP_MASK + 1), slot
    if held:
        yield _step(held)


def _step(entries: Sequence[tuple[int, bytes]]) -> _Step:
    shift = entries[0][0]
    choices = [
        b"".join(full for bit, full in entries if choice >> (bit - shift) & 1) for choice in range(_STEP_MASK + 1)
    ]
    # A heading over a single entry has the entry's bit, so a bit may occur twice.
    return sum({1 << bit for bit, _ in entries}), shift, choices, ""


def _summaries(tally: Tally, shortened: int) -> tuple[bytes, bytes]:
    words = summarise(tally, shortened)
    return quoted.encode(wrap(words)), quoted.encode(html.escape(words, quote=False))
