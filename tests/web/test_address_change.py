"""A new address: asked for on the own page, taken by its owner's button; the answer tells nobody whose it is."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.mail.links import Purpose
from newsletter.services import suppressions
from newsletter.storage.tables import Notice
from tests.web.conftest import dump

NEW = "reader@new.example.org"


@pytest.fixture
def ask(client, settings, clock):
    """Ask for a new address on the own page."""

    def act(reader, address=NEW, **fields):
        token = settings.tokens.make_dated(Purpose.MANAGE, reader.id, at=clock())
        return client.post(f"/manage/{token}/address", data={"email": address, **fields})

    return act


@pytest.fixture
def question(database, settings):
    """The token in the newest mail that asks at a new address."""

    def find():
        with database.reading() as session:
            query = select(Notice).where(Notice.kind == NoticeKind.ADDRESS_CHANGE.value).order_by(Notice.id.desc())
            newest = session.scalars(query).first()
            return settings.tokens.make_dated(Purpose.ADDRESS, newest.id, at=newest.created_at)

    return find


@pytest.fixture
def move(client, clock, ask, question):
    """Ask for a new address in an hour, and take it by the button there; the token of the question."""

    def act(reader, address=NEW):
        clock.pass_by(timedelta(hours=1))
        ask(reader, address)
        token = question()
        assert client.post(f"/address/{token}").status_code == 200
        clock.pass_by(timedelta(hours=1))
        return token

    return act


def manage_token(page):
    """The token in a page's link to the own page."""
    return page.partition('href="/manage/')[2].partition('"')[0]


def told(database):
    """Where mail about addresses goes."""
    with database.reading() as session:
        query = select(Notice.kind, Notice.address).where(Notice.address.is_not(None)).order_by(Notice.id)
        return [tuple(row) for row in session.execute(query)]


def test_a_reader_changes_their_address(client, database, sign_up, subscriber, ask, question):
    reader = sign_up()

    asked = ask(reader)

    assert asked.status_code == 303
    page = client.get(asked.location).text
    assert "Now open the mail at the new address" in page
    assert f'You have given <strong class="address">{NEW}</strong>' in page
    assert subscriber(reader.id).address == reader.address

    shown = client.get(f"/address/{question()}")
    assert "Use this address" in shown.text
    assert NEW in shown.text
    assert reader.address not in shown.text
    assert subscriber(reader.id).address == reader.address

    for _ in range(2):
        taken = client.post(f"/address/{question()}")
        assert taken.status_code == 200
        assert "Your address is changed" in taken.text
    assert subscriber(reader.id).address == NEW
    assert told(database) == [("address_change", NEW), ("address_changed", reader.address)]
    page = client.get(f"/manage/{manage_token(taken.text)}").text
    assert NEW in page
    assert "You have given" not in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter an e-mail address, such as name@example.org"),
        ("reader@", "Enter an e-mail address in the form name@example.org"),
        ("a" * 400 + "@example.org", "This e-mail address is too long"),
        ('"><script>alert(1)</script>', "Enter an e-mail address in the form"),
    ],
)
def test_an_error_stands_beside_the_field_and_what_was_typed_stays(client, database, sign_up, ask, typed, words):
    reader = sign_up()
    before = dump(database)

    refused = ask(reader, typed)

    assert refused.status_code == 400
    assert words in refused.text
    assert 'aria-describedby="email-error email-hint"' in refused.text
    assert "<script>alert" not in refused.text
    if typed == "reader@":
        assert 'value="reader@"' in refused.text
    assert dump(database) == before


