"""What a reply says of a destination: does it take mail, is it busy, are we too fast, does it refuse us?

RFC 5321 and RFC 3463 only say "later" and "never". Which of these are about the sender's speed or standing, and which
about one reader, is in the codes and words that providers publish: Gmail ("Gmail SMTP errors and codes"), Microsoft
("Email non-delivery reports and SMTP errors in Exchange Online"), Yahoo ("SMTP Error Codes", Sender Hub).
"""

import re
from enum import Enum
from typing import Final

from newsletter.delivery.outcome import Verdict
from newsletter.delivery.reply import Reply


class Signal(Enum):
    """One reply, as far as it is about the destination."""

    TAKEN = "taken"
    BUSY = "busy"  #: later, and it may be because there is too much mail
    TOO_FAST = "too fast"  #: later, and it says that we are too fast
    DOUBTFUL = "doubtful"  #: refused by a policy, which may be about one reader or about us
    REFUSED = "refused"  #: refused for what we are or do: whoever comes next will be refused as well
    OTHER = "other"  #: about one reader, one message, or the relay


_GREYLISTING: Final = re.compile(r"gr[ae]y.?list", re.IGNORECASE)  # RFC 6647
_SPEED: Final = re.compile(
    r"\brate\b|rate.?limit|throttl|too (many|much|fast|quickly|frequent)|slow down|limit(s)? (was |were )?exceeded"
    r"|exceeded .{0,40}\blimit|unexpected volume|\bTSS\d\d",
    re.IGNORECASE,
)
_FULL: Final = re.compile(
    r"over ?quota|(mailbox|storage) quota|(mailbox|inbox) (is )?full|out of storage", re.IGNORECASE
)
_ONE_MAILBOX: Final = re.compile(r"\b(user|mailbox|account|recipient)\b", re.IGNORECASE)
_AUTHENTICATION: Final = re.compile(r"\b(spf|dkim|dmarc)\b|authenticat", re.IGNORECASE)
_LISTED: Final = re.compile(
    r"spamhaus|spamcop|barracuda|\bdnsbl\b|\brbl\b|blocked using"
    r"|(\bIP\b|client host|\[[0-9a-f.:]+\]).{0,60}(blocked|black.?list|block.?list|banned)",
    re.IGNORECASE,
)
#: Gmail marks so what a customer's own rules refuse, Exchange what its recipient's settings refuse.
_ONE_ORGANISATION: Final = re.compile(r"\bgcdp\b|RESOLVER\.|customer block list", re.IGNORECASE)

#: X.7.Y about our authentication, name or conduct: RFC 7372, RFC 7505, RFC 8617, RFC 8689, and what Gmail (32, 40) and
#: Microsoft (from 501 on) add.
_ABOUT_US: Final = frozenset(
    [*range(20, 31), 32, 40, 501, 502, 503, 506, 508, 509, 511, 512, 515, *range(606, 650), 705, 708, 750, 800]
)
#: X.7.Y about a reader or their organisation: RFC 3463, RFC 5248, RFC 7293; Microsoft's groups and mailboxes that take
#: nothing from outside, addresses that are barred, and an organisation's own list of blocked servers.
_ABOUT_THEM: Final = frozenset([2, 13, 17, 18, 124, 133, 134, 135, 136, 504, 505, 507, 510, 513, 703])
#: 4.7.Y by which Microsoft slows a sender down.
_SLOWED: Final = frozenset([28, *range(500, 700), *range(850, 900)]) - {515}

#: Log in first, or otherwise (RFC 4954, 6; 538 is from RFC 2554)
_LOGIN: Final = frozenset({530, 534, 535, 538})
_BAD_SENDER: Final = frozenset({"5.1.7", "5.1.8"})  # RFC 3463, 3.2


def read(verdict: Verdict, reply: Reply) -> Signal:
    """What a reply says that came when the relay had heard of the reader: to RCPT, to DATA or at the end."""
    match verdict:
        case Verdict.SENT:
            return Signal.TAKEN
        case Verdict.LATER | Verdict.LOST:
            return _later(reply)
        case Verdict.REFUSED:
            return _refused(reply)
        case Verdict.NEVER if _LISTED.search(reply.text):
            return Signal.REFUSED
        case _:
            return Signal.OTHER


def _numbers(reply: Reply) -> tuple[int, int]:
    """Subject and detail of the enhanced code (RFC 3463, 2); zeros without one."""
    _, subject, detail = (reply.enhanced or "0.0.0").split(".")
    return int(subject), int(detail)


def _later(reply: Reply) -> Signal:
    subject, detail = _numbers(reply)
    is_speed = _SPEED.search(reply.text) is not None or (subject == 7 and detail in _SLOWED)
    if _GREYLISTING.search(reply.text) or _FULL.search(reply.text):
        return Signal.OTHER
    if _is_beside_the_point(subject, detail, is_speed=is_speed):
        return Signal.OTHER
    if subject == 2 and _ONE_MAILBOX.search(reply.text):
        return Signal.BUSY  # one mailbox gets too much, from whomever
    return Signal.TOO_FAST if is_speed or (subject, detail) in ((2, 1), (5, 3)) else Signal.BUSY


def _is_beside_the_point(subject: int, detail: int, *, is_speed: bool) -> bool:
    """Whether a destination that takes less mail would say something else."""
    match subject:
        case 1 | 3 | 6:
            # X.3.Y is said of a system, mostly our own relay when its disk is full: it says so to everybody, and to
            # send more slowly to each destination for a long time after would be wrong.
            return True
        case 2:
            return detail > 1
        case 4:
            return detail != 5  # the way there is broken (X.4.5: congestion)
        case 5:
            return detail != 3 and not is_speed
        case _:
            return (subject, detail) == (7, 1) and not is_speed  # greylisting, mostly


def _refused(reply: Reply) -> Signal:
    subject, detail = _numbers(reply)
    is_policy = subject == 7
    if reply.code in _LOGIN or reply.enhanced in _BAD_SENDER:
        return Signal.REFUSED
    if _ONE_ORGANISATION.search(reply.text) or (is_policy and detail in _ABOUT_THEM):
        return Signal.OTHER
    if reply.code < 500 and is_policy and detail in _SLOWED:
        return Signal.TOO_FAST
    if is_policy and detail in _ABOUT_US:
        return Signal.REFUSED
    if _AUTHENTICATION.search(reply.text) or _LISTED.search(reply.text):
        return Signal.REFUSED
    return Signal.DOUBTFUL
