"""What the services' tests begin with: updates, readers, an edition on its way, and threads that act at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from threading import Barrier
from typing import TypeVar, cast

from sqlalchemy import event, insert, select, text
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.delivery.outcome import Outcome
from newsletter.delivery.reply import Reply
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Trend, Update
from newsletter.mail.links import Tokens
from newsletter.mail.splicing import Splicer
from newsletter.services import claims, deliveries, editions, editorial, results, runs
from newsletter.services.claims import Armed, Arming, Claim, HasNews
from newsletter.services.consents import Origin
from newsletter.services.deliveries import DEFAULT_TERMS, Terms
from newsletter.services.results import Recording
from newsletter.services.runs import EVERYTHING, Scope
from newsletter.storage.database import Database
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Base, Delivery, Edition, Subscriber, Subscription
from tests.conftest import NOW

NOVEMBER = Month(2022, 11)
TOKENS = Tokens("a secret key for tests")
ORIGIN = Origin(source="/subscribe", text="Send me updates.", ip="192.0.2.1")
OK = Reply(250, "2.0.0", "queued")
GREY = Reply(450, "4.7.1", "<reader1@example.org>: greylisted, see postmaster@example.org")
GONE_AWAY = Reply(421, "4.3.0", "closing")
NO_MAILBOX = Reply(550, "5.1.1", "reader1@example.org... User unknown")
TOO_BIG = Reply(552, "5.3.4", "too big for reader1@example.org")
UNAUTHENTICATED = Reply(550, "5.7.26", "unauthenticated mail from updates@example.org")
REFUSAL_TOLD = "550 5.7.26 unauthenticated mail from <address>"

Result = TypeVar("Result")


def an_update(place: str = "KZ", month: Month = NOVEMBER, **changes: object) -> Update:
    values: dict[str, object] = {
        "trend": Trend.UNCHANGED,
        "headline": f"{place} had a quiet month.",
        "developments": (Development("Talks were held.", "They went *well* enough."),),
        **changes,
    }
    return Update(place=place, month=month, **values)  # type: ignore[arg-type]


def store_updates(database: Database) -> None:
    """November's updates for Kazakhstan, Sudan and Ethiopia."""
    with database.writing() as session:
        editorial.store(session, an_update("KZ"), now=NOW)
        editorial.store(session, an_update("SD", trend=Trend.DETERIORATED, alerts=(Alert.CONFLICT_RISK,)), now=NOW)
        editorial.store(session, an_update("ET", trend=Trend.IMPROVED), now=NOW)


def add_readers(database: Database, follows: Sequence[str], domains: Sequence[str] = ("example.org",)) -> list[int]:
    """One active reader for each selection, at each domain in turn; their ids."""
    if not follows:
        return []
    rows = [
        {
            "address": f"reader{number}@{domains[(number - 1) % len(domains)]}",
            "address_key": f"reader{number}@{domains[(number - 1) % len(domains)]}",
            "state": "active",
            "follows": each,
            "created_at": NOW,
            "confirmed_at": NOW,
        }
        for number, each in enumerate(follows, 1)
    ]
    with database.writing() as session:
        session.execute(insert(Subscriber), rows)
        return list(session.scalars(select(Subscriber.id).order_by(Subscriber.id)))


def subscribe_readers(session: Session, *, at: datetime) -> None:
    """Give each reader the subscriptions that say the same as their selection."""
    regions = {region.code for region in gazetteer().regions}
    for reader_id, follows in session.execute(select(Subscriber.id, Subscriber.follows)).all():
        for subject in follows.split(";"):
            place, region = (None, subject) if subject in regions else (subject if subject != "all" else None, None)
            row = Subscription(subscriber_id=reader_id, place_code=place, region_code=region)
            row.requested_at = row.confirmed_at = at
            session.add(row)


def start_sending(
    database: Database,
    settings: Settings,
    follows: Sequence[str],
    *,
    domains: Sequence[str] = ("example.org",),
    terms: Terms = DEFAULT_TERMS,
) -> int:
    """November's edition, being sent to one reader for each selection; its id."""
    store_updates(database)
    add_readers(database, follows, domains)
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
        editions.approve(session, NOVEMBER, settings.publication, by="a test", now=NOW)
        return deliveries.start(session, NOVEMBER, by="a test", now=NOW, terms=terms).id


def everybody(_follows: Sequence[str]) -> bool:
    """For claims: whatever a reader follows is in the edition."""
    return True


def begin(session: Session, scope: Scope = EVERYTHING, *, now: datetime = NOW) -> tuple[Arming, Recording]:
    """A sender's life, whose retries have no jitter."""
    owner = runs.begin(session, scope, now=now)
    return Arming(owner, TOKENS, now, scope=scope), Recording(owner, TOKENS, now, chance=lambda: 0.0)


def arm(
    session: Session,
    arming: Arming,
    edition_id: int,
    *,
    after: int = 0,
    limit: int = 100,
    has_news: HasNews = everybody,
    is_idle: bool = True,
) -> Armed:
    """Arm pending deliveries from behind a reader to the end of the scope."""
    between = (max(after, arming.scope.first - 1), arming.scope.last)
    return claims.arm_pending(
        session, arming, edition_id, between=between, has_news=has_news, limit=limit, is_idle=is_idle
    )


def readers_of(armed: Armed) -> list[int]:
    """Whose deliveries were armed, in order."""
    return [each.claim.row_id for each in armed.deliveries]


def splicer(session: Session, edition_id: int, settings: Settings) -> Splicer:
    """The edition's splicer."""
    edition = session.get_one(Edition, edition_id)
    return Splicer(editions.compiled(edition, settings.publication), settings.publication, gazetteer())


def deliveries_of(session: Session, edition_id: int) -> list[Delivery]:
    """An edition's rows as the database has them now, by subscriber; they may be read when the session is over."""
    query = select(Delivery).where(Delivery.edition_id == edition_id).order_by(Delivery.subscriber_id)
    rows = list(session.scalars(query.execution_options(populate_existing=True)))
    for row in rows:
        session.expunge(row)
    return rows


def record(database: Database, recording: Recording, *outcomes: Outcome) -> int:
    """Record what the relay said, in a transaction of its own."""
    with database.writing() as session:
        return results.record(session, [(cast("Claim", outcome.key), outcome) for outcome in outcomes], recording)


def rows_of(database: Database, claim: Claim) -> list[Delivery]:
    """All rows of a claim's edition."""
    with database.reading() as session:
        return deliveries_of(session, claim.edition_id)


def dump(database: Database) -> list[tuple[object, ...]]:
    """Every row of every table."""
    with database.engine.connect() as connection:
        return [
            (table.name, *row)
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table).order_by(*table.primary_key))
        ]


def at_once(count: int, act: Callable[[], Result]) -> list[Result]:
    """What `act` returns in each of as many threads, all of which begin together."""
    barrier = Barrier(count)

    def wait_and_act() -> Result:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(count) as threads:
        return [future.result() for future in [threads.submit(wait_and_act) for _ in range(count)]]


def wait_until_it_waits(database: Database, act: Future[None]) -> None:
    """Until `act`, in a thread of its own, waits for a lock on PostgreSQL, or is done."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not act.done() and not connection.scalar(waiting):
            pass


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are run within."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)
