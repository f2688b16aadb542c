"""All that is known of a reader: downloaded, and erased, by the page that the mail's link opens."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from newsletter.mail.links import Purpose
from newsletter.storage.tables import Consent, Notice, Subscriber, Subscription, Suppression
from tests.web.conftest import dump


@pytest.fixture
def own(client, sign_up, settings, clock):
    """A reader, and a link of today to their page."""
    reader = sign_up()
    return reader, settings.tokens.make_dated(Purpose.MANAGE, reader.id, at=clock())


def test_the_file_holds_what_is_known_and_is_saved_not_shown(client, own):
    reader, token = own
    assert f"/manage/{token}/data" in client.get(f"/manage/{token}").text

    answer = client.get(f"/manage/{token}/data")

    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Content-Disposition"] == "attachment; filename=my-subscription.json"
    told = json.loads(answer.text)
    assert told["subscriber"]["address"] == reader.address
    assert [each["act"] for each in told["consents"]] == ["requested", "confirmed"]
    assert {each["ip"] for each in told["consents"]} == {"127.0.0.1"}


def test_the_page_before_says_what_goes_and_what_stays_and_erases_nothing(client, database, own):
    reader, token = own
    before = dump(database)

    page = client.get(f"/manage/{token}/erase").text

    assert "What goes" in page
    assert "What stays" in page
    assert "you can’t subscribe again with this address" in page
    assert reader.address in page
    assert dump(database) == before


def test_a_reader_is_erased_by_one_button_and_twice_is_once(client, database, own):
    reader, token = own

    for _ in range(2):
        answer = client.post(f"/manage/{token}/erase")
        assert answer.status_code == 200
        assert "Your data is erased" in answer.text
        assert reader.address not in answer.text

    with database.reading() as session:
        for table in (Subscriber, Subscription, Consent, Notice):
            assert session.scalars(select(table)).all() == []
        assert session.scalars(select(Suppression.reason)).all() == ["erased"]
    assert "Your data is erased" in client.get(f"/manage/{token}/erase").text
    assert client.get(f"/manage/{token}").status_code == 404
    assert client.post(f"/unsubscribe/{reader.unsubscribe}").status_code == 200


def test_no_byte_of_the_address_is_left_in_the_files(client, database, own):
    reader, token = own
    client.post(f"/manage/{token}/erase")

    for path in database.path.parent.glob(f"{database.path.name}*"):
        assert reader.address.encode() not in path.read_bytes().lower(), path.name


def test_who_has_left_can_see_and_erase_their_data_by_a_link_of_these_days(client, own):
    reader, token = own
    client.post(f"/unsubscribe/{reader.unsubscribe}")

    page = client.get(f"/manage/{token}").text
    assert "has ended" in page
    assert f"/manage/{token}/erase" in page
    assert json.loads(client.get(f"/manage/{token}/data").text)["subscriber"]["state"] == "ended"
    old = client.get(f"/manage/{reader.manage}").text
    assert "write to us from your address" in old
    assert "/erase" not in old
    assert "Your data is erased" in client.post(f"/manage/{token}/erase").text
