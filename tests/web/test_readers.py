"""Subscribing, confirming, changing and leaving, by the pages that readers see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.mail.links import Purpose
from newsletter.services import suppressions
from newsletter.storage.tables import Consent, Notice, Subscriber, Subscription
from tests.web.conftest import START, dump

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def left(client, sign_up, settings, clock):
    """Somebody who followed Kazakhstan and West Africa, and has left; the token of their goodbye's link."""
    reader = sign_up(follow=("KZ", "west-africa"))
    client.post(f"/unsubscribe/{reader.unsubscribe}")
    return reader, settings.tokens.make_dated(Purpose.UNDO, reader.id, at=clock())


def notices(database):
    with database.reading() as session:
        return list(session.execute(select(Notice.kind, Notice.subscriber_id).order_by(Notice.id)))


def test_the_form_ticks_what_its_address_names(text):
    page = text("/subscribe?follow=KZ&follow=atlantis")

    assert 'value="KZ" checked' in page
    assert page.count(" checked") == 1


def test_a_request_is_kept_with_the_words_that_were_shown(client, database, text):
    response = client.post("/subscribe", data={"email": "reader@example.org", "follow": ["KZ", "central-asia"]})

    assert (response.status_code, response.location) == (303, "/subscribe/check-your-mail")
    assert "Country Updates" in text("/subscribe/check-your-mail")
    with database.reading() as session:
        consent = session.scalars(select(Consent)).one()
        assert (consent.act, consent.source, consent.ip) == ("requested", "/subscribe", "127.0.0.1")
        assert consent.text in text("/subscribe")
        assert consent.text in text("/places/KZ")
    assert [kind for kind, _ in notices(database)] == [NoticeKind.CONFIRMATION.value]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"email": "reader@", "follow": "KZ"}, "Enter an e-mail address in the form"),
        ({"email": "", "follow": "KZ"}, "Enter an e-mail address, such as"),
        ({"email": "reader@"}, "Choose all countries"),
        ({"email": "reader@", "follow": "atlantis"}, "one of the places isn’t in it"),
        ({}, "Choose all countries"),
    ],
)
def test_an_error_stands_beside_its_field_and_what_was_typed_stays(client, database, form, words):
    response = client.post("/subscribe", data=form)

    assert response.status_code == 400
    assert words in response.text
    assert 'role="alert"' in response.text
    assert f'value="{form.get("email", "")}"' in response.text
    if form.get("follow") == "KZ":
        assert 'value="KZ" checked' in response.text
        assert 'aria-describedby="email-error"' in response.text
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 0


def test_confirming_shows_what_is_followed_and_twice_is_once(client, database, sign_up, subscriber):
    reader = sign_up(follow=("KZ", "west-africa"), confirm=False)

    question = client.get(f"/confirm/{reader.confirm}")
    assert "Kazakhstan" in question.text
    assert "West Africa" in question.text
    assert subscriber(reader.id).state == "pending"

    for _ in range(2):
        answer = client.post(f"/confirm/{reader.confirm}")
        assert answer.status_code == 200
        assert "You are subscribed" in answer.text
    assert subscriber(reader.id).follows == "west-africa;KZ"
    kinds = [kind for kind, _ in notices(database)]
    assert kinds.count(NoticeKind.WELCOME.value) == 1
    assert "You are subscribed" in client.get(f"/confirm/{reader.confirm}").text


def test_a_used_link_to_confirm_or_undo_leads_to_none_that_is_good_for_longer(client, clock, left):
    reader, undo = left
    client.post(f"/undo/{undo}")
    clock.pass_by(timedelta(days=6))
    pages = [client.get(f"/{path}").text for path in (f"confirm/{reader.confirm}", f"undo/{undo}")]
    assert all(reader.address in page for page in pages)
    links = [page.partition('href="/manage/')[2].partition('"')[0] for page in pages]
    assert [client.get(f"/manage/{link}/data").status_code for link in links] == [200, 200]

    clock.pass_by(timedelta(days=1, seconds=1))

    assert [client.get(f"/manage/{link}/data").status_code for link in links] == [410, 410]


def test_the_page_after_the_form_promises_no_mail_to_who_gets_none(text):
    page = text("/subscribe/check-your-mail")

    assert "If we may write to this address, a mail from <strong>Country Updates</strong> is on its way" in page
    assert "at most three such mails a day, and after three that nobody confirms none for a week" in page
    assert "had your data erased here once, we may not write to you" in page
    assert 'href="mailto:updates@example.org"' in page


