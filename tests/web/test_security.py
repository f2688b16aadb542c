"""What holds for every page: headers, errors, forged requests, hostile texts, a busy database."""

from __future__ import annotations

import sqlite3
import time

import pytest

from newsletter import errors
from newsletter.domain.month import Month
from newsletter.domain.role import Role
from newsletter.domain.update import Development, Link, Quote, Trend
from newsletter.services import editions, editorial
from newsletter.web import create_app
from newsletter.web.database import db
from newsletter.web.errors import PAGES
from tests.web.conftest import START, an_update, dump, fill

INJECTION = "<script>alert(1)</script>{{ 7777*7777 }}{% raw %}\"'><img src=x onerror=alert(2)>"
PUBLIC = [
    "/",
    "/places",
    "/places/KZ",
    "/regions/central-asia",
    "/editions",
    "/search?q=x",
    "/subscribe",
    "/subscribe/check-your-mail",
    "/embed",
    "/embed/check-your-mail",
    "/embed/code",
]


def family(error):
    return [error, *(each for child in error.__subclasses__() for each in family(child))]


def test_every_error_of_ours_has_a_page():
    own = set(family(errors.NewsletterError))
    assert {kind for kind in PAGES if issubclass(kind, errors.NewsletterError)} <= own
    for kind in own:
        assert any(parent in PAGES for parent in kind.__mro__)


@pytest.mark.parametrize("path", [*PUBLIC, "/nothing", "/healthz", "/inbox", "/admin/login", "/static/site.css"])
def test_every_page_says_what_it_may_load_and_may_not_be_framed(client, path):
    response = client.get(path)
    response.close()
    headers = response.headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Referrer-Policy" in headers


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_may_be_kept_and_set_no_cookie(client, path):
    first = client.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in first.headers
    assert "Vary" not in first.headers

    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_pages_behind_tokens_are_kept_by_nobody_and_pass_on_nothing(client, sign_up):
    reader = sign_up()
    pages = [f"/confirm/{reader.confirm}", f"/manage/{reader.manage}", f"/unsubscribe/{reader.unsubscribe}"]

    for response in [client.get(page) for page in [*pages, "/confirm/forged"]] + [client.post(pages[2])]:
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in response.headers["X-Robots-Tag"]
        assert "noindex" in response.text
        assert "Set-Cookie" not in response.headers
        assert "ETag" not in response.headers


def test_errors_behind_tokens_pass_on_nothing_either(client, sign_up):
    reader = sign_up()
    paths = [f"/confirm/{reader.confirm}", f"/manage/{reader.manage}", f"/unsubscribe/{reader.unsubscribe}"]
    asked = [client.open(path, method=method) for path in paths for method in ("PUT", "DELETE", "PATCH")]
    asked += [client.get(f"{path}/nothing") for path in paths]
    asked += [client.post(path, data={"email": "x" * 1_100_000}) for path in paths[1:2]]

    assert {response.status_code for response in asked} == {404, 405, 413}
    for response in asked:
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
        assert "noindex" in response.headers["X-Robots-Tag"]
        assert reader.manage not in response.text


def test_only_the_desk_is_told_where_its_own_forms_come_from(client, desk_of):
    desk = desk_of(Role.OWNER)

    assert desk.get("/admin/").headers["Referrer-Policy"] == "same-origin"
    assert desk.get("/admin/login").headers["Referrer-Policy"] == "same-origin"
    for path in (*PUBLIC, "/administration", "/nothing"):
        assert client.get(path).headers["Referrer-Policy"] == "no-referrer"


def test_the_desk_is_kept_by_nobody(desk_of, approved):
    desk = desk_of(Role.OWNER)

    for path in ("/admin/", "/admin/editions/2022-11", "/admin/editions/2022-11/preview/body", "/admin/login"):
        assert desk.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "/admin", "//places", "/places/", "/places/kz", "/confirm/x", "/subscribe", "/editions/", "/nothing"]
)
def test_a_forged_host_has_no_effect(client, path):
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}

    for response in (client.get(path, headers=forged), client.post(path, headers=forged, data={"email": "x"})):
        assert "evil.example" not in response.text
        assert "evil.example" not in response.headers.get("Location", "")


