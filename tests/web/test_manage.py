"""A reader's own page: each part saved by itself, by a digest's link or by one that was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter.mail.links import Purpose
from newsletter.storage.tables import Consent, Notice, Subscriber
from tests.web.conftest import dump


@pytest.fixture
def fresh(settings, clock):
    """A link of today to somebody's own page."""
    return lambda reader: settings.tokens.make_dated(Purpose.MANAGE, reader.id, at=clock())


def ledger(database):
    with database.reading() as session:
        query = select(Consent.act, Consent.source, Consent.text).order_by(Consent.id)
        return [tuple(row) for row in session.execute(query)][2:]


def links_sent(database):
    with database.reading() as session:
        return session.scalars(select(Notice.subscriber_id).where(Notice.kind == "manage_link")).all()


def test_a_reader_pauses_and_ends_the_pause(client, database, sign_up, subscriber):
    reader = sign_up()
    page = client.get(f"/manage/{reader.manage}").text
    assert "3 months, until 1 Mar 2023" in page
    assert "End the pause now" not in page

    answer = client.post(f"/manage/{reader.manage}/pause", data={"months": "3"})

    assert (answer.status_code, subscriber(reader.id).paused_until) == (303, datetime(2023, 3, 1, tzinfo=UTC))
    page = client.get(answer.location).text
    assert "Saved. No digest and no alert comes before 1 Mar 2023." in page
    assert "paused until 1 Mar 2023" in page

    answer = client.post(f"/manage/{reader.manage}/resume")

    assert subscriber(reader.id).paused_until is None
    page = client.get(answer.location).text
    assert "Saved. The pause is over" in page
    assert "paused until" not in page
    assert ledger(database) == [
        ("paused", "/manage/pause", "Pause all mail: for 3 months"),
        ("resumed", "/manage/resume", "End the pause now"),
    ]


def test_a_pause_that_is_over_is_not_shown(client, clock, sign_up):
    reader = sign_up()
    client.post(f"/manage/{reader.manage}/pause", data={"months": "1"})
    clock.pass_by(timedelta(days=40))

    assert "paused until" not in client.get(f"/manage/{reader.manage}").text


@pytest.mark.parametrize("months", ["", "0", "7", "-1", "1.5", "two", "１", "9" * 5000, "\0"])
def test_a_pause_that_is_none_is_told_beside_its_field(client, sign_up, subscriber, months):
    reader = sign_up()

    refused = client.post(f"/manage/{reader.manage}/pause", data={"months": months})

    assert refused.status_code == 400
    assert "Choose a pause of 1 to 6 months" in refused.text
    assert 'aria-describedby="months-error"' in refused.text
    assert subscriber(reader.id).paused_until is None


def test_a_reader_asks_for_plain_text_and_takes_it_back(client, database, sign_up, subscriber):
    reader = sign_up()

    saved = client.post(f"/manage/{reader.manage}/format", data={"text_only": "yes"})
    assert subscriber(reader.id).text_only
    page = client.get(saved.location).text
    assert "Saved. Digests come as plain text" in page
    assert 'name="text_only" value="yes" checked' in page

    saved = client.post(f"/manage/{reader.manage}/format")
    assert not subscriber(reader.id).text_only
    assert "with pictures and colours from now on" in client.get(saved.location).text
    assert [text.split(".")[0] for _, _, text in ledger(database)] == [
        f"Send me digests as plain text, without pictures and colours: {answer}" for answer in ("yes", "no")
    ]


def test_an_error_in_one_part_leaves_the_others_as_they_are_stored(client, sign_up):
    reader = sign_up()
    client.post(f"/manage/{reader.manage}/format", data={"text_only": "yes"})

    refused = client.post(f"/manage/{reader.manage}/pause", data={"months": "9"}).text

    assert 'value="KZ" checked' in refused
    assert 'name="text_only" value="yes" checked' in refused
    assert refused.count('role="alert"') == 1


@pytest.mark.parametrize("part", ["pause", "resume", "format"])
def test_who_has_left_changes_nothing(client, database, sign_up, part):
    reader = sign_up()
    client.post(f"/unsubscribe/{reader.unsubscribe}")
    before = dump(database)

    assert client.post(f"/manage/{reader.manage}/{part}", data={"months": "1"}).status_code == 410
    assert dump(database) == before


def test_a_word_in_the_address_that_is_none_of_ours_says_nothing(client, sign_up):
    reader = sign_up()

    for word in ("<b>x", "pause", "resume&saved=x", ""):
        page = client.get(f"/manage/{reader.manage}", query_string={"saved": word}).text
        assert 'role="status"' not in page or word.startswith("resume")
        assert "<b>x" not in page


