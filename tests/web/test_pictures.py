"""Pictures that mails and pages fetch from our site: an edition's, and the publisher's logo and colours."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from newsletter.mail.brand import Brand
from newsletter.mail.pictures.picture import Image, Picture
from newsletter.services import editions, pictures
from newsletter.web import create_app
from newsletter.web.database import db
from newsletter.web.wiring import wiring
from tests.web.conftest import NOVEMBER, START, dump

FOR_EVER = "public, max-age=31536000, immutable"
MAP = Image.named("some-map", b"\x89PNG the bytes of a map")
PHOTO = Image.named("photo", b"\xff\xd8 the bytes of a photo", "jpeg")
LOGO = Picture(Image.named("logo", b"light"), Image.named("logo-dark", b"dark"), "The Example Foundation", 120, 40)
PICTURES = "/editions/2022-11/pictures"


@pytest.fixture
def kept(database, approved):
    with database.writing() as session:
        pictures.keep(session, editions.get(session, NOVEMBER), [MAP, PHOTO])


@pytest.fixture
def branded(settings, database):
    """A reader of the site of a publisher with colours and a logo of their own."""
    app = create_app(settings)
    with app.app_context():
        wired = wiring()
    brand = Brand(accent="#7a1f5c", accent_dark="#f0a8d8", logo=LOGO)
    replace(wired, publication=replace(wired.publication, brand=brand)).keep(app)
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(("image", "kind"), [(MAP, "image/png"), (PHOTO, "image/jpeg")])
def test_a_picture_of_an_edition_may_be_kept_by_anybody_for_ever(kept, client, image, kind):
    response = client.get(f"{PICTURES}/{image.name}")

    assert (response.status_code, response.data, response.mimetype) == (200, image.data, kind)
    assert response.headers["Cache-Control"] == FOR_EVER
    assert "Set-Cookie" not in response.headers
    again = client.get(f"{PICTURES}/{image.name}", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["Cache-Control"]) == (304, b"", FOR_EVER)


def test_every_picture_that_an_approved_digest_shows_can_be_fetched(database, approved, client):
    with database.reading() as session:
        images = pictures.of_edition(session, editions.get(session, approved))

    assert images
    for image in images:
        assert client.get(f"{PICTURES}/{image.name}").data == image.data


@pytest.mark.parametrize(
    "path", [f"{PICTURES}/other.png", f"/editions/2022-10/pictures/{MAP.name}", f"{PICTURES}/", "/brand/logo.png"]
)
def test_a_picture_that_is_not_there_is_not_found_and_that_is_not_kept(kept, client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert response.headers["Cache-Control"] == "no-store"


def test_a_draft_has_no_pictures(database, client):
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=START)

    assert client.get(f"{PICTURES}/{MAP.name}").status_code == 404


def test_who_fetches_a_picture_is_noted_nowhere(kept, branded, database, caplog):
    before = dump(database)

    with caplog.at_level(logging.DEBUG, logger="newsletter"):
        for path in (f"{PICTURES}/{MAP.name}", f"/brand/{LOGO.light.name}"):
            assert branded.get(path, headers={"Cookie": "x=1", "Referer": "https://example.org/"}).status_code == 200

    assert caplog.records == []
    assert dump(database) == before


def test_the_logo_is_in_the_header_of_every_page_in_both_schemes(branded):
    page = branded.get("/").text

    for image, tag in ((LOGO.light, "<img src"), (LOGO.dark, "<source srcset")):
        assert f'{tag}="/brand/{image.name}"' in page
        response = branded.get(f"/brand/{image.name}")
        assert (response.data, response.mimetype) == (image.data, "image/png")
        assert response.headers["Cache-Control"] == FOR_EVER
        assert "ETag" in response.headers
        assert "Set-Cookie" not in response.headers
    assert 'alt="The Example Foundation" width="120" height="40"' in page


def test_without_a_logo_there_is_none(client):
    assert "<img" not in client.get("/").text


def test_the_publishers_colours_come_after_the_houses_own(branded):
    page = branded.get("/").text
    css = branded.get("/brand.css")

    assert page.index("/static/site.css") < page.index('<link rel="stylesheet" href="/brand.css">')
    assert css.mimetype == "text/css"
    light, dark = css.text.splitlines()
    assert light.startswith("@media screen { :root { --link: #7a1f5c;")
    assert dark.startswith("@media screen and (prefers-color-scheme: dark) { :root { --link: #f0a8d8;")
    assert css.headers["Cache-Control"] == "public, max-age=300"
