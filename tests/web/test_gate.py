"""The fields that stand in every public form: stamp, trap, question about a typo; and how pages with them are kept."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.storage.tables import Notice
from newsletter.web.gate import STAMP_LIFETIME

SECOND = timedelta(seconds=1)


@pytest.fixture
def page(client):
    """The hidden fields of a page, as a browser sends them."""

    def fields(path="/subscribe", **typed):
        text = client.get(path).text
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text)) | typed

    return fields


def mails(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Notice))


def ask(client, fields, **typed):
    return client.post("/subscribe", data={"email": "reader@example.org", "follow": "KZ", **fields, **typed})


@pytest.mark.parametrize("path", ["/subscribe", "/", "/places/KZ", "/manage"])
def test_a_form_has_a_stamp_and_a_field_that_nobody_sees(client, page, path):
    assert re.fullmatch(r"[0-9]+\.[0-9a-f]{32}", page(path)["stamp"])
    assert re.search(
        r'<p hidden><label>Leave this field empty <input type="text" name="homepage"', client.get(path).text
    )


@pytest.mark.parametrize(
    ("after", "sent"),
    [(timedelta(0), 0), (1.9 * SECOND, 0), (2 * SECOND, 1), (timedelta(minutes=6), 1), (STAMP_LIFETIME, 1)],
)
def test_who_is_faster_than_a_person_gets_the_usual_answer_and_no_mail(client, page, database, clock, after, sent):
    fields = page()
    clock.pass_by(after)

    assert ask(client, fields).status_code == 303
    assert mails(database) == sent


def test_a_page_that_was_open_for_days_is_shown_once_more_with_what_was_typed(client, page, database, clock):
    fields = page()
    clock.pass_by(STAMP_LIFETIME + SECOND)

    answer = ask(client, fields)

    assert answer.status_code == 400
    assert "This page was open for long" in answer.text
    assert 'value="reader@example.org"' in answer.text
    fresh = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    clock.pass_by(2 * SECOND)
    assert ask(client, fresh).status_code == 303
    assert mails(database) == 1


@pytest.mark.parametrize("stamp", ["1.2", "1670000000000", "é.x", "." * 5000, "9" * 400 + ".x"])
def test_a_forged_stamp_gets_the_usual_answer_and_no_mail(client, database, stamp):
    assert ask(client, {"stamp": stamp}).status_code == 303
    assert mails(database) == 0


def test_a_form_without_a_stamp_falls_under_a_tenth_of_the_limits_and_is_asked_to_be_sent_again(
    client, database, clock
):
    answers = [ask(client, {}, email=f"reader{number}@example.org") for number in range(201)]

    assert {answer.status_code for answer in answers[:200]} == {303}
    assert mails(database) == 200
    assert answers[200].status_code == 400
    assert "Send this once more" in answers[200].text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answers[200].text))
    clock.pass_by(2 * SECOND)
    assert ask(client, fields).status_code == 303


def test_pages_with_forms_keep_their_tag_while_only_the_stamp_changes(client, clock):
    first = client.get("/subscribe")
    clock.pass_by(timedelta(minutes=10))
    second = client.get("/subscribe", headers={"If-None-Match": first.headers["ETag"]})
    clock.pass_by(timedelta(hours=6))
    third = client.get("/subscribe", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["ETag"].startswith("W/")
    assert second.status_code == 304
    assert third.status_code == 200


@pytest.mark.parametrize("form", ["/subscribe", "/manage"])
def test_a_likely_slip_in_the_domain_is_asked_back_once(client, database, form):
    answer = client.post(form, data={"email": "Ada@gmial.com", "follow": "KZ"})

    assert answer.status_code == 400
    assert "Ada@gmail.com" in answer.text
    assert 'value="Ada@gmial.com"' in answer.text
    assert mails(database) == 0
    hidden = dict(re.findall(r'<input type="hidden" name="(as_typed)" value="([^"]*)"', answer.text))
    assert client.post(form, data={"email": "Ada@gmial.com", "follow": "KZ", **hidden}).status_code == 303


def test_another_slip_is_asked_back_too_and_a_suggestion_can_be_taken(client, database, sign_up):
    fields = {"email": "ada@gmai.com", "as_typed": "ada@gmial.com", "follow": "KZ"}

    assert client.post("/subscribe", data=fields).status_code == 400
    assert client.post("/subscribe", data={**fields, "take": "ada@gmail.com"}).status_code == 303
    assert mails(database) == 1


def test_what_is_wrong_with_an_address_stands_beside_it(client):
    answer = client.post("/manage", data={"email": "reader@"})

    assert answer.status_code == 400
    assert "Enter an e-mail address in the form" in answer.text
    assert 'value="reader@"' in answer.text


def test_who_has_lost_their_link_gets_it_by_mail(client, database, sign_up, clock):
    sign_up("reader@example.org")
    clock.pass_by(timedelta(hours=1))

    answer = client.post("/manage", data={"email": "READER@example.org"})

    assert (answer.status_code, answer.location) == (303, "/manage/check-your-mail")
    assert "If this address is subscribed" in client.get(answer.location).text
    with database.reading() as session:
        assert list(session.scalars(select(Notice.kind).order_by(Notice.id)))[-1] == "manage_link"
