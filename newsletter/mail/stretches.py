"""Neighbouring pieces of a compiled edition taken together, so that a digest is a join of few parts.

A stretch holds pieces that together hang on a handful of bits. For each choice among those their bytes are joined once,
when a reader with that choice first comes. How many bits that are depends on how much is told of them: all choices of
a stretch together take 64 kB at most, so that those of a whole edition stay near the processor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from newsletter.mail.compiled import EVERYBODY

#: Mask, bytes in full, bytes in brief, slot: as Piece has them, encoded.
EncodedPiece = tuple[int, bytes, bytes, str]

MOST_BYTES = 64_000


class _Stretch:
    """Pieces, and their bytes, all told in full, by those of their bits that a reader has."""

    def __init__(self, pieces: Sequence[EncodedPiece]) -> None:
        self._pieces = [(mask, full) for mask, full, _, _ in pieces]
        self.mask = _bits(pieces)
        self.joined: dict[int, bytes] = {}

    def join(self, chosen: int) -> None:
        """Have the bytes for this choice at hand from now on."""
        key = chosen & self.mask
        if key not in self.joined:
            self.joined[key] = b"".join([full for mask, full in self._pieces if mask == EVERYBODY or mask & key])


class Walk:
    """An edition's pieces in their order, for readers to whom every place is told in full."""

    def __init__(self, pieces: Sequence[EncodedPiece]) -> None:
        """Each piece must hang on one bit, or be everybody's: see `one_bit_each`."""
        found = list(_stretches(pieces))
        self._stretches = [stretch for _, stretch in found]  # a slot holds the place of its value with an empty one
        self._slots = [(position, slot) for position, (slot, _) in enumerate(found) if slot]
        self._tables = [(stretch.mask, stretch.joined) for stretch in self._stretches]

    def parts(self, chosen: int, values: Mapping[str, bytes]) -> list[bytes]:
        """What a message is joined from: `values` are the slots'."""
        try:
            found = [joined[chosen & mask] for mask, joined in self._tables]
        except KeyError:  # the first reader with one of these choices
            for stretch in self._stretches:
                stretch.join(chosen)
            found = [joined[chosen & mask] for mask, joined in self._tables]
        for position, slot in self._slots:
            found[position] = values[slot]
        return found


def one_bit_each(pieces: Sequence[EncodedPiece], first: int) -> tuple[list[EncodedPiece], dict[int, int]]:
    """The pieces with a bit of its own, from number `first` on, for each heading, which hangs on several places.

    And these bits by the headings' masks: who has any of a mask's bits is to have its bit as well.
    """
    masks = sorted({mask for mask, _, _, _ in pieces if mask != EVERYBODY and mask.bit_count() > 1})
    own = {mask: 1 << first + number for number, mask in enumerate(masks)}
    return [(own.get(mask, mask), full, short, slot) for mask, full, short, slot in pieces], own


def _stretches(pieces: Sequence[EncodedPiece]) -> Iterator[tuple[str, _Stretch]]:
    """The pieces in their order: a slot's name, or a stretch of what stands between two slots."""
    held: list[EncodedPiece] = []
    for piece in pieces:
        if held and (piece[3] or _bytes([*held, piece]) > MOST_BYTES):
            yield "", _Stretch(held)
            held = []
        if piece[3]:
            yield piece[3], _Stretch([])
        else:
            held.append(piece)
    if held:
        yield "", _Stretch(held)


def _bits(pieces: Sequence[EncodedPiece]) -> int:
    found = 0
    for mask, _, _, _ in pieces:
        if mask != EVERYBODY:
            found |= mask
    return found


def _bytes(pieces: Sequence[EncodedPiece]) -> int:
    """What all choices among their bits take: each piece is in half of them, or in all."""
    bits = _bits(pieces)
    if not bits:
        return 0
    return sum(len(full) for _, full, _, _ in pieces) << bits.bit_count() - 1
