"""What a reader wasn't sure of, for an editor to check. Nothing is left out of an update without a doubt."""

from __future__ import annotations

#: A page that isn't understood at all would otherwise give a doubt for each of its lines.
MOST_QUOTED = 10
LONGEST_QUOTED = 60  #: characters of one line


def first_words(text: str) -> str:
    """The beginning of `text`, short enough to quote in a message and long enough to find it again."""
    if len(text) <= LONGEST_QUOTED:
        return text
    whole, _, _ = text[: LONGEST_QUOTED + 1].rpartition(" ")
    return (whole or text[:LONGEST_QUOTED]) + "…"


class Doubts:
    """Collects doubts, each one sentence, in the order in which they came up."""

    def __init__(self) -> None:
        self._doubts: dict[str, None] = {}
        self._left_out = 0

    def add(self, doubt: str) -> None:
        self._doubts[doubt] = None

    def left_out(self, line: str, where: str) -> None:
        """Say that `line` was not understood and is not in the update."""
        self._left_out += 1
        if self._left_out <= MOST_QUOTED:
            self.add(f"left out {first_words(line)!r} {where}, which was not understood")

    def sentences(self) -> tuple[str, ...]:
        more = self._left_out - MOST_QUOTED
        return (*self._doubts, *([f"left out {more} more lines that were not understood"] if more > 0 else []))
