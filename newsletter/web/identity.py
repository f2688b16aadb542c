"""Who somebody is, by an identity provider: OpenID Connect Core 1.0, the code flow (3.1), with state, nonce and PKCE
(RFC 7636).

It needs packages that only this takes (the extra "oidc"): the settings see to it that they are there.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from newsletter.errors import IdentityUnknown

try:
    from authlib.common.errors import AuthlibBaseError
    from authlib.integrations.requests_client import OAuth2Session
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet, KeySetSerialization
    from requests import RequestException
except ImportError:  # nobody logs in like this, where it isn't installed
    _FAULTS: tuple[type[Exception], ...] = ()
else:
    _FAULTS = (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, TypeError)

_SECONDS = 10  #: that a provider may take for an answer
_LEEWAY_SECONDS = 60  #: that its clock may be off
_SCOPE = "openid email"
#: Asymmetric ones alone: with none, or with a key that both know, others could sign.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider knows."""

    subject: str  #: never another's (OpenID Connect Core, 2)
    address: str | None  #: as far as the provider says that it has verified it


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that has been begun: what its end is held against."""

    state: str
    nonce: str
    verifier: str  #: PKCE's


class Provider:
    """An identity provider, as this site uses it."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri

    def begin(self) -> tuple[str, Begun]:
        """Where to send the browser, and what to remember. Raises IdentityUnknown when the provider can't be asked."""
        begun = Begun(*(secrets.token_urlsafe(32) for _ in range(3)))
        try:
            with self._client() as client:
                endpoint = self._metadata(client)["authorization_endpoint"]
                url, _ = client.create_authorization_url(
                    endpoint, state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier
                )
        except _FAULTS as error:
            raise _unknown(error) from error
        return str(url), begun

    def finish(self, code: str, begun: Begun, *, now: datetime) -> Identity:
        """Who has come back with this code. Raises IdentityUnknown for anything that is not as it must be."""
        try:
            with self._client() as client:
                metadata = self._metadata(client)
                token = client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=begun.verifier,
                    timeout=_SECONDS,
                )
                keys = self._get(client, metadata["jwks_uri"])
                claims = self._claims(token, keys, begun, now)
                return _identity(claims, lambda: self._get(client, metadata["userinfo_endpoint"], withhold=False))
        except _FAULTS as error:
            raise _unknown(error) from error

    def _client(self) -> Any:
        return OAuth2Session(
            self._client_id,
            self._client_secret,
            scope=_SCOPE,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )

    def _metadata(self, client: Any) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, 4."""
        found = self._get(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found["issuer"] != self._issuer:
            raise ValueError("the provider calls itself something else")
        return found

    def _get(self, client: Any, url: str, *, withhold: bool = True) -> dict[str, Any]:
        answer = client.get(url, withhold_token=withhold, timeout=_SECONDS)
        answer.raise_for_status()
        return dict(answer.json())

    def _claims(self, token: dict[str, Any], keys: dict[str, Any], begun: Begun, now: datetime) -> dict[str, Any]:
        """What the ID token says, checked (3.1.3.7)."""
        decoded = jwt.decode(
            token["id_token"], KeySet.import_key_set(cast(KeySetSerialization, keys)), algorithms=_ALGORITHMS
        )
        expected = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
            "nonce": {"essential": True, "value": begun.nonce},
        }
        params = {"nonce": begun.nonce, "client_id": self._client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(decoded.claims, decoded.header, options=expected, params=params)
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS)
        return dict(claims)


def _identity(claims: dict[str, Any], ask: Any) -> Identity:
    subject = str(claims["sub"])
    told = claims
    if "email" not in claims:  # some tell it only when they are asked for it (5.3)
        told = ask()
        if told["sub"] != subject:
            raise ValueError("the provider speaks of two people")
    return Identity(subject, str(told["email"]) if told.get("email_verified") is True and "email" in told else None)


def _unknown(error: Exception) -> IdentityUnknown:
    """Its own words are left out: they may hold a code or an address."""
    return IdentityUnknown(
        f"the identity provider can't be asked, or what it says can't be used: {type(error).__name__}"
    )
