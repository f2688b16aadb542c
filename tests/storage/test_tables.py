"""The rules that the database itself keeps, on both kinds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from newsletter.storage import migrating, tables
from newsletter.storage.tables import (
    Admin,
    AdminSession,
    CompiledEdition,
    Consent,
    CountryUpdate,
    Delivery,
    Edition,
    Notice,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.storage.upsert import insert_or_ignore
from tests.conftest import NOW
from tests.storage.conftest import KINDS


def a_subscriber(name: str = "ada", **changes: object) -> Subscriber:
    address = f"{name}@example.org"
    return Subscriber(**({"address": address, "address_key": address, "state": "active", "created_at": NOW} | changes))


def an_edition(month: str = "2022-11", **changes: object) -> Edition:
    return Edition(**({"month": month, "state": "draft", "created_at": NOW} | changes))


def an_update(**changes: object) -> CountryUpdate:
    values = {"place_code": "KZ", "month": "2022-11", "trend": "unchanged", "headline": "A month passed."}
    lists: dict[str, object] = {name: [] for name in ("alerts", "developments", "quotes", "links")}
    return CountryUpdate(**(values | lists | {"state": "ready", "created_at": NOW, "changed_at": NOW} | changes))


def a_subscription(**changes: object) -> Subscription:
    return Subscription(**({"subscriber_id": 1, "requested_at": NOW} | changes))


def a_delivery(**changes: object) -> Delivery:
    return Delivery(**({"edition_id": 1, "subscriber_id": 1, "state": "pending"} | changes))


def a_notice(**changes: object) -> Notice:
    return Notice(**({"kind": "welcome", "subscriber_id": 1, "created_at": NOW, "state": "pending"} | changes))


def an_admin(**changes: object) -> Admin:
    values = {"address": "ada@example.org", "address_key": "ada@example.org", "role": "owner", "password_hash": "x"}
    return Admin(**(values | {"created_at": NOW} | changes))


@pytest.fixture
def postgresql(emptied_postgresql):
    """The one that is shared: these tests only write rows."""
    return emptied_postgresql


@pytest.fixture
def stocked(database):
    """A database with a subscriber and an edition, each the first."""
    with database.writing() as session:
        session.add_all([a_subscriber(), an_edition()])
    return database


@pytest.fixture(scope="module", params=KINDS)
def unchanged(request, making):
    """The same for tests that change nothing, made once."""
    with making(request.param) as database:
        migrating.upgrade(database)
        with database.writing() as session:
            session.add_all([a_subscriber(), an_edition()])
        yield database


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([an_edition, an_edition], id="two editions of a month"),
        pytest.param([an_update, an_update], id="two updates of a place and a month"),
        pytest.param([a_delivery, a_delivery], id="two deliveries of an edition to a subscriber"),
        pytest.param([lambda: a_subscriber("bert", address_key="ada@example.org")], id="two subscribers of an address"),
        pytest.param([an_admin, an_admin], id="two admins of an address"),
        pytest.param([lambda: a_subscription(place_code="KZ")] * 2, id="a place followed twice"),
        pytest.param([lambda: a_subscription(region_code="central-asia")] * 2, id="a region followed twice"),
        pytest.param([a_subscription, a_subscription], id="everything followed twice"),
        pytest.param(
            [lambda: a_subscription(place_code="KZ", region_code="central-asia")], id="a place and a region in one"
        ),
        pytest.param([lambda: a_subscription(place_code="XX")], id="a place that is none"),
        pytest.param([lambda: a_subscription(region_code="nowhere")], id="a region that is none"),
        pytest.param([lambda: a_subscription(subscriber_id=99)], id="a subscription of nobody"),
        pytest.param([lambda: an_update(place_code="XX")], id="an update of no place"),
        pytest.param([lambda: an_update(trend="better")], id="a trend that is none"),
        pytest.param([lambda: an_update(state="done")], id="an update in no state"),
        pytest.param([lambda: an_edition("2022-12", state="ready")], id="an edition in no state"),
        pytest.param([lambda: a_subscriber("bert", state="maybe")], id="a subscriber in no state"),
        pytest.param([lambda: a_delivery(state="lost")], id="a delivery in no state"),
        pytest.param([lambda: a_notice(kind="spam")], id="a notice of no kind"),
        pytest.param([lambda: a_notice(subscriber_id=99)], id="a notice to nobody"),
        pytest.param([lambda: an_admin(role="king")], id="a role that is none"),
        pytest.param([lambda: Suppression(address_hash="x", reason="dislike", at=NOW)], id="a reason that is none"),
        pytest.param([lambda: a_subscriber("bert", address=None)], id="no address"),
        pytest.param(
            [lambda: CompiledEdition(edition_id=99, content="", pieces="", sha256="")], id="the pieces of no edition"
        ),
    ],
)
def test_the_database_refuses(unchanged, rows):
    with pytest.raises((IntegrityError, StatementError)):
        store(unchanged, rows)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([lambda: an_edition("2022-12")], id="an edition of another month"),
        pytest.param([an_update, lambda: an_update(month="2022-12"), lambda: an_update(place_code="SD")], id="updates"),
        pytest.param(
            [
                lambda: a_subscription(place_code="KZ"),
                lambda: a_subscription(place_code="SD"),
                lambda: a_subscription(region_code="central-asia"),
                a_subscription,
            ],
            id="different subjects of one subscriber",
        ),
        pytest.param(
            [lambda: a_subscription(place_code="KZ", ended_at=NOW)] * 2 + [lambda: a_subscription(place_code="KZ")],
            id="a subject that was followed before, as history",
        ),
        pytest.param([lambda: a_delivery(subscriber_id=99)], id="the delivery of an erased subscriber"),
        pytest.param([a_notice, a_notice], id="two notices of a kind"),
    ],
)
def test_the_database_takes(stocked, rows):
    store(stocked, rows)


def store(database, rows):
    with database.writing() as session:
        for make in rows:
            session.add(make())
            session.flush()


def test_a_subscription_that_is_taken_up_again_may_live_once(stocked):
    with stocked.writing() as session:
        session.add_all([a_subscription(place_code="KZ", ended_at=NOW), a_subscription(place_code="KZ")])
    with pytest.raises(IntegrityError), stocked.writing() as session:
        session.scalars(select(Subscription).where(Subscription.ended_at.is_not(None))).one().ended_at = None


def test_an_id_of_a_subscriber_is_never_used_again(stocked):
    with stocked.writing() as session:
        session.delete(session.get_one(Subscriber, 1))
    with stocked.writing() as session:
        session.add(a_subscriber("bert"))
        session.flush()

        assert session.scalars(select(Subscriber.id)).all() == [2]


def test_with_a_subscriber_goes_all_that_is_theirs_but_the_count_of_what_they_got(stocked):
    ledger = Consent(subscriber_id=1, at=NOW, act="confirmed", source="form", text="Yes", text_sha256="0" * 64)
    with stocked.writing() as session:
        session.add_all([a_subscription(place_code="KZ"), ledger, a_notice(), a_delivery()])
    with stocked.writing() as session:
        session.delete(session.get_one(Subscriber, 1))

    with stocked.reading() as session:
        assert [count(session, table) for table in (Subscription, Consent, Notice, Delivery)] == [0, 0, 0, 1]


def test_with_an_admin_go_their_logins(stocked):
    with stocked.writing() as session:
        session.add(an_admin())
        session.flush()
        session.add(AdminSession(token_sha256="0" * 64, admin_id=1, created_at=NOW, expires_at=NOW))
    with stocked.writing() as session:
        session.delete(session.get_one(Admin, 1))

    with stocked.reading() as session:
        assert count(session, AdminSession) == 0


@pytest.mark.parametrize(
    "time",
    [
        pytest.param(NOW, id="UTC"),
        pytest.param(NOW.astimezone(timezone(timedelta(hours=5, minutes=45))), id="another zone"),
        pytest.param(datetime(2022, 10, 30, 0, 59, 59, 999999, tzinfo=UTC), id="microseconds"),
    ],
)
def test_a_time_comes_back_in_utc(database, time):
    with database.writing() as session:
        session.add(an_edition(created_at=time))
    with database.reading() as session:
        found = session.scalars(select(Edition.created_at)).one()

    assert (found, found.tzinfo) == (time, UTC)


def test_a_time_without_a_zone_is_refused(database):
    with pytest.raises(StatementError, match="a time without a time zone"), database.writing() as session:
        session.add(an_edition(created_at=NOW.replace(tzinfo=None)))


def test_times_are_compared_as_times(database):
    east = timezone(timedelta(hours=10))
    with database.writing() as session:
        session.add_all([an_edition("2022-11", created_at=NOW), an_edition("2022-12", created_at=NOW)])
        before = select(func.count()).where(Edition.created_at < (NOW + timedelta(hours=1)).astimezone(east))
        after = select(func.count()).where(Edition.created_at < (NOW - timedelta(hours=1)).astimezone(east))

        assert (session.scalar(before), session.scalar(after)) == (2, 0)


def test_the_subject_of_a_subscription():
    subscriptions = [a_subscription(place_code="KZ"), a_subscription(region_code="central-asia"), a_subscription()]

    assert [each.subject for each in subscriptions] == ["KZ", "central-asia", "all"]


def test_inserting_or_ignoring_tells_which_it_was(database):
    values = {"month": "2022-11", "state": "draft", "created_at": NOW}
    with database.writing() as session:
        assert [insert_or_ignore(session, Edition, **values) for _ in range(2)] == [True, False]
        assert count(session, Edition) == 1


def test_a_word_of_a_state_fits_its_column():
    for table in tables.Base.metadata.sorted_tables:
        for column in table.columns:
            for word in getattr(column.type, "enums", ()):
                assert len(word) <= column.type.length


def count(session: Session, table: type[tables.Base]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0
