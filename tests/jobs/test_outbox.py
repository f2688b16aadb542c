"""Alerts, goodbyes and signatures, from their cause to a real relay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.month import Month
from newsletter.domain.states import DeliveryState, NoticeKind
from newsletter.domain.update import Alert, Development, Trend, Update
from newsletter.jobs.sender import Sender
from newsletter.mail.dkim import Algorithm
from newsletter.services import editorial, leaving, notices, preferences, signup
from newsletter.services.consents import Origin
from newsletter.storage.tables import Edition, Notice, Subscriber
from tests.conftest import NOW
from tests.mail import test_dkim
from tests.readers import add_readers, approve_sample
from tests.relay import Relay

ORIGIN = Origin("/subscribe", "Send me updates.")
UPDATE = Update(
    "SD",
    Month(2022, 11),
    Trend.DETERIORATED,
    headline="Fighting spread.",
    developments=(Development("Troops moved.", "Talks were put off."),),
    alerts=(Alert.CONFLICT_RISK,),
)


@pytest.fixture
def relay():
    with Relay() as running:
        yield running


@pytest.fixture
def settings(make_settings, relay):
    return make_settings(smtp_url=relay.url)


@pytest.fixture
def ada(database, settings):
    """Follows Horn and East Africa, with alerts at once; her confirmation and welcome are out of the way."""
    with database.writing() as session:
        subjects = ("east-africa", "KZ")
        tokens = settings.tokens
        signup.request(session, Address.parse("ada@example.org"), subjects, origin=ORIGIN, tokens=tokens, now=NOW)
        reader = signup.confirm(session, 1, origin=ORIGIN, tokens=tokens, now=NOW)
        preferences.change(session, reader, subjects, alerts_at_once=True, origin=ORIGIN, now=NOW)
        for notice in session.scalars(select(Notice)):
            notice.state, notice.due_at = DeliveryState.SENT.value, None
    return reader


def waiting_notices():
    return select(Notice.id).where(Notice.state.in_(["pending", "armed", "deferred"])).limit(1)


def sent(database, settings, relay):
    """Send all notices that wait; the mails that the relay took."""

    def is_over():
        with database.reading() as session:
            return session.scalar(waiting_notices()) is None

    Sender(database, settings, clock=lambda: NOW).run(is_over)
    return [message_from_bytes(taken.data, _class=EmailMessage, policy=policy.default) for taken in relay.taken()]


def test_an_alert_is_sent_with_the_words_that_stand_by_then_and_the_way_out(database, settings, relay, ada):
    with database.writing() as session:
        editorial.store(session, UPDATE, now=NOW)
    with database.writing() as session:
        editorial.store(session, replace(UPDATE, headline="Mended words."), now=NOW)

    (mail,) = sent(database, settings, relay)

    assert mail["To"] == "ada@example.org"
    assert mail["Subject"] == "Conflict Risk Alert: Sudan (Country Updates)"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = mail.get_body(("plain",)).get_content()
    assert "Mended words." in text
    assert "You follow Horn and East Africa." in " ".join(text.split())


def test_a_goodbye_is_sent_to_who_has_left_and_tells_what_they_followed(database, settings, relay, ada):
    with database.writing() as session:
        reader = preferences.subscriber_of_link(session, 1)
        leaving.leave(session, reader, origin=ORIGIN, tokens=settings.tokens, now=NOW)

    (mail,) = sent(database, settings, relay)

    assert mail["Subject"] == "You are unsubscribed from Country Updates"
    assert mail["List-Unsubscribe"] is None
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "You followed Horn and East Africa, Kazakhstan." in text
    assert settings.publication.links.undo(1, at=NOW) in text


def test_who_has_left_gets_the_goodbye_and_no_alert_that_is_published_after_it(database, settings, relay, ada):
    with database.writing() as session:
        reader = preferences.subscriber_of_link(session, 1)
        leaving.leave(session, reader, origin=ORIGIN, tokens=settings.tokens, now=NOW)
        editorial.store(session, UPDATE, now=NOW)

    assert len(sent(database, settings, relay)) == 1
    with database.reading() as session:
        assert session.scalars(select(Notice.kind).order_by(Notice.id)).all() == ["confirmation", "welcome", "goodbye"]


def send_all(database, settings, edition_id):
    """Send an edition and all notices that wait."""

    def is_over():
        with database.reading() as session:
            return session.get_one(Edition, edition_id).state == "sent" and not session.scalar(waiting_notices())

    Sender(database, settings, clock=lambda: NOW).run(is_over)


def with_a_key(make_settings, relay, algorithm):
    """Settings that name one of test_dkim's keys."""
    found = test_dkim.key(algorithm)
    file = make_settings().instance / "dkim.pem"
    file.write_bytes(found.pem())
    return make_settings(smtp_url=relay.url, dkim_selector=found.selector, dkim_key="dkim.pem")


