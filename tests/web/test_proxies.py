"""Who a request is from, behind proxies: only ours are believed, and the Host header never is."""

from __future__ import annotations

import pytest
from flask import jsonify, request

from newsletter.web import create_app
from newsletter.web.database import db


@pytest.fixture
def seen(make_settings, clock):
    """What a view sees of a request with these headers from this peer."""
    settings = make_settings(trusted_proxies="127.0.0.1 10.0.0.0/8", database_url="sqlite:////nowhere/newsletter.db")
    app = create_app(settings, clock=clock)
    app.add_url_rule("/seen", "seen", lambda: jsonify([request.remote_addr, request.scheme, request.host]))
    client = app.test_client()

    def act(peer: str, **headers: str) -> list[str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        found: list[str] = client.get("/seen", headers=named, environ_overrides={"REMOTE_ADDR": peer}).get_json()
        return found

    yield act
    with app.app_context():
        db.engine.dispose()


def test_a_proxy_of_ours_is_believed(seen):
    told = seen("127.0.0.1", X_Forwarded_For="1.2.3.4, 198.51.100.7, 10.0.0.2", X_Forwarded_Proto="https")

    assert told == ["198.51.100.7", "https", "updates.example.org"]


def test_a_stranger_is_not(seen):
    told = seen("203.0.113.9", X_Forwarded_For="198.51.100.7", X_Forwarded_Proto="https", X_Real_Ip="198.51.100.7")

    assert told == ["203.0.113.9", "http", "updates.example.org"]


def test_the_last_word_on_the_scheme_is_our_proxy_s(seen):
    assert seen("127.0.0.1", X_Forwarded_Proto="https, http")[1] == "http"
    assert seen("127.0.0.1", X_Forwarded_Proto="javascript")[1] == "http"


@pytest.mark.parametrize("peer", ["127.0.0.1", "203.0.113.9"])
def test_the_host_comes_from_the_settings_whatever_is_sent(seen, peer):
    assert seen(peer, Host="evil.example", X_Forwarded_Host="evil.example")[2] == "updates.example.org"
