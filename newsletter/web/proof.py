"""Proof of work for the public forms, by ALTCHA's scheme: no third party, no picture to look at.

The browser gets a salt and a hash, and looks for the number that together with the salt has this hash. We keep nothing:
the HMAC says that the hash is ours, the salt says until when. Only a solution that was used is noted: each is good
once.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
import secrets
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from flask import Blueprint, jsonify
from flask.wrappers import Response
from sqlalchemy.orm import Session

from newsletter.mail.links import Tokens
from newsletter.services import limits
from newsletter.web.wiring import now, wiring

#: Not among the readers' pages, which anybody may keep.
proof = Blueprint("proof", __name__)

FIELD = "altcha"
LIFETIME = timedelta(hours=1)
LARGEST_NUMBER = 50_000  #: a telephone takes about a second
_LONGEST = 2000  #: characters of an answer
_NAME = "proof"
_SALT = re.compile(r"[0-9a-f]{24}\?expires=([0-9]{10})&")


@proof.get("/challenge")
def challenge() -> Response:
    """A new one for each who asks."""
    return jsonify(make(wiring().tokens, now=now()))


def make(tokens: Tokens, *, now: datetime) -> dict[str, str | int]:
    """A challenge, as ALTCHA's clients take it."""
    # Closed by an &: without it digits could be moved from the number to the time, under the same hash.
    salt = f"{secrets.token_hex(12)}?expires={int((now + LIFETIME).timestamp())}&"
    hashed = _hash(salt, secrets.randbelow(LARGEST_NUMBER + 1))
    return {
        "algorithm": "SHA-256",
        "challenge": hashed,
        "maxnumber": LARGEST_NUMBER,
        "salt": salt,
        "signature": tokens.digest(_NAME, hashed),
    }


def is_solved(session: Session, answer: str, *, tokens: Tokens, now: datetime) -> bool:
    """Whether `answer` solves a challenge of ours that is still good; it isn't any more from now on."""
    given = _decode(answer)
    salt, hashed, signature = (_ascii(given.get(name)) for name in ("salt", "challenge", "signature"))
    expires = _SALT.fullmatch(salt)
    if expires is None or not hmac.compare_digest(tokens.digest(_NAME, hashed), signature):
        return False
    # The salt needs no signature of its own: another one has another hash.
    if _hash(salt, given.get("number")) != hashed:
        return False
    until = datetime.fromtimestamp(int(expires[1]), UTC)
    return now <= until and limits.spend(session, _NAME, hashed, until=until)


def _ascii(value: object) -> str:
    return value if isinstance(value, str) and value.isascii() else ""


def _hash(salt: str, number: object) -> str:
    return hashlib.sha256(f"{salt}{number}".encode(errors="replace")).hexdigest()


def _decode(answer: str) -> Mapping[str, object]:
    """What a browser sent: JSON in Base64."""
    try:
        found = json.loads(b64decode(answer[:_LONGEST], validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
