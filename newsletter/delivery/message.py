"""A message and its envelope, and the bytes they are on the wire.

Addresses are checked before anything is written, so that none can smuggle in a command: Mailbox as in RFC 5321,
4.1.2, domains as A-labels (RFC 5890), a local part beyond ASCII only under SMTPUTF8 (RFC 6531). Content is
dot-stuffed (RFC 5321, 4.5.2).
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import idna

from newsletter.delivery.offers import Offers
from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.delivery.reply import Reply

LONGEST_ADDRESS: Final = 254  #: octets: a path of 256 without its brackets (RFC 5321, 4.5.3.1.3)
LONGEST_LOCAL_PART: Final = 64  #: octets (RFC 5321, 4.5.3.1.1)

# The local part is a dot-string or a quoted string, here without angle brackets: some servers cut at them. A character
# beyond ASCII passes here, and is checked by itself.
_LOCAL_PART: Final = (
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+)*"
    r'|"(?:[ !#-;=?-\[\]-~\u00a1-\U0010ffff]|\\[ -;=?-~])*"'
)
_ASCII_DOMAIN: Final = (
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
    r"|\[[A-Za-z0-9:.]{2,64}\]"
)
_MAILBOX: Final = re.compile(rf"({_LOCAL_PART})@({_ASCII_DOMAIN})")
_SPLIT: Final = re.compile(rf"({_LOCAL_PART})@([^@]+)")

_BAD_RECIPIENT: Final = Reply(553, "5.1.3", "not sent: the address of the recipient is malformed")
_BAD_SENDER: Final = Reply(553, "5.1.7", "not sent: the address of the sender is malformed")
_NO_SMTPUTF8: Final = Reply(553, "5.6.7", "not sent: the relay takes no address with letters beyond ASCII")
_NO_EIGHT_BIT: Final = Reply(554, "5.6.3", "not sent: the relay takes no 8-bit content")
_TOO_LARGE: Final = Reply(552, "5.3.4", "not sent: the message is larger than the relay takes")


class OutgoingMessage(NamedTuple):
    """One message for one recipient. A tuple, since one is made for each reader."""

    key: Hashable  #: the caller's name for it, given back in its Outcome
    mail_from: str  #: envelope sender; empty for the null sender (RFC 5321, 4.5.5)
    rcpt_to: str
    data: bytes  #: the whole RFC 5322 message, lines ended by CRLF, no bare CR or LF
    #: The maker vouches for it that `data` is ASCII, dot-stuffed, and ends with CRLF, and that `mail_from` is an ASCII
    #: address: spares two looks at every octet, and the reading of an address.
    wire_ready: bool = False

    @property
    def smtputf8(self) -> bool:
        """Whether it can be sent only to a relay that offers SMTPUTF8."""
        return any(not address.rpartition("@")[0].isascii() for address in (self.mail_from, self.rcpt_to))


@dataclass(slots=True, eq=False)
class Transaction:
    """A message as it is written, and how far it has come."""

    key: Hashable
    commands: bytes  #: MAIL, RCPT and DATA, each with its CRLF
    content: bytes  #: dot-stuffed
    ending: bytes  #: the dot, with the CRLF before it if the content has none
    settled: bool = False  #: its outcome has been told
    recipient_taken: bool = False


def prepare(message: OutgoingMessage, offers: Offers) -> Transaction | Outcome:
    """Make a message ready for a relay with these offers, or say why it can't be sent there."""
    is_trusted = message.wire_ready or not message.mail_from
    sender = message.mail_from if is_trusted else encode_address(message.mail_from)
    if sender is None:
        return Outcome(message.key, Verdict.REFUSED, _BAD_SENDER)
    recipient = encode_address(message.rcpt_to)
    if recipient is None:
        return Outcome(message.key, Verdict.NEVER, _BAD_RECIPIENT)
    data = message.data
    parameters = f" SIZE={len(data)}" if offers.size else ""
    if 0 < offers.size_limit < len(data):
        return Outcome(message.key, Verdict.NEVER, _TOO_LARGE)
    if not message.wire_ready and not data.isascii():
        if not offers.eight_bit:
            return Outcome(message.key, Verdict.NEVER, _NO_EIGHT_BIT)
        parameters += " BODY=8BITMIME"
    if not (sender.isascii() and recipient.isascii()):
        if not offers.smtputf8:
            return Outcome(message.key, Verdict.NEVER, _NO_SMTPUTF8)
        parameters += " SMTPUTF8"
    commands = f"MAIL FROM:<{sender}>{parameters}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
    content = data if message.wire_ready else stuff_dots(data)
    return Transaction(message.key, commands, content, b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


def stuff_dots(data: bytes) -> bytes:
    """Double the dot at the start of each line (RFC 5321, 4.5.2).

    Also after a bare LF, which should not be there: to some servers it ends a line, and a dot behind it the message.
    """
    stuffed = data.replace(b"\n.", b"\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def encode_address(address: str) -> str | None:
    """The address as it goes between the angle brackets, its domain in ASCII; None if it is malformed."""
    match = _MAILBOX.fullmatch(address)
    if match is not None and address.isascii():
        fits = len(match[1]) <= LONGEST_LOCAL_PART and len(address) <= LONGEST_ADDRESS
        return address if fits else None
    split = _SPLIT.fullmatch(address)
    if split is None or not split[1].isprintable():  # control, format and lone surrogate characters
        return None
    domain = _ascii_domain(split[2])
    if domain is None:
        return None
    encoded = f"{split[1]}@{domain}"
    octets = len(split[1].encode())
    fits = octets <= LONGEST_LOCAL_PART and octets + 1 + len(domain) <= LONGEST_ADDRESS
    return encoded if fits and _MAILBOX.fullmatch(encoded) else None


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str | None:
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None
