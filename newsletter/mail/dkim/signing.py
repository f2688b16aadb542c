"""DKIM-Signature fields (RFC 6376): rsa-sha256 and ed25519-sha256 (RFC 8463), relaxed header, simple body.

The body is hashed as it is. Our bodies have indented lines, whose spaces relaxing would have to make one: for 40 kB
that takes 150 microseconds, more than all the rest but the key's own work. It would gain nothing: what relays are known
to change is white space at the ends of lines, and a quoted-printable body has none there. Header fields are relaxed,
because relays do fold them anew.

There is no l=, which would let anybody append to the message (RFC 6376, 8.2), and no x=: a digest may wait for days.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from newsletter.errors import InvalidInput, SettingsError
from newsletter.mail import headers
from newsletter.mail.dkim.key import Key, signing_domain

#: Fields that are named once more than they are there, so that one put on top breaks the signature (RFC 6376, 8.15):
#: what a client shows or obeys, and what is there only once (RFC 5322, 3.6). Some of them our mails don't have at all.
_SEALED = (
    b"from",
    b"to",
    b"cc",
    b"reply-to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)

#: Fields that are signed as they are: the rest of what a list says of itself (RFC 2369, RFC 2919, RFC 5064), and what
#: Gmail counts complaints by, which it reads from a signed field only.
_SIGNED = (
    b"list-id",
    b"list-help",
    b"list-owner",
    b"list-subscribe",
    b"list-archive",
    b"list-post",
    b"archived-at",
    b"feedback-id",
    b"auto-submitted",
)

_NAME = b"DKIM-Signature: "
_LONGEST_LINE = 76  #: octets, as headers.structured folds
_SIGNATURE_LINE = 72  #: octets of base64 in one line, with " b=" in front of it


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to sign of messages that have the same fields in the same order: all digests of an edition."""

    places: tuple[int, ...]  #: which fields, in the order in which they are hashed
    listed: bytes  #: the value of h=, folded


class Draft(NamedTuple):
    """The fields of one message before they are signed."""

    middle: bytes  #: what each of them has behind its opening
    signed: bytes  #: the message's own fields that are signed, relaxed


class Signer:
    """Signs messages in the name of one domain, with one key or more."""

    def __init__(self, domain: str, keys: Sequence[Key]) -> None:
        """Raises SettingsError for a domain that is none, and without a key."""
        if not keys:
            raise SettingsError("a DKIM signer needs a key; make one with 'newsletter dkim keygen'")
        self.domain = signing_domain(domain)
        self._keys = [(key, _opening(key, self.domain)) for key in keys]

    @property
    def keys(self) -> list[Key]:
        """The keys, in the order of their fields."""
        return [key for key, _ in self._keys]

    def sign(self, message: bytes, *, at: datetime) -> bytes:
        """The DKIM-Signature fields to be put in front of a message whose lines end with CRLF, one a key.

        `at` is when the edition or the notice was made, so that a repeat is signed with the same bytes. Raises
        InvalidInput for a message without an empty line, or without exactly one From field.
        """
        draft = self.draft(message, at=at)
        hashes = self.hashes(draft)
        return self.complete(draft, [key.sign_hash(each) for (key, _), each in zip(self._keys, hashes, strict=True)])

    def hashes(self, draft: Draft) -> list[bytes]:
        """What each key has to sign."""
        return [_signed_hash(opening + draft.middle, draft.signed) for _, opening in self._keys]

    def complete(self, draft: Draft, signatures: Sequence[bytes]) -> bytes:
        """The fields, with the signature of each key."""
        return b"".join(
            [
                _field(opening + draft.middle, signature)
                for (_, opening), signature in zip(self._keys, signatures, strict=True)
            ]
        )

    def draft(self, message: bytes, *, at: datetime) -> Draft:
        """All of the fields but their signatures. Raises as `sign`."""
        if at.tzinfo is None:
            raise ValueError("a time without a time zone")
        end = message.find(b"\r\n\r\n")
        if end < 0:
            raise InvalidInput("a message can't be signed without an empty line between its header and its body")
        names, lines = _relaxed(message[:end])
        plan = _plan(names)
        signed = b"".join([lines[place] for place in plan.places])
        middle = b"t=%d; bh=%b;\r\n h=%b;\r\n b=" % (
            int(at.timestamp()),
            b64encode(_body_hash(message, end + 4)),
            plan.listed,
        )
        return Draft(middle, signed)