def test_the_canonical_address_comes_from_the_settings(client):
    page = client.get("/places/KZ", base_url="http://evil.example").text

    assert '<link rel="canonical" href="https://updates.example.org/places/KZ">' in page


def test_stored_texts_are_shown_as_text_everywhere(client, database, desk_of, settings):
    month = Month(2022, 12)
    hostile = an_update(
        "KZ",
        month,
        Trend.IMPROVED,
        headline=INJECTION,
        developments=(
            Development(INJECTION, f"{INJECTION}\n\n[x](javascript:alert(3)) [y](https://example.org/?<b>)"),
        ),
        quotes=(Quote(START.date(), INJECTION, INJECTION, INJECTION, INJECTION),),
        links=(Link(START.date(), INJECTION, INJECTION, 'https://example.org/"onmouseover="alert(4)'),),
    )
    with database.writing() as session:
        editorial.store(session, hostile, now=START)
        editions.set_overview(session, month, hostile.developments[0].text, now=START)
        editions.approve(session, month, settings.publication, by="<i>owner</i>", now=START)
    desk = desk_of(Role.OWNER)

    pages = [client.get(path) for path in ("/", "/places/KZ", "/regions/central-asia", "/editions/2022-12")]
    desk_page = "/admin/editions/2022-12"
    pages += [
        desk.get(desk_page + rest) for rest in ("", "/preview/body", "/preview?part=text", "/preview?part=source")
    ]
    for page in pages:
        assert page.status_code == 200
        for live in ("<script>", "<img src=x", '"onmouseover="', 'href="javascript', "<i>owner", "60481729"):
            assert live not in page.text.replace("&#34;onmouseover=&#34;", "")
        assert "7777*7777" in page.text


@pytest.mark.parametrize("field", ["email", "follow"])
def test_what_was_typed_comes_back_as_text(client, field):
    page = client.post("/subscribe", data={field: INJECTION})

    assert page.status_code == 400
    assert "<script>alert" not in page.text
    assert "<img" not in page.text


def test_too_large_a_body_is_refused(client):
    response = client.post("/subscribe", data={"email": "x" * 1_100_000})

    assert response.status_code == 413
    assert "Too large" in response.text


def test_a_wrong_method_says_which_is_right(client):
    response = client.post("/places")

    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


def test_an_unforeseen_error_shows_a_page_without_its_inside(app, client, monkeypatch):
    def fail(*_args: object) -> None:
        raise RuntimeError("the inside of things")

    monkeypatch.setattr(editorial, "latest_month", fail)
    response = client.get("/")

    assert response.status_code == 500
    assert "Something went wrong" in response.text
    assert "inside" not in response.text
    assert response.headers["Cache-Control"] == "no-store"


def test_while_another_holds_the_write_lock_a_form_answers_busy_and_pages_stay_open(client, database, sign_up):
    reader = sign_up()
    before = dump(database)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        began = time.monotonic()
        response = client.post("/subscribe", data={"email": "late@example.org", "follow": "all"})
        assert time.monotonic() - began < 5
        assert client.get("/").status_code == 200
        assert client.get(f"/manage/{reader.manage}").status_code == 200
    finally:
        other.close()

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "Busy just now" in response.text
    assert dump(database) == before
    assert client.post("/subscribe", data={"email": "late@example.org", "follow": "all"}).status_code == 303


def test_a_database_without_tables_is_told_as_busy(settings):
    app = create_app(settings)
    response = app.test_client().get("/healthz/")

    assert response.status_code == 200  # the file can be opened
    assert app.test_client().get("/").status_code == 503
    with app.app_context():
        db.engine.dispose()


def test_the_site_runs_on_postgresql(postgresql, make_settings, clock):
    fill(postgresql)
    app = create_app(make_settings(database_url=postgresql.url), clock=clock)
    client = app.test_client()

    for path in PUBLIC:
        assert client.get(path).status_code == 200
    assert client.post("/subscribe", data={"email": "reader@example.org", "follow": "KZ"}).status_code == 303
    with app.app_context():
        db.engine.dispose()
