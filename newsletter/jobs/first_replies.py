"""Whether an edition begins so badly that it had better stop: too many of its first replies are refusals."""

from __future__ import annotations

from typing import Final

from newsletter.delivery.outcome import Outcome, Verdict

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