def test_a_link_that_was_asked_for_works_for_seven_days_and_is_renewed_by_a_button(
    client, clock, database, sign_up, fresh
):
    reader = sign_up()
    token = fresh(reader)
    clock.pass_by(timedelta(days=7))
    assert "Your subscription" in client.get(f"/manage/{token}").text

    clock.pass_by(timedelta(seconds=1))
    for answer in (client.get(f"/manage/{token}"), client.post(f"/manage/{token}", data={"follow": "SD"})):
        assert answer.status_code == 410
        assert "This link is too old" in answer.text
        assert f"/unsubscribe/{reader.unsubscribe}" in answer.text
        assert reader.address not in answer.text
    assert links_sent(database) == []

    sent = client.post(f"/manage/{token}/link")

    assert sent.status_code == 303
    assert "on its way" in client.get(sent.location).text
    assert links_sent(database) == [reader.id]


def test_a_digests_link_works_for_ever_but_not_for_what_can_not_be_taken_back(client, clock, database, sign_up):
    reader = sign_up()
    clock.pass_by(timedelta(days=1000))
    page = client.get(f"/manage/{reader.manage}")
    assert page.status_code == 200
    assert "Send me a new link" in page.text
    before = dump(database)

    for method, part in (("GET", "data"), ("GET", "erase"), ("POST", "erase"), ("POST", "address")):
        answer = client.open(f"/manage/{reader.manage}/{part}", method=method, data={"email": "eve@example.org"})
        assert answer.status_code == 403
        assert "A new link is needed" in answer.text
        assert reader.address not in answer.text
    assert dump(database) == before

    client.post(f"/manage/{reader.manage}/link")
    assert links_sent(database) == [reader.id]


@pytest.mark.parametrize(("address", "shown"), [("ada@example.org", "a…@e…"), ("ö@bücher.example", "ö…@b…")])
def test_a_digests_link_shows_the_address_by_its_first_letters(client, sign_up, fresh, address, shown):
    reader = sign_up(address)

    page = client.get(f"/manage/{reader.manage}").text

    assert page.count(f'<strong class="address">{shown}</strong>') == 2
    assert address.rpartition("@")[2] not in page
    assert address.rpartition("@")[2] in client.get(f"/manage/{fresh(reader)}").text


def test_who_has_not_confirmed_is_not_told_by_an_old_mail(client, sign_up, fresh):
    reader = sign_up(confirm=False)

    old = client.get(f"/manage/{reader.manage}").text

    assert "Not confirmed yet" in old
    assert "r…@e…" in old
    assert reader.address not in old
    assert reader.address in client.get(f"/manage/{fresh(reader)}").text


def test_right_after_confirming_the_page_is_open_for_everything(client, sign_up):
    reader = sign_up(confirm=False)
    confirmed = client.post(f"/confirm/{reader.confirm}").text

    link = confirmed.partition('href="/manage/')[2].partition('"')[0]

    assert "Download all that is known of you" in client.get(f"/manage/{link}").text


def test_a_new_link_is_sent_to_nobody_who_is_not_subscribed(client, database, sign_up):
    pending, ended = sign_up("a@example.org", confirm=False), sign_up("b@example.org")
    client.post(f"/unsubscribe/{ended.unsubscribe}")

    for reader in (pending, ended):
        assert client.post(f"/manage/{reader.manage}/link").status_code == 303
    assert links_sent(database) == []


def test_a_forged_or_foreign_token_opens_no_part(client, database, sign_up, fresh, settings, clock):
    reader, other = sign_up(), sign_up("b@example.org")
    good = fresh(reader)
    value, date, signature = good.split(".")
    forged = [
        f"{other.id}.{date}.{signature}",
        f"{value}.{date}.{fresh(other).split('.')[2]}",
        good[:-2],
        reader.confirm,
        reader.unsubscribe,
        settings.tokens.make_dated(Purpose.ADDRESS, reader.id, at=clock()),
        "..",
        "1..",
        "é.ü.x",
    ]
    before = dump(database)

    for token in forged:
        for part in ("", "/pause", "/resume", "/format", "/address", "/link", "/erase"):
            answer = client.post(f"/manage/{token}{part}", data={"follow": "all", "months": "1", "email": "e@x.org"})
            assert answer.status_code == 404, (token, part)
        for part in ("", "/data", "/erase"):
            assert client.get(f"/manage/{token}{part}").status_code == 404
    assert dump(database) == before


def test_no_part_is_changed_by_a_safe_request_or_kept_by_anybody(client, database, sign_up, fresh):
    reader = sign_up()
    token = fresh(reader)
    before = dump(database)

    for part in ("", "/pause", "/resume", "/format", "/address", "/link", "/data", "/erase"):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = client.open(f"/manage/{token}{part}", method=method)
            assert answer.status_code in (200, 405)
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert dump(database) == before


def test_who_is_gone_has_no_page(client, database, sign_up, fresh):
    reader = sign_up()
    with database.writing() as session:
        session.delete(session.get(Subscriber, reader.id))

    for token in (reader.manage, fresh(reader)):
        for part in ("", "/pause", "/resume", "/format", "/link"):
            assert client.post(f"/manage/{token}{part}", data={"months": "1"}).status_code == 404
        assert client.get(f"/manage/{token}").status_code == 404
