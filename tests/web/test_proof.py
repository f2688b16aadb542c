"""Proof of work: each challenge is good once, for an hour, and only as it was given."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.storage.tables import RateWindow, Subscriber
from newsletter.web import create_app, proof
from newsletter.web.database import db
from newsletter.web.gate import make_stamp


@pytest.fixture
def app(make_settings, database, clock):
    made = create_app(make_settings(proof_of_work="on", trusted_proxies="127.0.0.1"), clock=clock)
    yield made
    with made.app_context():
        db.engine.dispose()


def solve(challenge):
    """As a browser does."""
    numbers = range(challenge["maxnumber"] + 1)
    salt = challenge["salt"]
    number = next(n for n in numbers if hashlib.sha256(f"{salt}{n}".encode()).hexdigest() == challenge["challenge"])
    return {**challenge, "number": number}


def packed(answer):
    return b64encode(json.dumps(answer).encode()).decode()


@pytest.fixture
def is_solved(database, settings, clock):
    def check(answer):
        with database.writing() as session:
            return proof.is_solved(session, answer, tokens=settings.tokens, now=clock())

    return check


@pytest.fixture
def solution(settings, clock):
    return solve(proof.make(settings.tokens, now=clock()))


def test_a_challenge_is_nobody_s_to_keep(client):
    answer = client.get("/challenge")

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json()["algorithm"] == "SHA-256"
    assert answer.get_json() != client.get("/challenge").get_json()


def test_a_solution_is_good_once(is_solved, solution):
    assert is_solved(packed(solution))
    assert not is_solved(packed(solution))


def test_a_solution_is_good_for_an_hour(is_solved, solution, clock):
    clock.pass_by(proof.LIFETIME + timedelta(seconds=1))

    assert not is_solved(packed(solution))


def test_digits_can_not_be_moved_from_the_number_to_the_time(is_solved, solution, clock):
    number = str(solution["number"])
    moved = {**solution, "salt": solution["salt"] + number[:1], "number": number[1:]}
    clock.pass_by(proof.LIFETIME + timedelta(seconds=1))

    assert not is_solved(packed(moved))


@pytest.mark.parametrize(
    "changes",
    [
        {"number": -1},
        {"number": None},
        {"number": "\ud800"},
        {"signature": "0" * 64},
        {"signature": None},
        {"challenge": hashlib.sha256(b"mine").hexdigest()},
        {"challenge": "\ud800"},
        {"salt": "mine?expires=9999999999&"},
        {"salt": 1},
    ],
)
def test_what_is_changed_solves_nothing(is_solved, solution, changes):
    assert not is_solved(packed({**solution, **changes}))


@pytest.mark.parametrize("answer", ["", "x", "é", "bnVsbA==", "W10=", "{}", "A" * 1_000_000, packed([[]] * 400)])
def test_what_is_no_answer_solves_nothing(is_solved, answer):
    assert not is_solved(answer)


def send(app, client, clock, number, **fields):
    with app.app_context():
        stamp = make_stamp(clock() - timedelta(seconds=30))
    typed = {"email": f"reader{number}@example.org", "follow": "KZ", "stamp": stamp, **fields}
    return client.post("/subscribe", data=typed, headers={"X-Forwarded-For": "198.51.100.7"})


def test_who_solves_nothing_falls_under_a_tenth_of_the_limits(app, client, database, clock):
    for number in range(5):
        assert send(app, client, clock, number).status_code == 303
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 2

    answer = packed(solve(client.get("/challenge").get_json()))
    for number in (10, 11):
        assert send(app, client, clock, number, altcha=answer).status_code == 303
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 3
        assert session.scalar(select(func.count()).where(RateWindow.name == "proof")) == 1


def test_the_form_says_where_its_challenge_is_and_may_fetch_it(client):
    page = client.get("/subscribe")

    assert 'data-challenge="/challenge"' in page.text
    assert "Without scripts this form works too" in page.text
    assert page.headers["Content-Security-Policy"].endswith("; connect-src 'self'")


def test_where_none_is_asked_for_there_is_none(make_settings, database, clock):
    app = create_app(make_settings(), clock=clock)

    assert app.test_client().get("/challenge").status_code == 404
    page = app.test_client().get("/subscribe")
    assert "proof.js" not in page.text
    assert "connect-src" not in page.headers["Content-Security-Policy"]
    with app.app_context():
        db.engine.dispose()
