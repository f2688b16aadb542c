"""The demo's inbox."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from newsletter.mail.caught import CaughtMail
from newsletter.web import create_app
from newsletter.web.database import db
from tests.web.conftest import START

MAIL = b"""\
From: Country Updates <updates@example.org>\r
To: %s\r
Subject: Confirm <b>now</b>\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=cut\r
\r
--cut\r
Content-Type: text/plain; charset=utf-8\r
\r
Press https://updates.example.org/confirm/1.abc <b>soon</b>\r
--cut\r
Content-Type: text/html; charset=utf-8\r
\r
<html><head><title>x</title></head><body><script>alert(1)</script><a href="https://updates.example.org/">x</a></body></html>\r
--cut--\r
"""


@pytest.fixture
def mails(inbox):
    for number, address in enumerate(["ada@example.org", "bob@example.org"], 1):
        received = START + timedelta(minutes=number)
        data = MAIL % address.encode()
        inbox.mails.append(CaughtMail(number, received, "bounces@example.org", (address,), data))


def test_the_list_has_the_newest_first_and_can_be_searched(mails, text):
    page = text("/inbox")
    assert page.index("bob@example.org") < page.index("ada@example.org")
    assert "Confirm &lt;b&gt;now&lt;/b&gt;" in page

    found = text("/inbox?to=ADA")
    assert "ada@example.org" in found
    assert "bob@example.org" not in found


def test_an_empty_inbox_says_how_to_fill_it(text):
    assert "No mail yet" in text("/inbox/")


def test_a_mail_is_shown_in_a_frame_that_runs_nothing_and_opens_links_outside(mails, client, text):
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in text("/inbox/1")

    frame = client.get("/inbox/1/html")
    assert '<head><base target="_blank">' in frame.text
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "allow-scripts" not in policy
    assert frame.headers["Cache-Control"] == "no-store"


CARRYING = b"""\
From: Country Updates <updates@example.org>\r
To: ada@example.org\r
Subject: A map\r
MIME-Version: 1.0\r
Content-Type: multipart/related; boundary=cut\r
\r
--cut\r
Content-Type: text/html; charset=utf-8\r
\r
<html><body><img src="cid:map@example.org" alt="A map"><img src="https://evil.example/pixel.png" alt=""></body></html>\r
--cut\r
Content-Type: image/png\r
Content-ID: <map@example.org>\r
Content-Transfer-Encoding: base64\r
\r
dGhlIGJ5dGVz\r
--cut--\r
"""


def test_pictures_that_a_mail_carries_are_shown_and_of_others_only_ours_are_fetched(inbox, client):
    inbox.mails.append(CaughtMail(1, START, "bounces@example.org", ("ada@example.org",), CARRYING))

    frame = client.get("/inbox/1/html")

    assert '<img src="data:image/png;base64,dGhlIGJ5dGVz" alt="A map">' in frame.text
    fetched = re.search(r"; img-src ([^;]*);", frame.headers["Content-Security-Policy"])
    assert fetched is not None
    assert fetched[1].split() == [
        "data:",
        "https://updates.example.org/editions/",
        "https://updates.example.org/brand/",
    ]


def test_each_part_of_a_mail_can_be_seen(mails, text):
    assert '<a href="https://updates.example.org/confirm/1.abc"' in text("/inbox/1?part=text")
    assert "&lt;b&gt;soon&lt;/b&gt;" in text("/inbox/1?part=text")
    assert '<th scope="row">MIME-Version</th>' in text("/inbox/1?part=headers")
    assert "Content-Type: multipart/alternative; boundary=cut" in text("/inbox/1?part=source")


@pytest.mark.parametrize("path", ["/inbox/9", "/inbox/9/html", "/inbox/1?part=else", "/inbox/x"])
def test_what_is_not_in_the_inbox_is_not_found(mails, client, path):
    assert client.get(path).status_code == 404


def test_without_a_catcher_there_is_no_inbox(settings, database):
    app = create_app(settings)
    client = app.test_client()

    assert client.get("/inbox").status_code == 404
    assert "Inbox" not in client.get("/").text
    with app.app_context():
        db.engine.dispose()