def test_a_confirmation_link_is_too_old_after_seven_days(client, clock, sign_up, subscriber):
    reader = sign_up(confirm=False)
    clock.pass_by(timedelta(days=7, seconds=1))

    for response in (client.get(f"/confirm/{reader.confirm}"), client.post(f"/confirm/{reader.confirm}")):
        assert response.status_code == 410
        assert "too old" in response.text
    assert subscriber(reader.id).state == "pending"


def test_who_has_left_can_not_confirm_by_the_old_link(client, sign_up):
    reader = sign_up()
    client.post(f"/unsubscribe/{reader.unsubscribe}")

    for response in (client.get(f"/confirm/{reader.confirm}"), client.post(f"/confirm/{reader.confirm}")):
        assert response.status_code == 410
        assert "has ended" in response.text


def test_a_token_is_good_for_its_own_purpose_only(client, database, sign_up, settings, clock):
    reader = sign_up(confirm=False)
    before = dump(database)
    undo = settings.tokens.make_dated(Purpose.UNDO, reader.id, at=clock())
    tokens = {
        "confirm": reader.confirm,
        "manage": reader.manage,
        "unsubscribe": reader.unsubscribe,
        "undo": undo,
    }
    broken = ["x", "1.", ".", "1.AAAA", "99999999999999999999.x", "é.ü", "%00", reader.manage[:-1], "9" + reader.manage]

    for page in tokens:
        for token in [other for name, other in tokens.items() if name != page] + broken:
            for answer in (client.get(f"/{page}/{token}"), client.post(f"/{page}/{token}", data={"follow": "all"})):
                assert answer.status_code == 404, (page, token)
    assert dump(database) == before


def test_a_subscriber_changes_what_they_follow(client, sign_up, subscriber):
    reader = sign_up()
    assert 'value="KZ" checked' in client.get(f"/manage/{reader.manage}").text

    saved = client.post(f"/manage/{reader.manage}", data={"follow": ["SD", "central-asia", "KZ"]})

    assert saved.status_code == 303
    assert "Saved" in client.get(saved.location).text
    assert subscriber(reader.id).follows == "central-asia;SD"


def test_a_subscriber_asks_for_alerts_at_once_and_takes_it_back(client, database, sign_up, subscriber):
    reader = sign_up()
    page = client.get(f"/manage/{reader.manage}").text
    words = "Also write to me at once when a place that I follow gets a Conflict Risk Alert"
    assert words in page
    assert page.count(" checked") == 1

    saved = client.post(f"/manage/{reader.manage}", data={"follow": "KZ", "alerts_at_once": "yes"})

    assert subscriber(reader.id).alerts_at_once
    page = client.get(saved.location).text
    assert "alerts come at once" in page
    assert 'name="alerts_at_once" value="yes" checked' in page
    client.post(f"/manage/{reader.manage}", data={"follow": "KZ"})
    assert not subscriber(reader.id).alerts_at_once
    with database.reading() as session:
        ledger = list(session.execute(select(Consent.act, Consent.text).order_by(Consent.id)))[2:]
    assert ledger == [
        ("changed", f"{words}: yes. Save what I follow"),
        ("changed", f"{words}: no. Save what I follow"),
    ]


def test_what_was_ticked_stays_when_the_form_is_refused(client, sign_up):
    reader = sign_up()

    refused = client.post(f"/manage/{reader.manage}", data={"alerts_at_once": "yes"})

    assert refused.status_code == 400
    assert 'name="alerts_at_once" value="yes" checked' in refused.text


def test_following_nothing_is_refused_with_a_way_to_leave(client, sign_up, subscriber):
    reader = sign_up()

    refused = client.post(f"/manage/{reader.manage}")

    assert refused.status_code == 400
    assert "Choose all countries" in refused.text
    assert f"/unsubscribe/{reader.unsubscribe}" in refused.text
    assert subscriber(reader.id).follows == "KZ"


