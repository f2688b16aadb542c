"""Settings of an identity provider."""

from __future__ import annotations

import importlib.util
import re
from urllib.parse import urlsplit

#: Where plain HTTP reaches nobody else.
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def issuer(value: str) -> str:
    """An issuer's identifier (OpenID Connect Core 1.0, 2): an https address, which is compared byte by byte."""
    text = value.strip()
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", text):
        raise ValueError("write the provider's address, such as https://login.example.org")
    if text.startswith("http:") and urlsplit(text).hostname not in _THIS_MACHINE:
        raise ValueError("write it with https: whoever can change what comes by http could log in as anybody")
    return text


def require_complete(issuer: str, client_id: str, client_secret: str) -> None:
    """Raises ValueError where something is missing that a login by the provider takes."""
    if not issuer:
        return
    if not client_id or not client_secret:
        raise ValueError("the provider knows this site by OIDC_CLIENT_ID and OIDC_CLIENT_SECRET: set both")
    if any(importlib.util.find_spec(name) is None for name in ("authlib", "requests")):
        raise ValueError("logging in by a provider takes two more packages: pip install 'newsletter[oidc]'")
