"""How many messages may be written to the relay and not yet be settled by the caller.

After a crash, a message whose dot was written and whose outcome was not yet recorded is one that may go out twice. The
window bounds their number: where it is full, a content waits, with its commands written and its 354 received.
"""

from typing import Protocol


class Holder(Protocol):
    """What can be held back until there is room."""

    def resume(self) -> None:
        """There is room now: go on."""


class Window:
    """Counts contents from when they are written until the caller has settled their outcomes."""

    __slots__ = ("_answered", "_held", "_returned", "_written", "limit")

    def __init__(self) -> None:
        self.limit = 0  #: how many may be unsettled; 0 means any number
        self._written = 0
        self._answered = 0  #: of those, how many have an outcome
        self._returned = 0  #: of those, how many outcomes the caller has got
        self._held: dict[Holder, None] = {}  #: in the order in which they came

    @property
    def has_room(self) -> bool:
        return not self.limit or self._written < self.limit

    def enter(self, holder: Holder) -> bool:
        """Whether `holder` may write its content now; else it is held, and resumed when there is room."""
        if self.has_room:
            self._written += 1
            return True
        self._held[holder] = None
        return False

    def leave(self, holder: Holder) -> None:
        """`holder` is not held any more: its connection is dead."""
        self._held.pop(holder, None)

    def answered(self) -> None:
        """A content that was written has its outcome."""
        self._answered += 1

    def returned(self) -> None:
        """The caller has got all outcomes there are."""
        self._returned = self._answered

    def settle(self) -> None:
        """The caller has settled all outcomes that it got."""
        self._written -= self._returned
        self._answered -= self._returned
        self._returned = 0

    def next_held(self) -> Holder | None:
        """One that was held and may go on, counted as written; None without room or need."""
        if not self._held or not self.has_room:
            return None
        holder = next(iter(self._held))
        del self._held[holder]
        self._written += 1
        return holder
