"""One line of a check-up."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"  #: works, and yet somebody should look at it
    BAD = "bad"  #: readers get no mail, or mail that they should not get

    @property
    def sign(self) -> str:
        return {State.OK: "✓", State.WARN: "!", State.BAD: "✗"}[self]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, in words for an editor."""

    check: str  #: what was looked at; several findings may be about one thing
    state: State
    words: str
    remedy: str = ""  #: what to do; empty where all is well

    @property
    def line(self) -> str:
        told = f"{self.state.sign} {self.state.value:4}  {self.check:14}  {self.words} {self.remedy}"
        return " ".join(told.splitlines()).rstrip()

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def ok(check: str, words: str) -> Finding:
    return Finding(check, State.OK, words)


def warn(check: str, words: str, remedy: str) -> Finding:
    return Finding(check, State.WARN, words, remedy)


def bad(check: str, words: str, remedy: str) -> Finding:
    return Finding(check, State.BAD, words, remedy)


def when(time: datetime) -> str:
    """A time as it is told."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def sentence(text: str) -> str:
    """An error's text as a sentence, without the addresses that a relay may have put into it."""
    told = re.sub(r"<?[^\s<>]+@[^\s<>]+>?", "<address>", text.strip())
    return f"{told[:1].upper()}{told[1:]}{'' if told.endswith('.') else '.'}"
