"""T9: whoever floods the form gets nothing out of it: not by one address, not by many, not by a forged header."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.domain.states import NoticeKind
from newsletter.storage.tables import Notice, Subscriber
from newsletter.web import create_app
from newsletter.web.database import db
from newsletter.web.gate import make_stamp
from tests.web.conftest import dump

VICTIM = "victim@example.org"


@pytest.fixture
def site(make_settings, database, clock):
    """A site with settings of the test's own, behind a proxy on this machine."""
    apps = []

    def make(**overrides: str):
        settings = make_settings(trusted_proxies="127.0.0.1", **overrides)
        apps.append(create_app(settings, clock=clock))
        return apps[-1]

    yield make
    for app in apps:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def ask(site, clock):
    """Send the form as a browser does that got it from us, from an address on the net."""
    app = site()
    client = app.test_client()

    def act(email, ip="198.51.100.7", *, form="/subscribe", forwarded=None, **fields):
        with app.app_context():
            stamp = make_stamp(clock() - timedelta(seconds=30))
        headers = {"X-Forwarded-For": forwarded or ip}
        return client.post(form, data={"email": email, "follow": "KZ", "stamp": stamp, **fields}, headers=headers)

    return act


def asked(database):
    """How many confirmations are in the outbox for each address."""
    query = select(Subscriber.address, func.count()).join(Notice, Notice.subscriber_id == Subscriber.id)
    with database.reading() as session:
        found = session.execute(query.where(Notice.kind == NoticeKind.CONFIRMATION.value).group_by(Subscriber.address))
        return dict(found.all())


def test_one_victim_gets_one_mail_in_15_minutes_and_three_a_day(ask, database, clock):
    for minute in range(0, 24 * 60, 7):
        clock.time = clock.time.replace(hour=0, minute=0) + timedelta(minutes=minute)
        assert ask(VICTIM, f"203.0.{minute % 250}.7").status_code == 303
        if minute < 15:
            assert asked(database) == {VICTIM: 1}

    assert asked(database) == {VICTIM: 3}


def test_one_mailbox_with_many_names_gets_ten_a_day(ask, database):
    for number in range(30):
        assert ask(f"victim+{number}@example.org", f"203.0.{number}.7").status_code == 303

    assert sum(asked(database).values()) == 10


def test_one_attacker_reaches_twenty_victims_an_hour_and_sees_no_difference(ask, database, clock):
    answers = [ask(f"victim{number}@example.org") for number in range(30)]

    assert len({(answer.status, answer.data, str(answer.headers)) for answer in answers}) == 1
    assert len(asked(database)) == 20
    before = dump(database)
    ask("another@example.org")
    assert dump(database) == before
    clock.pass_by(timedelta(hours=1))
    ask("another@example.org")
    assert len(asked(database)) == 21


def test_a_forged_header_makes_no_other_of_who_asks(ask, database):
    for number in range(30):
        ask(f"victim{number}@example.org", forwarded=f"203.0.113.{number}, 198.51.100.7")

    assert len(asked(database)) == 20


def test_a_customer_with_a_64_is_one_and_a_network_has_its_own_limit(ask, database):
    for number in range(30):
        ask(f"one{number}@example.org", f"2001:db8:1:2::{number:x}")
    assert len(asked(database)) == 20

    for number in range(100):
        ask(f"two{number}@example.org", f"2001:db8:1:{number + 10:x}::1")
    assert len(asked(database)) == 100


@pytest.mark.parametrize("form", ["/subscribe", "/manage"])
def test_many_attackers_reach_no_more_than_the_cap_of_the_whole(site, database, clock, form):
    app = site(signups_per_hour="all=25")
    client = app.test_client()
    answers = []
    for number in range(40):
        with app.app_context():
            stamp = make_stamp(clock() - timedelta(seconds=30))
        fields = {"email": f"victim{number}@example.org", "follow": "KZ", "stamp": stamp}
        answers.append(client.post(form, data=fields, headers={"X-Forwarded-For": f"203.0.{number}.7"}))

    assert Counter(answer.status_code for answer in answers) == {303: 25, 503: 15}
    assert len(asked(database)) == (25 if form == "/subscribe" else 0)
    refused = answers[-1]
    assert refused.headers["Retry-After"] == "3600"
    assert "Try again in 60 minutes" in refused.text
    assert 'value="victim39@example.org"' in refused.text


def test_a_program_that_fills_in_what_nobody_sees_gets_the_usual_answer_and_nothing_else(ask, database):
    right = ask("reader@example.org")
    trapped = ask("spam@example.org", homepage="https://spam.example")

    assert (trapped.status, trapped.data, str(trapped.headers)) == (right.status, right.data, str(right.headers))
    assert asked(database) == {"reader@example.org": 1}


def test_programs_use_up_nothing_that_people_have(ask, database):
    for number in range(200):
        assert ask(f"spam{number}@example.org", f"203.0.{number}.7", homepage="x").status_code == 303
    ask("reader@example.org", "203.0.1.7")

    assert asked(database) == {"reader@example.org": 1}


def test_programs_that_name_somebody_do_not_keep_them_out(ask, database):
    for number in range(50):
        assert ask("reader@example.org", f"203.0.{number}.7", homepage="x").status_code == 303
    ask("reader@example.org", "203.0.1.7")

    assert asked(database) == {"reader@example.org": 1}


def test_behind_a_proxy_that_is_not_trusted_readers_do_not_share_one_limit(client, database):
    for number in range(30):
        client.post("/subscribe", data={"email": f"reader{number}@example.org", "follow": "KZ"})

    assert len(asked(database)) == 30