def test_what_looks_mistyped_is_asked_back_beside_the_field_and_stays_typed(client, database, sign_up, ask):
    reader = sign_up()
    before = dump(database)

    asked = ask(reader, "ada@gmial.com")

    assert asked.status_code == 400
    assert "<title>Check the address: " in asked.text
    assert 'href="#email">Look at it</a>' in asked.text
    field = re.search(r'<label class="field" for="email">.*?<input id="email"[^>]*>', asked.text, re.DOTALL)[0]
    assert 'name="take" value="ada@gmail.com">Yes, use ada@gmail.com</button>' in field
    assert "leave it and press Ask at the new address" in field
    assert 'value="ada@gmial.com"' in field
    assert 'aria-describedby="email-suggestion email-hint"' in field
    assert 'name="as_typed" value="ada@gmial.com"' in asked.text
    assert dump(database) == before


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        pytest.param({"as_typed": "ada@gmial.com"}, "ada@gmial.com", id="who sends it again means it"),
        pytest.param({"take": "ada@gmail.com"}, "ada@gmail.com", id="what is suggested is taken by its button"),
    ],
)
def test_what_was_asked_back_is_answered(database, sign_up, ask, fields, address):
    reader = sign_up()

    assert ask(reader, "ada@gmial.com", **fields).status_code == 303
    assert told(database) == [("address_change", address)]


def test_another_slip_is_asked_back_too(database, sign_up, ask):
    reader = sign_up()

    assert ask(reader, "ada@gmai.com", as_typed="ada@gmial.com").status_code == 400
    assert told(database) == []


def test_the_answer_is_the_same_whoever_has_the_address(client, database, sign_up, ask, settings, clock):
    reader, other = sign_up(), sign_up("other@example.org")
    ended, pending = sign_up("ended@example.org"), sign_up("pending@example.org", confirm=False)
    client.post(f"/unsubscribe/{ended.unsubscribe}")
    with database.writing() as session:
        reason = SuppressionReason.ERASED
        suppressions.suppress(session, "erased@example.org", reason, tokens=settings.tokens, now=clock())
    answers = set()

    for address in ("new@example.org", other.address, ended.address, pending.address, "erased@example.org", NEW):
        asked = ask(reader, address)
        page = client.get(asked.location).text.replace(address, "")
        answers.add((asked.status, asked.data, str(asked.headers), page))
        clock.pass_by(timedelta(days=1, seconds=1))
    assert len({_without_tokens(answer) for answer in answers}) == 1


def _without_tokens(answer):
    """An answer without what differs from one moment to the next: dates and the tokens that hold them."""
    return tuple(re.sub(r"\d+\.[\w-]+\.[\w-]+|until \d+ \w+ \d{4}", "", part) for part in map(str, answer))


@pytest.mark.parametrize("how", ["taken", "suppressed", "ended", "overtaken", "erased"])
def test_what_can_not_be_done_any_more_says_why_and_changes_nothing(
    client, database, sign_up, ask, question, settings, clock, how
):
    reader = sign_up()
    ask(reader)
    token = question()
    if how == "taken":
        sign_up(NEW)
    elif how == "suppressed":
        with database.writing() as session:
            reason = SuppressionReason.COMPLAINT
            suppressions.suppress(session, NEW, reason, tokens=settings.tokens, now=clock())
    elif how == "ended":
        client.post(f"/unsubscribe/{reader.unsubscribe}")
    elif how == "overtaken":
        ask(reader, "third@example.org")
    else:
        fresh = settings.tokens.make_dated(Purpose.MANAGE, reader.id, at=clock())
        client.post(f"/manage/{fresh}/erase")
    words = {
        "taken": "has a subscription of its own",
        "suppressed": "may send no mail to this address",
        "ended": "has ended since this mail was sent",
        "overtaken": "Another address was asked for",
        "erased": "or all was erased",
    }
    before = dump(database)

    for answer in (client.get(f"/address/{token}"), client.post(f"/address/{token}")):
        assert answer.status_code == (409 if how == "taken" else 410)
        assert words[how] in answer.text
    assert dump(database) == before


def test_a_question_is_too_old_after_seven_days(client, database, clock, sign_up, ask, question):
    ask(sign_up())
    token = question()
    clock.pass_by(timedelta(days=7, seconds=1))
    before = dump(database)

    for answer in (client.get(f"/address/{token}"), client.post(f"/address/{token}")):
        assert answer.status_code == 410
        assert "This link is too old" in answer.text
        assert "ask again on your own page" in answer.text
        assert 'href="/manage">Send me the link to my page' in answer.text
        assert "Subscribe again" not in answer.text
    assert dump(database) == before