def _opening(key: Key, domain: str) -> bytes:
    """The field's first lines, which are the same for all messages."""
    words = ("v=1;", f"a={key.algorithm}-sha256;", "c=relaxed/simple;", f"d={domain};", f"s={key.selector};")
    return headers.structured("DKIM-Signature", *words) + b" "


def _signed_hash(unsigned: bytes, signed: bytes) -> bytes:
    """A signature is over the signed fields, and over its own field without the signature (3.7)."""
    # Its folds are CRLF and one space, and there are no two spaces in it: taking out the CRLFs relaxes it.
    itself = b"dkim-signature:" + unsigned[len(_NAME) :].replace(b"\r\n", b"")
    return hashlib.sha256(signed + itself).digest()


def _field(unsigned: bytes, signature: bytes) -> bytes:
    encoded = b64encode(signature)
    folded = [encoded[start : start + _SIGNATURE_LINE] for start in range(0, len(encoded), _SIGNATURE_LINE)]
    return b"%b%b\r\n" % (unsigned, b"\r\n ".join(folded))


def _relaxed(head: bytes) -> tuple[tuple[bytes, ...], list[bytes]]:
    """The names of the header's fields, and each field relaxed (RFC 6376, 3.4.2): unfolded, its white space made one.

    The whole header at once: a few searches instead of some for each field.
    """
    flat = head.replace(b"\t", b" ").replace(b"\r\n ", b" ")
    while b"  " in flat:
        flat = flat.replace(b"  ", b" ")
    fields = [_relaxed_field(line) for line in flat.split(b"\r\n")]
    return tuple([name for name, _ in fields]), [field for _, field in fields]


@lru_cache(maxsize=512)  # most fields are the same for all readers of an edition
def _relaxed_field(line: bytes) -> tuple[bytes, bytes]:
    """The name of an unfolded field, and the whole of it relaxed."""
    name, _, value = line.partition(b":")
    name = name.rstrip(b" ").lower()
    return name, b"%b:%b\r\n" % (name, value.strip(b" "))


@lru_cache(maxsize=64)
def _plan(names: tuple[bytes, ...]) -> _Plan:
    """Which fields to sign. Of several with one name the last counts first (RFC 6376, 5.4.2)."""
    if names.count(b"from") != 1:
        raise InvalidInput(f"a message can't be signed with {names.count(b'from')} From fields; it needs exactly one")
    places: list[int] = []
    listed: list[bytes] = []
    for name in _SEALED + _SIGNED:
        found = [place for place, each in enumerate(names) if each == name]
        places += reversed(found)
        listed += [name] * (len(found) + (name in _SEALED))
    return _Plan(tuple(places), _folded(listed))


def _folded(names: Sequence[bytes]) -> bytes:
    """Names with colons between them, in lines."""
    lines = [b"h="]  # stands for the tag that the first line begins with
    for name in names:
        if len(lines[-1]) + len(name) + 2 > _LONGEST_LINE:
            lines.append(b"")
        lines[-1] += name + b":"
    return b"\r\n ".join(lines).removeprefix(b"h=").removesuffix(b":")


def _body_hash(message: bytes, start: int) -> bytes:
    """SHA-256 of the body with its empty last lines left out, and a CRLF at its end (RFC 6376, 3.4.3)."""
    end = len(message)
    while message.endswith(b"\r\n\r\n", start, end):
        end -= 2
    hashed = hashlib.sha256(memoryview(message)[start:end])
    if not message.endswith(b"\r\n", start, end):
        hashed.update(b"\r\n")
    return hashed.digest()
