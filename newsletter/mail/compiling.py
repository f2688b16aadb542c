"""Compile an edition: render its templates once with every place in it, and cut the result into pieces.

Marks are comments with a number that nobody can know beforehand, so no text of an editor can be taken for one. CSS is
inlined over the whole page, before it is cut.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.update import Alert, Trend
from newsletter.mail import digest, headers, quoted
from newsletter.mail.compiled import Compiled, CompiledEntry, Piece
from newsletter.mail.fields import list_fields
from newsletter.mail.publication import Publication

#: Bytes of HTML that the slots may add: the names of 200 places are about 3 kB.
SLOTS_HTML = 4_000

_SLOTS = ("summary", "follows", "manage_url", "unsubscribe_url")


@dataclass(frozen=True, slots=True)
class _CompileMarks:
    """Marks to cut at."""

    contents: Contents
    key: str = field(default_factory=lambda: f"cut-{secrets.token_hex(8)}")

    def heading(self, entries: Sequence[Entry]) -> Markup:
        return Markup(f"<!--{self.key}:{sum(self.bit(entry) for entry in entries)}:heading-->")  # noqa: S704 - own text

    def block(self, entry: Entry, form: str) -> Markup:
        return Markup(f"<!--{self.key}:{self.bit(entry)}:{form}-->")  # noqa: S704 - own text

    def end(self) -> Markup:
        return Markup(f"<!--{self.key}:end:-->")  # noqa: S704 - own text

    def bit(self, entry: Entry) -> int:
        return 1 << self.contents.entries.index(entry)

    def slots(self) -> digest.Slots:
        return digest.Slots(*[f"{self.key}:slot:{name}:" for name in _SLOTS])

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(f"<!--{self.key}:(\\d+|end):(full|short|heading|)-->|{self.key}:slot:([a-z_]+):")


def compile_edition(contents: Contents, publication: Publication, *, at: datetime) -> Compiled:
    """The pieces of an edition's digests; `at` is their Date."""
    marks = _CompileMarks(contents)
    rendered = digest.render(
        contents,
        publication,
        forms=lambda _entry: ("full", "short"),
        marks=marks,
        text_slots=marks.slots(),
        html_slots=marks.slots(),
    )
    text_cuts = list(_cut(rendered.text, marks))
    html_cuts = list(_cut(rendered.html, marks))
    sizes = {(cut.mask, cut.form): _size(cut.text) for cut in html_cuts if cut.is_block}
    boundary = f"=_digest_{contents.month}"  # "=_" can't occur in quoted-printable
    pieces = [
        *_header_pieces(contents, publication, at, boundary),
        _literal(_part("plain", boundary)),
        *_pieces(text_cuts, "text"),
        _literal(b"\r\n" + _part("html", boundary)),
        *_pieces(html_cuts, "html"),
        _literal(f"\r\n--{boundary}--\r\n".encode()),
    ]
    return Compiled(
        month=str(contents.month),
        domain=publication.domain,
        entries=tuple(
            _entry(entry, sizes[marks.bit(entry), "full"], sizes[marks.bit(entry), "short"])
            for entry in contents.entries
        ),
        shorten_order=_shorten_order(contents),
        html_frame=SLOTS_HTML + sum(_size(cut.text) for cut in html_cuts if not cut.is_block),
        pieces=tuple(_joined(pieces)),
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """A stretch of a rendered part."""

    text: str
    mask: int = -1
    form: str = "full"
    slot: str = ""

    @property
    def is_block(self) -> bool:
        return self.mask > 0 and self.form != "heading"


def _cut(rendered: str, marks: _CompileMarks) -> Iterator[_Cut]:
    """Cut a rendered part at its marks."""
    position, mask, form = 0, -1, "full"
    for match in marks.pattern.finditer(rendered):
        yield _Cut(rendered[position : match.start()], mask, form)
        position = match.end()
        bits, new_form, slot = match.groups()
        if slot:
            yield _Cut("", slot=slot)
        elif bits == "end":
            mask, form = -1, "full"
        else:
            mask, form = int(bits), new_form
    yield _Cut(rendered[position:], mask, form)


def _pieces(cuts: Sequence[_Cut], part: str) -> Iterator[Piece]:
    """Encode what was cut; an entry's short form joins its full one."""
    shorts = {cut.mask: cut.text for cut in cuts if cut.form == "short"}
    for cut in cuts:
        if cut.slot:
            yield Piece(slot=f"{part}.{cut.slot}")
        elif cut.form != "short" and cut.text:
            full = quoted.encode(cut.text).decode("ascii")
            short = quoted.encode(shorts[cut.mask]).decode("ascii") if cut.is_block else full
            yield Piece(cut.mask, full, short)


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The same with neighbours that all readers get made one."""
    held = ""
    for piece in pieces:
        if piece.mask == -1 and not piece.slot:
            held += piece.full
            continue
        if held:
            yield Piece(full=held, short=held)
            held = ""
        yield piece
    if held:
        yield Piece(full=held, short=held)


def _literal(data: bytes) -> Piece:
    text = data.decode("ascii")
    return Piece(full=text, short=text)


def _header_pieces(contents: Contents, publication: Publication, at: datetime, boundary: str) -> list[Piece]:
    """The header fields, in the order of RELIABILITY's list; DKIM and the relay add theirs on top."""
    links, month = publication.links, str(contents.month)
    before = [
        headers.mailbox("From", publication.sender_name, publication.sender_address),
        headers.date(at),
        headers.field("Subject", digest.subject(contents, publication)),
        *list_fields(publication),
        headers.structured("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        headers.structured("Archived-At", f"<{links.edition(month)}>"),
        headers.structured("Feedback-ID", f"{month}:digest:newsletter:{publication.domain}"),
        headers.structured("Precedence", "bulk"),
        headers.structured("MIME-Version", "1.0"),
        headers.structured("Content-Type", "multipart/alternative;", f'boundary="{boundary}"'),
        b"\r\n",
    ]
    return [Piece(slot="to"), Piece(slot="message_id"), Piece(slot="list_unsubscribe"), _literal(b"".join(before))]


def _part(subtype: str, boundary: str) -> bytes:
    return (
        f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")


def _entry(entry: Entry, html_full: int, html_short: int) -> CompiledEntry:
    return CompiledEntry(
        place=entry.place.code,
        region=entry.place.region.code,
        deteriorated=entry.update.trend is Trend.DETERIORATED,
        improved=entry.update.trend is Trend.IMPROVED,
        conflict_risk=Alert.CONFLICT_RISK in entry.update.alerts,
        resolution_opportunity=Alert.RESOLUTION_OPPORTUNITY in entry.update.alerts,
        html_full=html_full,
        html_short=html_short,
    )


def _shorten_order(contents: Contents) -> tuple[int, ...]:
    """Entry numbers, what has least to tell first; of two alike, the one further down."""
    numbers = range(len(contents.entries))
    return tuple(sorted(numbers, key=lambda number: (contents.entries[number].weight, -number)))


def _size(text: str) -> int:
    """Octets of a text with CRLF line ends."""
    return len(text.encode()) + text.count("\n")