@pytest.mark.parametrize("algorithm", Algorithm)
def test_digests_and_notices_are_signed_where_the_settings_name_a_key(database, make_settings, relay, ada, algorithm):
    settings = with_a_key(make_settings, relay, algorithm)
    edition_id = approve_sample(database, settings, now=NOW)
    ask(database, settings, "bob@example.org")
    send_all(database, settings, edition_id)

    taken = [each.data for each in relay.taken()]
    assert len(taken) == 2
    assert [test_dkim.verdicts(data) for data in taken] == [[True], [True]]
    assert {message_from_bytes(data)["DKIM-Signature"].count("d=example.org") for data in taken} == {1}


def test_who_wants_text_alone_gets_a_signed_digest_of_one_part_and_who_is_away_none(
    database, make_settings, relay, ada
):
    settings = with_a_key(make_settings, relay, Algorithm.RSA)
    add_readers(database, 2, now=NOW, follows=["KZ"])
    with database.writing() as session:
        session.get_one(Subscriber, 1).text_only = True
        session.get_one(Subscriber, 2).paused_until = NOW + timedelta(days=30)
    send_all(database, settings, approve_sample(database, settings, now=NOW))

    taken = {each.rcpt_to: each.data for each in relay.taken()}
    kinds = {rcpt_to: message_from_bytes(data).get_content_type() for rcpt_to, data in taken.items()}
    assert kinds == {"ada@example.org": "text/plain", "reader2@example.org": "multipart/alternative"}
    assert all(test_dkim.verdicts(data) == [True] for data in taken.values())


def test_a_question_at_a_new_address_goes_there(database, settings, relay, ada):
    with database.writing() as session:
        notices.enqueue(session, NoticeKind.MANAGE_LINK, 1, now=NOW).address = "ada@bücher.example"

    (mail,) = sent(database, settings, relay)

    assert mail["To"] == "ada@xn--bcher-kva.example"
    assert [taken.rcpt_to for taken in relay.taken()] == ["ada@xn--bcher-kva.example"]


def test_a_broken_template_of_the_operators_lets_its_notice_wait_and_the_others_go(
    database, settings, relay, ada, caplog
):
    folder = settings.instance / "templates" / "email" / "alert"
    folder.mkdir(parents=True)
    (folder / "body.txt").write_text("{{ nobody }}")
    with database.writing() as session:
        editorial.store(session, UPDATE, now=NOW)
    ask(database, settings, "bob@example.org")

    def is_over():
        with database.reading() as session:
            return {notice.state for notice in session.scalars(select(Notice))} == {"sent", "deferred"}

    Sender(database, settings, clock=lambda: NOW).run(is_over)

    with database.reading() as session:
        (notice,) = session.scalars(select(Notice).where(Notice.state == "deferred"))
        assert (notice.kind, notice.detail) == ("alert", "450 4.3.5 not sent: a template can't be used")
    assert [taken.rcpt_to for taken in relay.taken()] == ["bob@example.org"]
    assert "notices wait: templates/email/alert/body.txt, line 1: 'nobody' is undefined" in caplog.text
    assert "ada@" not in caplog.text


def ask(database, settings, address):
    """A reader who has asked, so that a confirmation waits."""
    with database.writing() as session:
        signup.request(session, Address.parse(address), ("all",), origin=ORIGIN, tokens=settings.tokens, now=NOW)
