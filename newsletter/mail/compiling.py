"""Compile an edition: render its templates once with every place in it, and cut the result into pieces.

CSS is inlined over the whole page, before it is cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.update import Alert, Trend
from newsletter.mail import digest, headers, news, quoted
from newsletter.mail.compiled import EVERYBODY, Compiled, CompiledEntry, Piece, Size
from newsletter.mail.cutting import CompileMarks, Cut
from newsletter.mail.digest import MESSAGE_BUDGET
from newsletter.mail.enclosing import Enclosure, enclosure
from newsletter.mail.fields import list_fields
from newsletter.mail.pictures.illustrated import illustrate
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.publication import Publication

#: Bytes that the slots may add, but for the names of what is followed, which are counted for each reader.
SLOTS = Size(html=2_000, message=6_000)


def compile_edition(contents: Contents, publication: Publication, *, at: datetime) -> Compiled:
    """The pieces of an edition's digests; `at` is their Date.

    Pictures that would make them larger than a message may be are hosted, whatever the publication says. Raises
    TemplateError for a template of the publisher's own that can't be used.
    """
    made = _compiled(contents, publication, at)
    if publication.pictures is PictureMode.INLINE and made.least > MESSAGE_BUDGET:
        return _compiled(contents, replace(publication, pictures=PictureMode.HOSTED), at)
    return made


def _compiled(contents: Contents, publication: Publication, at: datetime) -> Compiled:
    own_words = (publication.title, publication.sender_name, publication.postal_address or "", publication.brand.footer)
    marks = CompileMarks(contents, " ".join(own_words))
    illustrations = illustrate(contents, publication.pictures)
    rendered = digest.render(
        contents,
        publication,
        illustrations,
        forms=lambda _entry: ("full", "short"),
        marks=marks,
        text_slots=marks.slots(),
        html_slots=marks.slots(),
    )
    html, text = (list(marks.cut(each)) for each in (rendered.html, rendered.text))
    for part, cuts in (("html", html), ("txt", text)):
        marks.require_all(f"templates/email/digest/body.{part}", cuts)
    around = enclosure(contents, publication, illustrations)
    pieces = [
        *_header_pieces(contents, publication, at, around),
        *_pieces(text, "text"),
        _literal(around.before_html),
        *_pieces(html, "html"),
        *around.after_html,
    ]
    return Compiled(
        month=str(contents.month),
        domain=publication.domain,
        subject=digest.subject_lead(contents.month, publication),
        entries=tuple(_entry(entry, marks.bit(entry), html, pieces) for entry in contents.entries),
        shorten_order=_shorten_order(contents),
        frame=_frame(html, pieces),
        pieces=tuple(_joined(pieces)),
        images=(*illustrations.images(), *publication.brand.images()),
    )


def _pieces(cuts: Sequence[Cut], part: str) -> Iterator[Piece]:
    """Encode what was cut; a short form that follows a full one makes one piece with it."""
    for cut, following in zip(cuts, [*cuts[1:], Cut("")], strict=True):
        if cut.slot:
            yield Piece(slot=f"{part}.{cut.slot}")
        elif cut.is_block and cut.form == "full":
            pair = following.form == "short" and following.mask == cut.mask
            yield Piece(cut.mask, _encoded(cut.text), _encoded(following.text) if pair else "")
        elif cut.form == "section":
            yield Piece(cut.mask, _encoded(cut.text))
        elif cut.form != "short" and cut.text:
            yield Piece(cut.mask, _encoded(cut.text), _encoded(cut.text))


def _encoded(text: str) -> str:
    return quoted.encode(text).decode("ascii")


def _size(bit: int, html: Sequence[Cut], pieces: Sequence[Piece], form: str) -> Size:
    """What an entry adds in one of its forms, wherever it is told."""
    return Size(
        html=sum(cut.size for cut in html if cut.is_block and cut.mask == bit and cut.form == form),
        message=sum(len(piece.full if form == "full" else piece.short) for piece in pieces if piece.mask == bit),
    )


def _frame(html: Sequence[Cut], pieces: Sequence[Piece]) -> Size:
    """What is there without any entry; a heading counts, though not all readers get each."""
    return Size(
        html=SLOTS.html + sum(cut.size for cut in html if not cut.is_block),
        message=SLOTS.message
        + sum(len(piece.full) for piece in pieces if piece.mask == EVERYBODY or piece.mask.bit_count() > 1),
    )


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The same with neighbours that all readers get made one."""
    held = ""
    for piece in pieces:
        if piece.mask == EVERYBODY and not piece.slot:
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


def _header_pieces(contents: Contents, publication: Publication, at: datetime, around: Enclosure) -> list[Piece]:
    """The header fields, in the order of RELIABILITY's list; DKIM and the relay add theirs on top."""
    links, month = publication.links, str(contents.month)
    rest = [
        headers.mailbox("From", publication.sender_name, publication.sender_address),
        headers.date(at),
        *list_fields(publication),
        headers.structured("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        headers.structured("Archived-At", f"<{links.edition(month)}>"),
        headers.structured("Feedback-ID", f"{month}:digest:newsletter:{publication.domain}"),
        headers.structured("Precedence", "bulk"),
        headers.structured("MIME-Version", "1.0"),
        around.before_text,
    ]
    slots = ("to", "message_id", "subject", "list_unsubscribe")
    return [*(Piece(slot=slot) for slot in slots), _literal(b"".join(rest))]


def _entry(entry: Entry, bit: int, html: Sequence[Cut], pieces: Sequence[Piece]) -> CompiledEntry:
    return CompiledEntry(
        place=entry.place.code,
        region=entry.place.region.code,
        name=entry.place.name,
        preheader=news.preheader(entry),
        deteriorated=entry.update.trend is Trend.DETERIORATED,
        improved=entry.update.trend is Trend.IMPROVED,
        conflict_risk=Alert.CONFLICT_RISK in entry.update.alerts,
        resolution_opportunity=Alert.RESOLUTION_OPPORTUNITY in entry.update.alerts,
        full=_size(bit, html, pieces, "full"),
        short=_size(bit, html, pieces, "short"),
    )


def _shorten_order(contents: Contents) -> tuple[int, ...]:
    """Entry numbers, what has least to tell first; of two alike, the one further down."""
    numbers = range(len(contents.entries))
    return tuple(sorted(numbers, key=lambda number: (contents.entries[number].weight, -number)))
