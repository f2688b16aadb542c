"""The form on other people's sites: in a frame, and as plain HTML that leads to ours."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import select

from newsletter.storage.tables import Notice, Subscription
from newsletter.web import create_app
from newsletter.web.database import db
from tests.web.conftest import BASE_URL, dump

PARTNER = "https://news.example.org"
FRAMED = ["/embed", "/embed?follow=KZ", "/embed/check-your-mail"]


@pytest.fixture
def embedding(make_settings, database, clock):
    """A client of a site that two partners may show in a frame."""
    app = create_app(make_settings(embed_origins=f"{PARTNER} https://example.net:8443"), clock=clock)
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


def framed_by(response):
    return re.search(r"frame-ancestors ([^;]+)", response.headers["Content-Security-Policy"])[1]


def followed(database):
    with database.reading() as session:
        return [each.subject for each in session.scalars(select(Subscription).order_by(Subscription.id))]


@pytest.mark.parametrize("path", FRAMED)
def test_only_the_sites_that_are_set_may_show_the_frame(embedding, path):
    response = embedding.get(path)

    assert response.status_code == 200
    assert framed_by(response) == f"{PARTNER} https://example.net:8443"
    assert response.headers["Content-Security-Policy"].count("frame-ancestors") == 1
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert "noindex" in response.headers["X-Robots-Tag"]


@pytest.mark.parametrize("path", FRAMED)
def test_until_sites_are_set_nobody_may(client, path):
    assert framed_by(client.get(path)) == "'none'"


@pytest.mark.parametrize("path", ["/", "/places/KZ", "/subscribe", "/embed/code", "/admin/login", "/nothing"])
def test_no_other_page_may_be_framed_by_them(embedding, path):
    assert framed_by(embedding.get(path)) == "'none'"


@pytest.mark.parametrize(
    ("query", "ticked", "offered"),
    [
        ("?follow=KZ", ["KZ"], ["KZ", "central-asia", "all"]),
        ("?follow=central-asia", ["central-asia"], ["central-asia", "all"]),
        ("?follow=SD&follow=KZ&follow=SD", ["SD", "KZ"], ["SD", "KZ", "all"]),
        ("?follow=KZ&follow=atlantis", ["KZ"], ["KZ", "central-asia", "all"]),
        ("?follow=all", [], []),
        ("", [], []),
    ],
)
def test_the_address_of_the_frame_says_what_is_chosen(embedding, query, ticked, offered):
    page = embedding.get(f"/embed{query}").text

    boxes = re.findall(r'<input type="checkbox" name="follow" value="([^"]+)"( checked)?>', page)
    assert [code for code, _ in boxes] == offered
    assert [code for code, is_ticked in boxes if is_ticked] == ticked
    assert ('name="otherwise" value="all"' in page) == (not offered)
    assert len(page.encode()) < 5_000


def test_what_the_frame_asks_for_is_asked_of_the_reader_and_answered_in_the_frame(embedding, database):
    answer = embedding.post("/embed", data={"email": "reader@example.org", "follow": "KZ"})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/embed/check-your-mail")
    assert followed(database) == ["KZ"]
    with database.reading() as session:
        assert session.scalars(select(Notice.kind)).all() == ["confirmation"]


def test_the_frame_promises_no_mail_to_who_gets_none(embedding):
    page = embedding.get("/embed/check-your-mail").text

    assert "If we may write to this address, a mail from <strong>Country Updates</strong> is on its way" in page
    assert "at most three such mails a day" in page
    assert "If you had your data erased here once, write to us" in page
    assert 'href="mailto:updates@example.org"' in page


def test_an_error_in_the_frame_stands_beside_the_field_and_stays_in_the_frame(embedding, database):
    answer = embedding.post("/embed", data={"email": "reader@", "follow": ["KZ", "SD"]})

    assert answer.status_code == 400
    assert framed_by(answer).startswith(PARTNER)
    assert 'id="email-error"' in answer.text
    assert 'value="reader@"' in answer.text
    assert re.findall(r'value="([^"]+)" checked', answer.text) == ["SD", "KZ"]
    assert 'action="/embed"' in answer.text
    assert "masthead" not in answer.text
    assert followed(database) == []


@pytest.mark.parametrize("origin", [None, "null", "https://anybody.example", PARTNER])
def test_a_plain_form_leads_from_anywhere_to_ours_filled_in_and_does_nothing_else(client, database, origin):
    before = dump(database)

    headers = {"Origin": origin} if origin else {}
    answer = client.post("/embed/start", data={"email": "ada@example.org", "follow": "KZ"}, headers=headers)

    assert answer.status_code == 200
    assert 'value="ada@example.org"' in answer.text
    assert re.findall(r'value="([^"]+)" checked', answer.text) == ["KZ"]
    assert 'action="/subscribe"' in answer.text
    assert framed_by(answer) == "'none'"
    assert answer.headers["Cache-Control"] == "no-store"
    assert dump(database) == before


def test_whatever_a_plain_form_sends_is_shown_as_text(client):
    answer = client.post("/embed/start", data={"email": '"><script>alert(1)</script>', "follow": ["<b>", "SD"]})

    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert re.findall(r'value="([^"]+)" checked', answer.text) == ["SD"]


def test_who_comes_to_the_start_by_hand_gets_the_form(client):
    answer = client.get("/embed/start")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/subscribe")


@pytest.mark.parametrize(
    ("query", "code", "frame", "about"),
    [
        ("", "all", "/embed", "all countries"),
        ("?follow=KZ", "KZ", "/embed?follow=KZ", "Kazakhstan"),
        ("?follow=central-asia", "central-asia", "/embed?follow=central-asia", "Central Asia"),
        ("?follow=atlantis", "all", "/embed", "all countries"),
    ],
)
def test_the_code_to_paste_has_our_address_and_the_place_in_it(client, query, code, frame, about):
    page = client.get(f"/embed/code{query}", base_url="http://evil.example").text

    plain, framed = (unescape(each) for each in re.findall(r"<code>(.*?)</code>", page, re.DOTALL))
    assert f'action="{BASE_URL}/embed/start" method="post"' in plain
    assert f'name="follow" value="{code}"' in plain
    assert f"updates about {about}, once a month" in plain
    assert f'src="{BASE_URL}{frame}"' in framed
    assert "evil.example" not in page


def test_the_page_of_the_code_says_where_the_frame_works(client, embedding):
    assert "None is noted so far." in client.get("/embed/code").text
    assert f"<li>{PARTNER}</li>" in embedding.get("/embed/code").text


def test_a_title_with_signs_of_html_stays_text_in_the_code(make_settings, database, clock):
    app = create_app(make_settings(title='A "B" <i>C</i>'), clock=clock)
    page = app.test_client().get("/embed/code").text
    with app.app_context():
        db.engine.dispose()

    framed = unescape(re.findall(r"<code>(.*?)</code>", page, re.DOTALL)[1])
    assert "<i>C" not in page
    assert 'title="Subscribe to A &#34;B&#34; &lt;i&gt;C&lt;/i&gt;"' in framed
