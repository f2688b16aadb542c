"""Which other sites may show our form in a frame. See config.values for the other settings."""

from __future__ import annotations

import re

Origins = tuple[str, ...]  #: scheme, host and port (RFC 6454), as browsers write them

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
#: What is plain http can be changed on its way; only a site that is being made on one's own machine may be so.
_ORIGIN = re.compile(rf"(https://{_LABEL}(\.{_LABEL})*|http://(localhost|127\.0\.0\.1))(:[0-9]{{1,5}})?")


def origins(value: str) -> Origins:
    """Read origins, separated by white space.

    They become part of a header (Content-Security-Policy), so nothing but an origin is taken, and no pattern.
    """
    found = tuple(dict.fromkeys(word.lower().removesuffix("/") for word in value.split()))
    if not all(_ORIGIN.fullmatch(each) for each in found):
        raise ValueError("write origins, such as https://news.example.org https://example.net:8443, without path or *")
    return found


def show_origins(value: Origins) -> str:
    return " ".join(value)
