"""Whether an edition begins so badly that it had better stop: too many of its first replies are refusals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.services.claims import Claim

FIRST: Final = 100  #: replies that are looked at, so that a share in per cent is a number of them


class FirstReplies:
    """Counts the first replies to an edition, from its start or from when it was resumed."""

    __slots__ = ("_above", "_refusals", "_replies")

    def __init__(self, above: float) -> None:
        """`above` is the share of refusals, in per cent of FIRST, that is borne."""
        self._above = above
        self._replies = 0
        self._refusals = 0

    @property
    def is_open(self) -> bool:
        """Whether replies still count."""
        return self._replies < FIRST

    def note(self, outcome: Outcome) -> str | None:
        """Count what came back; words for an admin when it is too much."""
        if outcome.reply is None or not self.is_open or outcome.verdict not in _COUNTED:
            return None
        self._replies += 1
        self._refusals += outcome.verdict is not Verdict.SENT
        if self._refusals <= self._above * FIRST / 100:
            return None
        return (
            f"{self._refusals} of the first {self._replies} replies are refusals, the last one: {outcome.reply.code} "
            f"{outcome.reply.enhanced or ''}".rstrip()
            + ". Look at what failed; when you know why, resume: then the next replies count anew."
        )


_COUNTED: Final = (Verdict.SENT, Verdict.NEVER, Verdict.REFUSED)


class Beginnings:
    """The first replies to each edition that is being sent, and those that begin too badly."""

    def __init__(self, above: float) -> None:
        self.bad: dict[int, str] = {}  #: editions that are to be paused, and why: until that is committed
        self._above = above
        self._all: dict[int, FirstReplies] = {}

    def begin(self, edition_id: int) -> None:
        """Count an edition's replies, unless they are counted already."""
        self._all.setdefault(edition_id, FirstReplies(self._above))

    def note(self, told: Iterable[tuple[Claim, Outcome]]) -> None:
        """Count what came back."""
        for claim, outcome in told:
            first = self._all.get(claim.edition_id)
            words = first.note(outcome) if first is not None and first.is_open else None
            if words is not None:
                self.bad.setdefault(claim.edition_id, words)

    def settle(self) -> None:
        """The bad ones are paused: when they are resumed, they begin anew."""
        for edition_id in self.bad:
            self._all.pop(edition_id, None)
        self.bad.clear()

    def forget_all_but(self, editions: Iterable[int]) -> None:
        """Only these are being sent."""
        kept = set(editions)
        self._all = {edition_id: first for edition_id, first in self._all.items() if edition_id in kept}
