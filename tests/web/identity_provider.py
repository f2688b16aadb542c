"""A small OpenID provider on a real port: it keeps to the code flow with PKCE, and lies when a test tells it to."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT_ID = "newsletter"
CLIENT_SECRET = "known to both"


@dataclass
class OpenIdProvider:
    """What it says of whoever logs in."""

    issuer: str = ""
    subject: str = "subject-17"
    email: str = "owner@example.org"
    email_verified: bool = True
    tells_email_in: str = "token"  #: token | userinfo
    now: Callable[[], float] = time.time
    lies: dict[str, object] = field(default_factory=dict)  #: claims of the ID token that are not true
    signing_key: RSAKey | None = None  #: another than the one that it publishes
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)  #: paths that were asked for

    def app(self) -> Flask:
        app = Flask("provider")
        app.before_request(lambda: self.seen.append(request.path))
        app.get("/.well-known/openid-configuration")(self._metadata)
        app.get("/authorize")(self._authorize)
        app.post("/token")(self._token)
        app.get("/keys", endpoint="keys")(lambda: jsonify(keys=[self.key.as_dict(private=False)]))
        app.get("/userinfo", endpoint="userinfo")(
            lambda: jsonify(sub=self.subject, email=self.email, email_verified=self.email_verified)
        )
        return app

    def _metadata(self):  # type: ignore[no-untyped-def]
        paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        found = {name: f"{self.issuer}/{path}" for name, path in paths.items()}
        return jsonify(issuer=self.issuer, userinfo_endpoint=f"{self.issuer}/userinfo", **found)

    def _authorize(self):  # type: ignore[no-untyped-def]
        asked = request.args
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked.to_dict()
        return redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    def _token(self):  # type: ignore[no-untyped-def]
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.codes.pop(request.form["code"], None)
        if asked is None or request.headers.get("Authorization") != f"Basic {basic}":
            return jsonify(error="invalid_grant"), 400
        digest = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or request.form["redirect_uri"] != asked["redirect_uri"]:
            return jsonify(error="invalid_grant"), 400
        return jsonify(access_token="access", token_type="Bearer", id_token=self._id_token(asked["nonce"]))

    def _id_token(self, nonce: str) -> str:
        now = int(self.now())
        claims = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        if self.tells_email_in == "token":
            claims |= {"email": self.email, "email_verified": self.email_verified}
        algorithm = {"alg": "RS256", "kid": "1"}
        return jwt.encode(algorithm, {**claims, "nonce": nonce, **self.lies}, self.signing_key or self.key)


@contextmanager
def running() -> Iterator[OpenIdProvider]:
    """A provider that answers on a port of this machine."""
    provider = OpenIdProvider()
    server = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
