"""A digest as a chosen reader would get it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest

from newsletter.errors import InvalidInput
from newsletter.mail.links import Purpose
from newsletter.mail.pictures.picture import Image, Picture, PictureMode
from newsletter.services import digests, editions
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, TOKENS, dump, store_updates

PNG = b"\x89PNG\r\n\x1a\n"  #: how every PNG begins


@pytest.fixture
def draft(sqlite):
    store_updates(sqlite)
    with sqlite.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
    return sqlite


def preview(database, publication, *follows, address=None, text_only=False):
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        return digests.preview(
            session, edition, publication, follows=follows, address=address, text_only=text_only, now=NOW
        )


def test_a_preview_shows_what_this_reader_gets_and_nothing_else(draft, publication):
    before = dump(draft)

    mail = preview(draft, publication, "KZ", "central-asia")

    assert "November 2022" in mail.subject
    for part in (mail.html, mail.text):
        assert "KZ had a quiet month." in part
        assert "SD had a quiet month." not in part
    assert "To: reader@example.org" in mail.source
    assert mail.message_bytes == len(mail.source.encode()) > mail.html_bytes > 1_000
    assert mail.short_places == 0
    assert dump(draft) == before


def test_who_wants_text_alone_is_shown_the_same_text_and_no_html(draft, publication):
    whole, alone = (preview(draft, publication, "KZ", text_only=each) for each in (False, True))

    assert (alone.subject, alone.text) == (whole.subject, whole.text)
    assert (alone.html, alone.html_bytes) == ("", 0)
    assert "Content-Type: text/plain; charset=utf-8" in alone.source
    assert alone.message_bytes == len(alone.source.encode()) < whole.message_bytes


def test_a_preview_can_be_made_out_to_any_address(draft, publication):
    mail = preview(draft, publication, "all", address="ünï@bücher.example")

    assert "To: ünï@xn--bcher-kva.example" in mail.source


def test_its_links_name_nobody(draft, publication):
    mail = preview(draft, publication, "all")

    for purpose, path in ((Purpose.MANAGE, "manage"), (Purpose.UNSUBSCRIBE, "unsubscribe")):
        assert f"https://updates.example.org/{path}/{TOKENS.make(purpose, 0)}" in mail.text


def test_of_an_approved_edition_it_shows_what_is_frozen(draft, publication):
    with draft.writing() as session:
        editions.approve(session, NOVEMBER, publication, by="a test", now=NOW)
    frozen = preview(draft, publication, "all").source
    with draft.writing() as session:
        editions.get(session, NOVEMBER).state = "sent"

    assert preview(draft, publication, "all").source == frozen


def test_who_would_get_nothing_is_told_so(draft, publication):
    with pytest.raises(InvalidInput, match="they would get no digest"):
        preview(draft, publication, "FR", "west-africa")


@pytest.mark.parametrize("mode", list(PictureMode))
@pytest.mark.parametrize("is_approved", [False, True])
def test_a_preview_has_every_picture_of_its_mail_in_it(draft, publication, mode, is_approved):
    logo = Picture(Image.named("logo", PNG + b"light"), Image.named("logo", PNG + b"dark"), "The Example", 120, 40)
    branded = replace(publication, pictures=mode, brand=replace(publication.brand, logo=logo))
    if is_approved:
        with draft.writing() as session:
            editions.approve(session, NOVEMBER, branded, by="a test", now=NOW)

    mail = preview(draft, branded, "all")

    shown = [_data(source) for source in re.findall(r'<(?:img|source)\b[^>]*? (?:src|srcset)="([^"]*)"', mail.html)]
    assert {logo.light.data, logo.dark.data} < set(shown)
    assert all(data.startswith(PNG) for data in shown)
    assert "data:image" not in mail.source
    assert mail.html_bytes < len(mail.html.encode())


def _data(uri):
    assert uri.startswith("data:image/png;base64,"), uri
    return base64.b64decode(uri.partition(",")[2])
