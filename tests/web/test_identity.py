"""Logging in by an identity provider: who is let in, and every way in which an answer can be wrong."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.errors import SettingsError
from newsletter.services import admins, second_factor
from newsletter.storage.tables import Admin
from newsletter.web import create_app
from newsletter.web.database import db
from tests.web.conftest import PASSWORD, Desk
from tests.web.identity_provider import CLIENT_ID, CLIENT_SECRET, running

BACK = "/admin/login/provider/back"


@pytest.fixture(scope="module")
def shared_provider():
    with running() as provider:
        yield provider


@pytest.fixture
def provider(shared_provider, clock):
    """Tells the truth about the owner, by the test's clock."""
    shared_provider.subject, shared_provider.email, shared_provider.email_verified = "s-17", "owner@example.org", True
    shared_provider.tells_email_in, shared_provider.signing_key = "token", None
    shared_provider.lies = {}
    shared_provider.now = lambda: clock().timestamp()
    return shared_provider


@pytest.fixture
def app(make_settings, provider, database, clock, inbox):
    settings = make_settings(oidc_issuer=provider.issuer, oidc_client_id=CLIENT_ID, oidc_client_secret=CLIENT_SECRET)
    made = create_app(settings, clock=clock, inbox=inbox)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def owner(database, clock):
    with database.writing() as session:
        return admins.add(session, Address.parse("owner@example.org"), Role.OWNER, PASSWORD, now=clock()).id


@pytest.fixture
def browser(app):
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    return Desk(client)


class _StaysHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):  # type: ignore[no-untyped-def]
        return None


def visit(url: str) -> dict[str, str]:
    """What the provider sends the browser back with."""
    try:
        urllib.request.build_opener(_StaysHere).open(url)
    except urllib.error.HTTPError as answer:
        location = answer.headers["Location"]
        answer.close()
    assert location.startswith(f"https://updates.example.org{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def begin(browser: Desk, following: str = "") -> dict[str, str]:
    leaving = browser.client.get("/admin/login/provider", query_string={"next": following})
    assert leaving.status_code == 302
    return visit(leaving.location)


def come_back(browser: Desk, answer: dict[str, str]):
    assert browser.client.get(BACK, query_string=answer).status_code == 200
    return browser.post(BACK, **answer)


def log_in(browser: Desk, following: str = ""):
    return come_back(browser, begin(browser, following))


def subject_of(database, admin_id):
    with database.reading() as session:
        return session.get_one(Admin, admin_id).oidc_subject


@pytest.mark.parametrize("tells_email_in", ["token", "userinfo"])
def test_an_admin_is_found_by_a_verified_address_and_is_in(browser, provider, owner, database, tells_email_in):
    provider.tells_email_in = tells_email_in
    assert "Log in by your organisation’s account" in browser.get("/admin/login").text

    response = log_in(browser, "/admin/people")

    assert (response.status_code, response.location) == (303, "/admin/people")
    assert browser.get("/admin/people").status_code == 200
    assert subject_of(database, owner) == "s-17"


def test_after_the_first_time_an_admin_is_found_by_the_providers_name_for_them(browser, provider, owner, database):
    assert log_in(browser).status_code == 303
    provider.email, provider.email_verified = "married@example.org", False

    assert log_in(browser).status_code == 303

    provider.subject, provider.email, provider.email_verified = "s-18", "owner@example.org", True
    assert log_in(browser).status_code == 403, "somebody else who was given the address"
    assert subject_of(database, owner) == "s-17"


def test_nobody_is_made_by_it_and_an_address_must_be_verified(browser, provider, owner, database):
    provider.email_verified = False
    refused = log_in(browser)
    assert refused.status_code == 403
    assert "Ask an owner to invite" in refused.text

    provider.email, provider.email_verified = "eve@example.org", True
    assert log_in(browser).status_code == 403
    with database.reading() as session:
        assert [each.id for each in admins.everybody(session)] == [owner]
    assert subject_of(database, owner) is None


def test_who_is_closed_stays_out(browser, owner, database, clock):
    assert log_in(browser).status_code == 303
    with database.writing() as session:
        admins.add(session, Address.parse("other@example.org"), Role.OWNER, PASSWORD, now=clock())
        admins.close(session, owner, by=None, now=clock())

    assert log_in(browser).status_code == 403


def test_who_has_a_second_factor_is_asked_for_the_code_all_the_same(browser, owner, database, clock):
    secret = second_factor.new_secret()
    with database.writing() as session:
        session.get_one(Admin, owner).totp_secret = secret

    assert log_in(browser).location == "/admin/login/code"
    assert browser.get("/admin/").status_code == 302


def test_looking_at_the_page_that_one_comes_back_to_lets_nobody_in(browser, owner, provider):
    answer = begin(browser)
    seen = len(provider.seen)

    page = browser.client.get(BACK, query_string=answer)

    assert "Go on to the desk" in page.text
    assert browser.get("/admin/").status_code == 302
    assert len(provider.seen) == seen


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"state": "another"}, id="a state of somebody else"),
        pytest.param({"state": "ä"}, id="a state that is no ASCII"),
        pytest.param({"state": ""}, id="no state"),
    ],
)
def test_an_answer_that_this_browser_did_not_ask_for_is_refused(browser, owner, changed):
    answer = begin(browser) | changed

    assert browser.client.get(BACK, query_string=answer).status_code == 403
    assert browser.post(BACK, **answer).status_code == 403
    assert browser.get("/admin/").status_code == 302