def test_the_own_page_of_who_is_not_active_says_how_things_stand(client, sign_up):
    pending, ended = sign_up("a@example.org", confirm=False), sign_up("b@example.org")
    client.post(f"/unsubscribe/{ended.unsubscribe}")

    assert "Not confirmed yet" in client.get(f"/manage/{pending.manage}").text
    assert "has ended" in client.get(f"/manage/{ended.manage}").text
    assert client.post(f"/manage/{ended.manage}", data={"follow": "KZ"}).status_code == 410


def test_leaving_takes_one_button_and_is_recorded(client, database, sign_up, subscriber):
    reader = sign_up()
    assert "Unsubscribe" in client.get(f"/unsubscribe/{reader.unsubscribe}").text
    assert subscriber(reader.id).state == "active"

    left = client.post(f"/unsubscribe/{reader.unsubscribe}")

    assert left.status_code == 200
    assert "You are unsubscribed" in left.text
    assert subscriber(reader.id).state == "ended"
    with database.reading() as session:
        acts = list(session.execute(select(Consent.act, Consent.source).order_by(Consent.id)))
    assert acts[-1] == ("ended", "/unsubscribe")


@pytest.mark.parametrize("body", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_works_with_both_bodies_without_cookie_or_redirect_and_again(client, sign_up, subscriber, body):
    reader = sign_up()

    for _ in range(3):
        answer = client.post(f"/unsubscribe/{reader.unsubscribe}", data=ONE_CLICK, content_type=body)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert subscriber(reader.id).state == "ended"


def test_one_click_is_told_from_the_button_in_the_ledger(client, database, sign_up):
    reader = sign_up()
    client.post(f"/unsubscribe/{reader.unsubscribe}", data=ONE_CLICK)

    with database.reading() as session:
        last = session.scalars(select(Consent).order_by(Consent.id.desc())).first()
    assert (last.act, last.source) == ("ended", "one click")


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        pytest.param({}, "unsubscribed", id="nothing said"),
        pytest.param(ONE_CLICK, "unsubscribed", id="one click"),
        pytest.param({"reason": "too_much", "words": ""}, "unsubscribed: too_much", id="a choice"),
        pytest.param({"words": "  I have\0 retired\r\n "}, "unsubscribed: I have retired", id="words"),
        pytest.param({"reason": "other", "words": "x"}, "unsubscribed: other; x", id="both"),
        pytest.param({"reason": "<b>", "words": "<i>"}, "unsubscribed: <i>", id="a choice that is none"),
        pytest.param({"words": "x" * 5000}, f"unsubscribed: {'x' * 150}", id="far too much to say"),
    ],
)
def test_why_somebody_leaves_is_kept_with_what_they_followed_and_hinders_nothing(
    client, database, sign_up, subscriber, form, kept
):
    reader = sign_up()
    assert "Why, if you like to say" in client.get(f"/unsubscribe/{reader.unsubscribe}").text

    assert client.post(f"/unsubscribe/{reader.unsubscribe}", data=form).status_code == 200

    assert subscriber(reader.id).state == "ended"
    with database.reading() as session:
        assert session.scalars(select(Subscription.reason)).all() == [kept]


@pytest.mark.parametrize("form", [{}, ONE_CLICK], ids=["button", "one click"])
def test_who_leaves_is_sent_a_goodbye_once(client, database, sign_up, form):
    reader = sign_up()

    for _ in range(3):
        client.post(f"/unsubscribe/{reader.unsubscribe}", data=form)

    assert notices(database)[2:] == [(NoticeKind.GOODBYE.value, reader.id)]


def test_who_never_confirmed_is_sent_no_goodbye(client, database, sign_up):
    reader = sign_up(confirm=False)
    client.post(f"/unsubscribe/{reader.unsubscribe}", data=ONE_CLICK)

    assert [kind for kind, _ in notices(database)] == [NoticeKind.CONFIRMATION.value]


def test_leaving_is_undone_by_one_button_and_twice_is_once(client, database, subscriber, left):
    reader, token = left
    question = client.get(f"/undo/{token}")
    assert question.status_code == 200
    assert "Kazakhstan" in question.text
    assert "West Africa" in question.text
    assert "Subscribe me again" in question.text
    assert subscriber(reader.id).state == "ended"

    answer = client.post(f"/undo/{token}")

    assert answer.status_code == 200
    assert "You are subscribed" in answer.text
    assert (subscriber(reader.id).state, subscriber(reader.id).follows) == ("active", "west-africa;KZ")
    with database.reading() as session:
        last = session.scalars(select(Consent).order_by(Consent.id.desc())).first()
        assert (last.act, last.source, last.text) == ("restored", "/undo", "Subscribe me again")
    before = dump(database)
    for again in (client.post(f"/undo/{token}"), client.get(f"/undo/{token}")):
        assert again.status_code == 200
        assert "You are subscribed" in again.text
    assert dump(database) == before


