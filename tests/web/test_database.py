"""How a request comes to its transaction: in turn on SQLite, over a connection that is still good on PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from newsletter.storage.database import Database
from newsletter.storage.tables import Subscriber
from newsletter.web import create_app
from newsletter.web import database as web_database
from newsletter.web.database import db
from tests.services.stock import at_once
from tests.web.conftest import fill

MANY = 24  #: requests at once; more than a server has threads


def ask(app, number):
    """Sign up, from a thread of its own."""
    fields = {"email": f"reader{number}@example.org", "follow": "KZ"}
    return app.test_client().post("/subscribe", data=fields).status_code


def subscribers(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Subscriber))


def test_many_at_once_are_all_served(app, database):
    numbers = iter(range(MANY))

    assert at_once(MANY, lambda: ask(app, next(numbers))) == [303] * MANY
    assert subscribers(database) == MANY


def test_who_finds_the_database_busy_is_told_and_the_next_one_has_their_turn(app, database, monkeypatch):
    monkeypatch.setattr(web_database, "BUSY_MILLISECONDS", 50)
    with database.writing() as another_process:
        another_process.connection()
        assert at_once(3, lambda: ask(app, 1)) == [503] * 3

    assert ask(app, 2) == 303
    assert subscribers(database) == 1


def test_who_waited_for_their_turn_waits_so_much_less_for_other_processes(app, monkeypatch):
    with app.app_context():
        db.session.connection()
        assert db.session.scalar(text("PRAGMA busy_timeout")) == web_database.BUSY_MILLISECONDS
        db.session.rollback()
    passed = iter([0.0, 1.5])
    monkeypatch.setattr(web_database.time, "monotonic", lambda: next(passed))

    with app.app_context():
        db.session.connection()
        assert db.session.scalar(text("PRAGMA busy_timeout")) == web_database.BUSY_MILLISECONDS - 1500


@pytest.fixture
def on_postgresql(postgresql, make_settings, clock):
    """The site on PostgreSQL."""
    fill(postgresql)
    app = create_app(make_settings(database_url=postgresql.url), clock=clock)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("idle_seconds", [0.0, 3600.0])
def test_a_server_that_was_restarted_meanwhile(on_postgresql, postgresql, monkeypatch, idle_seconds):
    monkeypatch.setattr(web_database, "_IDLE_SECONDS", idle_seconds)
    assert at_once(3, lambda: ask(on_postgresql, 1)) == [303] * 3
    cut_off_others(postgresql)

    # Who comes just then is told to come again; that costs the next one nothing.
    if idle_seconds:
        assert ask(on_postgresql, 2) == 503
    assert at_once(3, lambda: ask(on_postgresql, 3)) == [303] * 3


def cut_off_others(database):
    """End all connections to this database but one's own, and wait until the server has."""
    other = Database(database.url)
    with other.writing() as session:
        ended = session.scalars(
            text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        ).all()
    other.close()
    assert ended
    assert all(ended)