def test_an_answer_is_good_once_and_for_a_quarter_of_an_hour(browser, owner, clock):
    answer = begin(browser)
    assert browser.post(BACK, **answer).status_code == 303
    assert browser.post("/admin/logout").status_code == 303
    assert browser.post(BACK, **answer).status_code == 403

    answer = begin(browser)
    clock.pass_by(timedelta(minutes=16))
    assert browser.post(BACK, **answer).status_code == 403


def test_another_issuers_answer_is_refused(browser, owner):
    answer = begin(browser) | {"iss": "https://evil.example"}

    assert browser.client.get(BACK, query_string=answer).status_code == 403


@pytest.mark.parametrize(
    "lies",
    [
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
        pytest.param({"aud": "another-site"}, id="for another site"),
        pytest.param({"aud": ["newsletter", "another-site"], "azp": "another-site"}, id="given to another site"),
        pytest.param({"nonce": "of another login"}, id="of another login"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"sub": None}, id="nobody"),
    ],
)
def test_a_token_that_says_something_else_lets_nobody_in(browser, owner, provider, lies):
    provider.lies = lies

    response = log_in(browser)

    assert response.status_code == 502
    assert "could not say who you are" in response.text
    assert browser.get("/admin/").status_code == 302


def test_a_token_that_another_key_has_signed_lets_nobody_in(browser, owner, provider):
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "1"})

    assert log_in(browser).status_code == 502


def test_a_code_that_was_made_up_lets_nobody_in(browser, owner):
    assert come_back(browser, begin(browser) | {"code": "made up"}).status_code == 502


def test_a_code_of_another_browser_lets_nobody_in(app, browser, owner):
    """Its verifier is another's (RFC 7636)."""
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    stolen = begin(Desk(client))

    assert come_back(browser, begin(browser) | {"code": stolen["code"]}).status_code == 502


def test_a_provider_that_is_away_is_told_in_words(make_settings, database, clock, inbox):
    settings = make_settings(oidc_issuer="http://127.0.0.1:9", oidc_client_id="a", oidc_client_secret="b")
    made = create_app(settings, clock=clock, inbox=inbox)

    response = made.test_client().get("/admin/login/provider")

    assert response.status_code == 502
    assert "log in by your password" in response.text
    with made.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"oidc_issuer": "https://login.example.org"}, "OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"),
        ({"oidc_issuer": "http://login.example.org", "oidc_client_id": "a", "oidc_client_secret": "b"}, "https"),
        ({"oidc_issuer": "login.example.org"}, "such as https://"),
    ],
)
def test_a_provider_that_can_not_be_used_is_told_at_the_start(make_settings, settings, words):
    with pytest.raises(SettingsError, match=words):
        make_settings(**settings)
