"""DKIM keys: RSA (RFC 6376, RFC 8301) or Ed25519 (RFC 8463), and the record in DNS by which receivers know them."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from newsletter.errors import SettingsError

SHORTEST_RSA = 2048  #: bits: signers should not use less, and some receivers take no less (RFC 8301, 3.2)
LONGEST_RSA = 4096  #: bits: receivers need not be able to verify more (RFC 8301, 3.2)
HASH_OCTETS = 32  #: of a SHA-256
TXT_STRING = 255  #: octets of one string in a TXT record (RFC 1035, 3.3.14); a verifier joins them

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")

_PADDING = PKCS1v15()
_HASHED = Prehashed(SHA256())
_ED25519_OCTETS = 64


class Algorithm(StrEnum):
    """What kind of key it is, as the tag k= of its DNS record names it."""

    RSA = "rsa"  #: every receiver knows it
    ED25519 = "ed25519"  #: short and quick; many receivers don't know it yet, so it goes beside an RSA key


@dataclass(frozen=True, slots=True)
class Key:
    """A private key, and the selector that its public half is found by. Raises SettingsError if one can't be used."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.selector):
            raise SettingsError(
                f"{self.selector!r} is no DKIM selector; write letters, digits and hyphens, such as news1"
            )
        bits = self.private.key_size if isinstance(self.private, RSAPrivateKey) else None
        if bits is not None and not SHORTEST_RSA <= bits <= LONGEST_RSA:
            why = "which receivers may not trust" if bits < SHORTEST_RSA else "which receivers may not be able to check"
            raise SettingsError(
                f"the DKIM key {self.selector} is RSA of {bits} bits, {why};"
                f" make one of {SHORTEST_RSA} with 'newsletter dkim keygen'"
            )

    @classmethod
    def load(cls, selector: str, pem: bytes) -> Key:
        """Read a private key from PEM, in PKCS #8 or the older forms. Raises SettingsError, which never shows it."""
        try:
            found = load_pem_private_key(pem, password=None)
        except TypeError:
            raise SettingsError(
                f"the DKIM key {selector} is locked by a password, which nobody types at start; save it without one"
            ) from None
        except (ValueError, UnsupportedAlgorithm):
            raise SettingsError(
                f"the DKIM key {selector} is no private key in PEM; make one with 'newsletter dkim keygen'"
            ) from None
        if not isinstance(found, RSAPrivateKey | Ed25519PrivateKey):
            raise SettingsError(f"the DKIM key {selector} is of a kind that DKIM doesn't know; use RSA or Ed25519")
        return cls(selector, found)

    @classmethod
    def generate(cls, selector: str, algorithm: Algorithm) -> Key:
        """A new key. Raises SettingsError for a selector that is none."""
        if algorithm is Algorithm.ED25519:
            return cls(selector, Ed25519PrivateKey.generate())
        return cls(selector, generate_private_key(public_exponent=65537, key_size=SHORTEST_RSA))

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.RSA if isinstance(self.private, RSAPrivateKey) else Algorithm.ED25519

    def pem(self) -> bytes:
        """The private key as `load` reads it."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def signature_octets(self) -> int:
        """How long each signature is."""
        return self.private.key_size // 8 if isinstance(self.private, RSAPrivateKey) else _ED25519_OCTETS

    def sign_hash(self, digest: bytes) -> bytes:
        """The signature over a SHA-256: always the same bytes for the same hash, for both kinds of key."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, _PADDING, _HASHED)
        # What Ed25519 signs is the hash, as if it were the message (RFC 8463, 3).
        return self.private.sign(digest)


def signing_domain(text: str) -> str:
    """A domain as d= and DNS write it. Raises SettingsError."""
    domain = text.strip().rstrip(".").lower()
    if not _NAME.fullmatch(domain):
        raise SettingsError(f"{text!r} is no domain to sign for; write it in ASCII, such as example.org")
    return domain


def dns_record(key: Key) -> str:
    """The text of the TXT record that publishes the key (RFC 6376, 3.6.1), in one piece."""
    if isinstance(key.private, RSAPrivateKey):
        public = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        public = key.private.public_key().public_bytes_raw()  # bare, without ASN.1 around it (RFC 8463, 4)
    return f"v=DKIM1; k={key.algorithm}; p={b64encode(public).decode('ascii')}"


def dns_name(key: Key, domain: str) -> str:
    """The name of that record. Raises SettingsError."""
    return f"{key.selector}._domainkey.{signing_domain(domain)}"


def zone_line(key: Key, domain: str) -> str:
    """The record as a line of a zone file, cut into strings of as many octets as one may have. Raises SettingsError."""
    text = dns_record(key)
    strings = [f'"{text[start : start + TXT_STRING]}"' for start in range(0, len(text), TXT_STRING)]
    return f"{dns_name(key, domain)}. IN TXT {' '.join(strings)}"