def test_who_holds_a_passed_on_mail_learns_no_address_before_the_change_or_after(client, clock, sign_up, ask, question):
    reader = sign_up()
    ask(reader)
    pages = [f"/manage/{reader.manage}", f"/unsubscribe/{reader.unsubscribe}"]

    for path in pages:
        page = client.get(path).text
        assert "r…@e…" in page
        assert NEW not in page
        assert reader.address not in page

    client.post(f"/address/{question()}")
    clock.pass_by(timedelta(days=1))
    for path in pages:
        page = client.get(path).text
        assert "r…@n…" in page
        assert NEW not in page


def test_a_link_to_the_old_address_is_worth_what_a_digests_is(client, clock, database, sign_up, settings, move):
    reader = sign_up()
    old = settings.tokens.make_dated(Purpose.MANAGE, reader.id, at=clock())
    assert client.get(f"/manage/{old}/data").status_code == 200
    move(reader)
    before = dump(database)

    page = client.get(f"/manage/{old}").text
    assert "r…@n…" in page
    assert NEW not in page
    for method, part in (("GET", "data"), ("GET", "erase"), ("POST", "erase"), ("POST", "address")):
        answer = client.open(f"/manage/{old}/{part}", method=method, data={"email": "eve@example.org"})
        assert answer.status_code == 403
        assert NEW not in answer.text
    assert dump(database) == before

    new = settings.tokens.make_dated(Purpose.MANAGE, reader.id, at=clock())
    assert NEW in client.get(f"/manage/{new}").text
    assert client.get(f"/manage/{new}/data").status_code == 200


def test_old_links_to_confirm_and_to_undo_show_no_new_address_and_lead_to_none(client, clock, sign_up, settings, move):
    reader = sign_up()
    client.post(f"/unsubscribe/{reader.unsubscribe}")
    undo = settings.tokens.make_dated(Purpose.UNDO, reader.id, at=clock())
    client.post(f"/undo/{undo}")
    move(reader)
    clock.pass_by(timedelta(days=5))

    for path in (f"/confirm/{reader.confirm}", f"/undo/{undo}"):
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 200
            assert "You are subscribed" in answer.text
            assert NEW not in answer.text
            link = manage_token(answer.text)
            assert NEW not in client.get(f"/manage/{link}").text
            assert client.get(f"/manage/{link}/data").status_code == 403


def test_nobody_says_yes_for_the_new_address_by_a_question_that_went_to_the_old_one(
    client, database, sign_up, clock, settings, subscriber, move
):
    reader = sign_up()
    move(reader)
    client.post(f"/unsubscribe/{reader.unsubscribe}")
    clock.pass_by(timedelta(hours=1))
    client.post("/subscribe", data={"email": NEW, "follow": "SD"})
    before = dump(database)

    for answer in (client.get(f"/confirm/{reader.confirm}"), client.post(f"/confirm/{reader.confirm}")):
        assert answer.status_code == 410
        assert NEW not in answer.text
    assert dump(database) == before

    new = settings.tokens.make_dated(Purpose.CONFIRM, reader.id, at=clock())
    assert NEW in client.get(f"/confirm/{new}").text
    assert NEW in client.post(f"/confirm/{new}").text
    assert subscriber(reader.id).state == "active"


def test_a_used_question_leads_to_a_link_that_is_as_old_as_the_change(client, clock, sign_up, move):
    token = move(sign_up())
    clock.pass_by(timedelta(days=6))
    again = client.get(f"/address/{token}").text

    link = manage_token(again)
    assert client.get(f"/manage/{link}").status_code == 200
    clock.pass_by(timedelta(days=1))
    assert client.get(f"/manage/{link}").status_code == 410


def test_the_notice_of_another_kind_is_no_question(client, database, sign_up, settings, clock):
    reader = sign_up()
    with database.reading() as session:
        ids = session.scalars(select(Notice.id)).all()

    for number in (*ids, reader.id, 0, 10**18):
        token = settings.tokens.make_dated(Purpose.ADDRESS, number, at=clock())
        assert client.post(f"/address/{token}").status_code == 410


def test_nothing_is_changed_by_a_safe_request(client, database, sign_up, ask, question):
    ask(sign_up())
    before = dump(database)

    for method in ("GET", "HEAD", "OPTIONS"):
        answer = client.open(f"/address/{question()}", method=method)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert dump(database) == before
