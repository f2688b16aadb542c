"""The pictures of editions: kept when one is approved."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from newsletter.errors import NotFound
from newsletter.mail.pictures.picture import Image
from newsletter.services import editions, pictures
from newsletter.storage.tables import Edition
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, store_updates

MAP = Image.named("map", b"the bytes of a map")
STRIP = Image.named("strip", b"the bytes of a strip")
PHOTO = Image.named("photo", b"the bytes of a photo", "jpeg")


@pytest.fixture
def draft(database):
    store_updates(database)
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
    return database


def keep(database, *images):
    with database.writing() as session:
        pictures.keep(session, editions.get(session, NOVEMBER), images)


def test_a_picture_that_is_shown_many_times_is_kept_once(draft):
    keep(draft, MAP, STRIP, STRIP, MAP)

    with draft.reading() as session:
        assert pictures.of_edition(session, editions.get(session, NOVEMBER)) == [MAP, STRIP]


def test_a_picture_is_found_by_month_and_name_with_its_kind(draft):
    keep(draft, MAP, PHOTO)

    with draft.reading() as session:
        assert pictures.find(session, NOVEMBER, MAP.name) == MAP
        assert pictures.find(session, NOVEMBER, PHOTO.name).subtype == "jpeg"
        for month, name in ((NOVEMBER, STRIP.name), (NOVEMBER.next, MAP.name)):
            with pytest.raises(NotFound, match="has no picture of this name"):
                pictures.find(session, month, name)


def test_approval_keeps_every_picture_that_the_digests_show(draft, publication):
    with draft.writing() as session:
        edition = editions.get(session, NOVEMBER)
        shown = editions.compile_draft(session, edition, publication, now=NOW).images
        assert pictures.of_edition(session, edition) == []

        editions.approve(session, NOVEMBER, publication, by="a test", now=NOW)

        kept = pictures.of_edition(session, edition)
        assert editions.compiled(edition, publication).month == "2022-11"
    assert shown
    assert {image.name: image.data for image in kept} == {image.name: image.data for image in shown}


def test_pictures_go_with_their_edition(draft):
    keep(draft, MAP)

    with draft.writing() as session:
        session.execute(delete(Edition))
    with draft.reading() as session, pytest.raises(NotFound):
        pictures.find(session, NOVEMBER, MAP.name)
