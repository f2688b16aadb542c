"""Words for an import of subscribers: where it stands, and what becomes of each row."""

from __future__ import annotations

from enum import StrEnum


class ImportState(StrEnum):
    """Where an import stands."""

    READING = "reading"  #: its file is read and checked
    READY = "ready"  #: checked; waits for somebody who says that it shall go in
    RUNNING = "running"  #: goes in
    DONE = "done"
    FAILED = "failed"  #: the file can't be read to its end; nothing went in
    CANCELLED = "cancelled"  #: nothing more of it goes in


class Outcome(StrEnum):
    """What becomes of a row."""

    NEW = "new"  #: a subscriber more
    CHANGED = "changed"  #: somebody who has asked by the form, and not answered: the list has their consent
    UNCHANGED = "unchanged"  #: is here already; its owner decides what they follow
    REJECTED = "rejected"


class Problem(StrEnum):
    """Why a row is rejected."""

    ADDRESS = "address"
    FOLLOWS = "follows"
    CONSENT = "consent"
    STATUS = "status"
    LANGUAGE = "language"
    TIME = "time"
    FIELDS = "fields"
    TWICE = "twice"
    SUPPRESSED = "suppressed"
    LEFT = "left"

    @property
    def words(self) -> str:
        """What is wrong with such rows."""
        return _WORDS[self]


_WORDS = {
    Problem.ADDRESS: "no address that mail can go to",
    Problem.FOLLOWS: "a place or region that is not known, or none",
    Problem.CONSENT: "no word on where and how consent was given",
    Problem.STATUS: "a status other than active",
    Problem.LANGUAGE: "no code of a language",
    Problem.TIME: "no date, or one in the future",
    Problem.FIELDS: "too many fields, or one that is too long",
    Problem.TWICE: "the same address stands further up",
    Problem.SUPPRESSED: "the address is suppressed: nothing may go to it",
    Problem.LEFT: "its owner has left; they can subscribe again by the form",
}
