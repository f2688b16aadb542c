"""A headline in a few words."""

from __future__ import annotations

BRIEF_LENGTH = 110  #: octets


def brief(text: str, length: int = BRIEF_LENGTH) -> str:
    """At most `length` octets of UTF-8 and a sign that there are more, cut between two words.

    Octets, not characters: a list of two hundred headlines has to fit into a message in any script.
    """
    flat = " ".join(text.split())
    if len(flat.encode()) <= length:
        return flat
    words = flat.encode()[:length].decode(errors="ignore").rsplit(maxsplit=1)[0]
    return f"{words.rstrip(' ,;:.')}\u00a0…"
