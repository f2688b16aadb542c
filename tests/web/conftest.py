"""A site on a real database with three months of updates, and clients that talk to it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from newsletter.config import Settings
from newsletter.domain.address import Address
from newsletter.domain.month import Month
from newsletter.domain.role import Role
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update
from newsletter.mail.caught import CaughtMail
from newsletter.mail.links import Purpose
from newsletter.services import admins, editions, editorial
from newsletter.storage.database import Database
from newsletter.storage.places import synchronise
from newsletter.storage.tables import Base, Subscriber
from newsletter.web import create_app
from newsletter.web.database import db
from tests.conftest import close_as_one_file

START = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
BASE_URL = "https://updates.example.org"
NOVEMBER = Month(2022, 11)


@dataclass
class Clock:
    """A clock that a test sets."""

    time: datetime = START

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, span: timedelta) -> None:
        self.time += span


@dataclass
class Caught:
    """An inbox that holds what a test puts in."""

    mails: list[CaughtMail] = field(default_factory=list)

    def messages(self) -> list[CaughtMail]:
        return self.mails


def an_update(place: str, month: Month, trend: Trend, **changes: object) -> Update:
    values: dict[str, object] = {
        "headline": f"{place} had a {trend.value} month.",
        "developments": (Development("Talks were held.", "They went *well* enough."),),
        **changes,
    }
    return Update(place=place, month=month, trend=trend, **values)  # type: ignore[arg-type]


UPDATES = [
    an_update("KZ", Month(2022, 9), Trend.UNCHANGED),
    an_update("KZ", Month(2022, 10), Trend.DETERIORATED),
    an_update(
        "KZ",
        NOVEMBER,
        Trend.UNCHANGED,
        quotes=(Quote(date(2022, 1, 7), "It matters.", "The Example Courier", "Ada Sample", "Analyst"),),
        links=(Link(date(2022, 11, 9), "Report", "After the vote", "https://example.org/vote"),),
    ),
    an_update("SD", Month(2022, 10), Trend.UNCHANGED),
    an_update("SD", NOVEMBER, Trend.DETERIORATED, alerts=(Alert.CONFLICT_RISK,)),
    an_update("ET", NOVEMBER, Trend.IMPROVED, alerts=(Alert.RESOLUTION_OPPORTUNITY,)),
    an_update("ML", NOVEMBER, Trend.DETERIORATED),
    an_update("KASHMIR", Month(2022, 10), Trend.UNCHANGED),
]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def filled_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the places and the updates, to be copied."""
    path = tmp_path_factory.mktemp("filled") / "newsletter.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    fill(database)
    close_as_one_file(database)
    return path


@pytest.fixture
def database(filled_template: Path, tmp_path: Path) -> Iterator[Database]:
    """The site's database, with places and updates, opened beside the site."""
    path = tmp_path / "newsletter.db"
    shutil.copy(filled_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


def fill(database: Database) -> None:
    """Store the places and the updates."""
    with database.writing() as session:
        synchronise(session)
    with database.writing() as session:
        for update in UPDATES:
            editorial.store(session, update, now=START)


@pytest.fixture
def inbox() -> Caught:
    return Caught()


@pytest.fixture
def app(settings: Settings, database: Database, clock: Clock, inbox: Caught) -> Iterator[Flask]:
    made = create_app(settings, clock=clock, inbox=inbox)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def text(client: FlaskClient) -> Callable[[str], str]:
    """The page at an address, once it is found."""

    def get(path: str) -> str:
        response = client.get(path)
        assert response.status_code == 200, path
        return response.text

    return get


@dataclass
class Reader:
    """A subscriber, with the tokens that lie in their mails."""

    id: int
    address: str
    confirm: str
    manage: str
    unsubscribe: str


@pytest.fixture
def sign_up(client: FlaskClient, database: Database, settings: Settings, clock: Clock) -> Callable[..., Reader]:
    """Ask for a subscription by the form, and confirm it by the page behind the mail's link."""

    def act(address: str = "reader@example.org", follow: tuple[str, ...] = ("KZ",), *, confirm: bool = True) -> Reader:
        asked = client.post("/subscribe", data={"email": address, "follow": list(follow)})
        assert asked.status_code == 303
        with database.reading() as session:
            key = Address.parse(address).key
            found = session.scalars(select(Subscriber.id).where(Subscriber.address_key == key)).one()
        tokens = settings.tokens
        reader = Reader(
            found,
            address,
            tokens.make_dated(Purpose.CONFIRM, found, at=clock()),
            tokens.make(Purpose.MANAGE, found),
            tokens.make(Purpose.UNSUBSCRIBE, found),
        )
        if confirm:
            assert client.post(f"/confirm/{reader.confirm}").status_code == 200
        return reader

    return act


@pytest.fixture
def subscriber(database: Database) -> Callable[[int], Subscriber]:
    """A subscriber's row, as it is stored now."""

    def find(subscriber_id: int) -> Subscriber:
        with database.reading() as session:
            found = session.get_one(Subscriber, subscriber_id)
            session.expunge(found)
            return found

    return find


class Desk:
    """An admin's browser: it sends the CSRF token that the last page held."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def csrf(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/admin/login").text)
        assert found
        return found[1]

    def post(self, path: str, **form: str):  # type: ignore[no-untyped-def]
        return self.client.post(path, data={"csrf_token": self.csrf(), **form}, headers={"Referer": BASE_URL})

    def get(self, path: str):  # type: ignore[no-untyped-def]
        return self.client.get(path)

    def log_in(self, address: str, password: str = PASSWORD):  # type: ignore[no-untyped-def]
        return self.post("/admin/login", address=address, password=password)


@pytest.fixture
def desk_of(app: Flask, database: Database, clock: Clock) -> Callable[[Role], Desk]:
    """The desk as an admin of a role sees it, logged in."""

    def enter(role: Role) -> Desk:
        address = f"{role.value}@example.org"
        with database.writing() as session:
            admins.add(session, Address.parse(address), role, PASSWORD, now=clock())
        desk = Desk(app.test_client())
        # The cookies are for https only, so the browser talks https.
        desk.client.environ_base["wsgi.url_scheme"] = "https"
        assert desk.log_in(address).status_code == 303
        return desk

    return enter


@pytest.fixture
def approved(database: Database, settings: Settings) -> Month:
    """November's edition, approved."""
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=START)
        editions.approve(session, NOVEMBER, settings.publication, by="owner@example.org", now=START)
    return NOVEMBER


def dump(database: Database) -> list[tuple[object, ...]]:
    """Every row of every table."""
    with database.engine.connect() as connection:
        return [
            (table.name, *row) for table in Base.metadata.sorted_tables for row in connection.execute(select(table))
        ]


@pytest.fixture
def draft(database: Database) -> Month:
    """November's draft."""
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=START)
    return NOVEMBER
