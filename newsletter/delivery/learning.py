"""What a destination's replies say about how fast it takes mail, and whether it takes any. Decisions without state."""

import re
from typing import Final

from newsletter.delivery.reply import Reply

LOWEST_RATE: Final = 0.1  #: messages a second
HIGHEST_RATE: Final = 1000.0  #: messages a second, above which a limit that was learnt is forgotten
DECREASE: Final = 0.5  #: a rate is halved when a destination says that it is too fast
INCREASE: Final = 1.25  #: it grows by a quarter when all was taken for RAISE_SECONDS
DECREASE_SECONDS: Final = 10.0  #: between two decreases: replies to what was under way say nothing new
RAISE_SECONDS: Final = 60.0
PAUSES: Final = (3600, 2 * 3600, 4 * 3600, 8 * 3600)  #: seconds, one after the other while refusals go on
PROBE_SECONDS: Final = 60.0  #: between two messages that try whether a pause may end

_TOO_FAST: Final = frozenset({"4.7.28", "4.7.500", "4.7.650", "4.7.651", "4.7.652", "4.5.3", "4.3.2", "4.4.5"})
_TOO_FAST_WORDS: Final = re.compile(
    r"too many|too fast|rate|throttl|slow down|limit|unusual|temporarily deferred|\bTSS?\d", re.I
)
_GREYLISTED: Final = re.compile(r"gr[ea]y ?-?list", re.I)
_OF_ONE_READER: Final = ("4.2.", "4.1.")  #: a full mailbox, a mailbox that gets too much


def is_too_fast(reply: Reply) -> bool:
    """Whether a 4yz asks for less speed; greylisting (RFC 6647) and what concerns one mailbox do not."""
    enhanced = reply.enhanced or ""
    if enhanced.startswith(_OF_ONE_READER) or _GREYLISTED.search(reply.text):
        return False
    return enhanced in _TOO_FAST or _TOO_FAST_WORDS.search(reply.text) is not None


def lowered(rate: float) -> float:
    """The rate after a reply that asked for less."""
    return max(LOWEST_RATE, rate * DECREASE)


def raised(rate: float) -> float | None:
    """The rate after a while in which all was taken; None when it is no limit any more."""
    higher = rate * INCREASE
    return higher if higher <= HIGHEST_RATE else None


def pause_seconds(pauses: int) -> int:
    """How long the next pause is, after so many in a row."""
    return PAUSES[min(pauses, len(PAUSES) - 1)]
