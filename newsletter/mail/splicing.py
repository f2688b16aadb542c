"""One reader's digest out of a compiled edition: a join of bytes, in microseconds, whatever the reader follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from newsletter.domain import subject as subjects_
from newsletter.domain.place import Gazetteer
from newsletter.domain.tally import places_by_subject
from newsletter.mail import quoted
from newsletter.mail.amounts import Amounts
from newsletter.mail.compiled import EVERYBODY, Compiled
from newsletter.mail.digest import Wording
from newsletter.mail.fields import ListUnsubscribe
from newsletter.mail.follows import FollowsPieces
from newsletter.mail.links import Purpose
from newsletter.mail.openings import Openings
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient, wire_address
from newsletter.mail.stretches import EncodedPiece, Walk, one_bit_each
from newsletter.mail.text_only import text_alone


class SplicedDigest(NamedTuple):
    """One reader's message."""

    mail_from: str
    rcpt_to: str
    data: bytes


class _Form(NamedTuple):
    """The pieces of a message with both parts, or of one that is text alone."""

    pieces: list[EncodedPiece]
    walk: Walk


class Splicer:
    """Makes the digests of one edition."""

    def __init__(self, compiled: Compiled, publication: Publication, gazetteer: Gazetteer) -> None:
        self._compiled = compiled
        self._month, self._domain = compiled.month, compiled.domain
        links = publication.links
        self._tokens = links.tokens
        self._manage_token = links.tokens.maker(Purpose.MANAGE)
        self._unsubscribe_token = links.tokens.maker(Purpose.UNSUBSCRIBE)
        self._list_unsubscribe = ListUnsubscribe(publication)
        self._manage, self._unsubscribe = (quoted.encode(links.manage_prefix), quoted.encode(links.unsubscribe_prefix))
        self._follows = FollowsPieces(Wording(publication, gazetteer).name)
        self._amounts = Amounts(compiled, places_by_subject(gazetteer), self._follows.size)
        self._bits: defaultdict[str, int] = defaultdict(int)
        for number, entry in enumerate(compiled.entries):
            for code in (subjects_.ALL, entry.region, entry.place):
                self._bits[code] |= 1 << number
        self._openings = Openings(compiled)
        pieces = [
            (piece.mask, piece.full.encode("ascii"), piece.short.encode("ascii"), piece.slot)
            for piece in compiled.pieces
        ]
        simple, headings = one_bit_each(pieces, len(compiled.entries))
        self._both = _Form(pieces, Walk(simple))
        self._text_only = _Form(list(text_alone(pieces)), Walk(list(text_alone(simple))))
        self._all = (1 << len(compiled.entries)) - 1
        for code, bits in self._bits.items():
            self._bits[code] |= sum(bit for mask, bit in headings.items() if bits & mask)

    def chosen(self, follows: Sequence[str]) -> int:
        """The bits of the places that somebody with this selection gets; 0 when there is nothing to tell."""
        return self._selected(follows) & self._all

    def _selected(self, follows: Sequence[str]) -> int:
        """The same with the bits of their headings."""
        return reduce(or_, map(self._bits.__getitem__, follows), 0)

    def in_brief(self, follows: Sequence[str]) -> frozenset[str]:
        """The codes of those places that somebody with this selection is told of in brief."""
        bits = self._compiled.shortened(self.chosen(follows), self._amounts.names(follows))
        return frozenset(entry.place for number, entry in enumerate(self._compiled.entries) if bits >> number & 1)

    def splice(self, recipient: Recipient) -> SplicedDigest:
        """The reader's digest. Raises InvalidAddress for an address whose domain can't be written in ASCII."""
        selected = self._selected(recipient.follows)
        chosen = selected & self._all
        followed, fits = self._amounts.of(recipient.follows)
        shortened = 0 if fits else self._compiled.shortened(chosen, self._amounts.names(recipient.follows))
        rcpt_to = wire_address(recipient.address)
        identity = self._tokens.digest("digest", self._month, recipient.subscriber_id)
        values = self._values(recipient, chosen, followed, shortened.bit_count())
        values["to"] = b"To: %b\r\n" % rcpt_to.encode()
        values["message_id"] = f"Message-ID: <{identity[:40]}@{self._domain}>\r\n".encode("ascii")
        form = self._text_only if recipient.text_only else self._both
        parts = _shortened(form, values, chosen, shortened) if shortened else form.walk.parts(selected, values)
        mail_from = f"bounce+{self._month}.{recipient.subscriber_id}.{identity[:12]}@{self._domain}"
        return SplicedDigest(mail_from, rcpt_to, b"".join(parts))

    def _values(self, recipient: Recipient, chosen: int, followed: int, shortened: int) -> dict[str, bytes]:
        """The slots' bytes, each encoded for the part that it stands in."""
        follows = recipient.follows
        text_summary, html_summary = self._openings.summary(chosen, followed, shortened)
        token = self._unsubscribe_token(recipient.subscriber_id)
        # A token is shorter than a line, and has nothing in it that quoted-printable would encode.
        manage = b"%b%b=\r\n" % (self._manage, self._manage_token(recipient.subscriber_id))
        unsubscribe = b"%b%b=\r\n" % (self._unsubscribe, token)
        return {
            "subject": self._openings.subject(chosen),
            "list_unsubscribe": self._list_unsubscribe.field(token),
            "html.preheader": self._openings.preheader(chosen),
            "text.summary": text_summary,
            "html.summary": html_summary,
            "text.follows": self._follows.text(follows),
            "html.follows": self._follows.html(follows),
            "text.manage_url": manage,
            "html.manage_url": manage,
            "text.unsubscribe_url": unsubscribe,
            "html.unsubscribe_url": unsubscribe,
        }


def _shortened(form: _Form, values: dict[str, bytes], chosen: int, shortened: int) -> list[bytes]:
    """The slow way, for the few who follow more than fits in full."""
    in_full = chosen & ~shortened
    parts = []
    for mask, full, short, slot in form.pieces:
        if slot:
            parts.append(values[slot])
        elif mask & in_full or mask == EVERYBODY:
            parts.append(full)
        elif mask & chosen:
            parts.append(short)
    return parts
