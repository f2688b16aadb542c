"""What a reply means for the message it is about.

4yz is "later" and 5yz "never" (RFC 5321, 4.2.1), but not every "never" is about the reader: a refused sender,
or a reply about policy (RFC 3463, X.7.Y), is our own trouble and says nothing about an address.
"""

from collections.abc import Hashable
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from newsletter.delivery.reply import ProtocolError, Reply


class Phase(IntEnum):
    """What a connection waits for. From GREETING on, the command whose reply is due."""

    CONNECT = 0
    TLS = 1
    GREETING = 2
    EHLO = 3
    HELO = 4
    STARTTLS = 5
    AUTH = 6
    MAIL = 7
    RCPT = 8
    DATA = 9
    DOT = 10  #: the end of the message's content
    RSET = 11
    QUIT = 12


class Verdict(StrEnum):
    """What became of one message."""

    SENT = "sent"  #: 250 to the dot: the relay has taken it over (RFC 5321, 6.1)
    LATER = "later"  #: 4yz: counts as an attempt
    NEVER = "never"  #: 5yz that concerns this reader or this message
    REFUSED = "refused"  #: the relay refuses us as a sender: pause, and suppress nobody
    LOST = "lost"  #: the connection ended before the dot, or 421: not sent, and no attempt
    UNKNOWN = "unknown"  #: the dot was written, and no usable reply came (RFC 1047)


class Outcome(NamedTuple):
    """The end of one try to send one message. A tuple, since one is made for each message."""

    key: Hashable  #: the message's key
    verdict: Verdict
    reply: Reply | None = None  #: None where the relay said nothing, or nothing that can be read
    phase: Phase | None = None  #: MAIL, RCPT, DATA or DOT: what `reply` answers; None where it decided nothing


#: Bad mailbox, bad system, bad syntax, moved, null MX, disabled (RFC 3463, 3.2 and 3.3; RFC 7505)
HARD_BOUNCES: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})

#: Temporary refusals about the sender's authentication, name or conduct (RFC 7372, RFC 7505, RFC 8617, RFC 8689, and
#: what Gmail and Microsoft add). The other 4.7.Y stay "later", since greylisting says 4.7.1.
SENDER_POLICY: Final = frozenset(
    f"4.7.{detail}" for detail in (20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 40, 515)
)

#: The sender's address, or its domain (RFC 3463, 3.2): many servers refuse it only when they have heard of a reader.
_BAD_SENDER: Final = frozenset({"5.1.7", "5.1.8"})

#: Authentication is missing, too weak or wrong (RFC 4954, 6; 538 is from RFC 2554): about us, whatever got it.
_AUTHENTICATION: Final = frozenset({530, 534, 535, 538})


def classify(phase: Phase, reply: Reply) -> Verdict:
    """The verdict for the message whose command in `phase` got `reply`.

    Raises ProtocolError for a reply that decides nothing: 2yz before the dot, or 3yz.
    """
    code = reply.code
    if code < 400:
        if phase is Phase.DOT and code < 300:
            return Verdict.SENT
        raise ProtocolError(f"the relay answered {code} to {phase.name}", reply_code=code)
    if code == 421:
        return Verdict.LOST
    enhanced = reply.enhanced or ""
    if enhanced.startswith("5.7.") or enhanced in SENDER_POLICY | _BAD_SENDER or code in _AUTHENTICATION:
        return Verdict.REFUSED
    if code < 500 or _means_452(reply):
        return Verdict.LATER
    return Verdict.REFUSED if phase is Phase.MAIL else Verdict.NEVER


def _means_452(reply: Reply) -> bool:
    """Whether a 552 is the old code for too many recipients (RFC 5321, 4.5.3.1.10)."""
    return reply.code == 552 and "too many recipients" in reply.text.lower()


def is_hard_bounce(reply: Reply) -> bool:
    """Whether the reply says that the address itself is no good: without an enhanced code, none does."""
    return reply.enhanced in HARD_BOUNCES