def test_the_page_before_the_undo_says_that_alerts_come_back_too(client, sign_up, settings, clock):
    reader = sign_up()
    client.post(f"/manage/{reader.manage}", data={"follow": "KZ", "alerts_at_once": "yes"})
    client.post(f"/unsubscribe/{reader.unsubscribe}")
    token = settings.tokens.make_dated(Purpose.UNDO, reader.id, at=clock())

    assert "Also write to me at once" in client.get(f"/undo/{token}").text


def test_an_undo_is_too_old_after_seven_days(client, clock, database, left):
    _, token = left
    clock.pass_by(timedelta(days=7, seconds=1))
    before = dump(database)

    for response in (client.get(f"/undo/{token}"), client.post(f"/undo/{token}")):
        assert response.status_code == 410
        assert "can’t be undone any more" in response.text
        assert "This link is too old" in response.text
        assert "to get a new one" not in response.text
        assert 'href="/subscribe">Subscribe again' in response.text
    assert dump(database) == before


def refused(client, token):
    """Both answers of an undo that has become impossible, as text."""
    answers = [client.get(f"/undo/{token}"), client.post(f"/undo/{token}")]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert all("can’t be undone any more" in answer.text for answer in answers)
    return [answer.text for answer in answers]


def test_who_has_left_again_since_is_told_so(client, database, clock, left):
    reader, token = left
    client.post(f"/undo/{token}")
    clock.pass_by(timedelta(hours=1))
    client.post(f"/unsubscribe/{reader.unsubscribe}")
    before = dump(database)

    assert all("left once more" in text for text in refused(client, token))
    assert dump(database) == before


def test_who_is_erased_since_is_told_so(client, database, left):
    reader, token = left
    with database.writing() as session:
        session.delete(session.get(Subscriber, reader.id))
    before = dump(database)

    assert all("was erased since then" in text for text in refused(client, token))
    assert dump(database) == before


def test_who_is_suppressed_since_is_told_so(client, database, settings, left):
    reader, token = left
    with database.writing() as session:
        reason = SuppressionReason.COMPLAINT
        suppressions.suppress(session, reader.address, reason, tokens=settings.tokens, now=START)
    before = dump(database)

    assert all("may send no mail to your address" in text for text in refused(client, token))
    assert dump(database) == before


def test_one_click_for_somebody_who_is_erased_is_fine(client, database, sign_up):
    reader = sign_up()
    with database.writing() as session:
        session.delete(session.get(Subscriber, reader.id))

    for answer in (
        client.get(f"/unsubscribe/{reader.unsubscribe}"),
        client.post(f"/unsubscribe/{reader.unsubscribe}", data=ONE_CLICK),
    ):
        assert answer.status_code == 200


def test_safe_requests_change_nothing(client, database, sign_up, approved, left):
    active, pending = sign_up("a@example.org"), sign_up("b@example.org", confirm=False)
    before = dump(database)
    tokens = [token for reader in (active, pending) for token in (reader.confirm, reader.manage, reader.unsubscribe)]
    paths = [f"/{page}/{token}" for page in ("confirm", "manage", "unsubscribe") for token in tokens]
    paths += [
        f"/undo/{left[1]}",
        "/",
        "/places",
        "/places/KZ",
        "/subscribe",
        "/editions",
        "/editions/2022-11",
        "/admin/login",
    ]

    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS"):
            assert client.open(path, method=method).status_code < 500
    assert dump(database) == before


def test_where_a_link_was_lost_a_mistyped_address_is_asked_back_beside_the_field(client, database):
    asked = client.post("/manage", data={"email": "ada@gmial.com"})

    assert asked.status_code == 400
    assert 'name="take" value="ada@gmail.com">Yes, use ada@gmail.com</button>' in asked.text
    assert "leave it and press Send me the link" in asked.text
    assert 'value="ada@gmial.com" autocomplete="email"' in asked.text
    assert 'aria-describedby="email-suggestion"' in asked.text
    assert notices(database) == []
