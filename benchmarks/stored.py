"""What readers wait for with a thousand subscribers stored, and with a million: their page, sign-up, leaving.

Both databases are asked in turn, through the application without a server, each time about another reader chosen at
random. Medians are compared. So is the scheduler's look for requests that were never confirmed, every 20 seconds.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from flask.testing import FlaskClient
from sqlalchemy import String, cast, func, insert, literal, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from benchmarks.instance import Instance, instance, postgresql_server
from benchmarks.table import table
from benchmarks.web_load import SETTINGS
from newsletter.domain.states import SubscriberState
from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Purpose
from newsletter.services import retention
from newsletter.storage.columns import UtcDateTime
from newsletter.storage.tables import Consent, Subscriber, Subscription
from newsletter.web import create_app, gate

WANTED = 1.2  #: times what it takes with the fewer
CHOSEN = 3  #: readers in a round
WARM_ROUNDS = 20  #: that are not counted
HEAD = ("database", "what", "with the fewer", "with the more", "ratio", "wanted")


@dataclass(frozen=True, slots=True)
class Stored:
    """A site whose database has so many active subscribers, numbered from 1."""

    made: Instance
    client: FlaskClient
    stamp: str
    readers: Iterator[int]  #: some of them, in no order
    numbers: Iterator[int]  #: of who is new

    @classmethod
    def fill(cls, made: Instance, subscribers: int, chosen: int) -> Stored:
        """Store them, with what they follow and what they agreed to; so many of them will be asked about."""
        with made.database.writing() as session:
            for statement in _statements(subscribers):
                session.execute(statement)
        _look_over(made)
        app = create_app(made.settings)
        with app.app_context():
            stamp = gate.make_stamp(utc_now() - timedelta(minutes=1))
        readers = iter(random.sample(range(1, subscribers + 1), chosen))
        return cls(made, app.test_client(), stamp, readers, count(1))

    def token(self, purpose: Purpose) -> str:
        """Of a reader who was not chosen before."""
        return self.made.settings.tokens.make(purpose, next(self.readers))

    def sign_up(self, address: str) -> TestResponse:
        number = next(self.numbers)
        ip = f"20.{number // 65536}.{number // 256 % 256}.{number % 256}"
        form = {"email": address, "follow": "all", "stamp": self.stamp}
        return self.client.post("/subscribe", data=form, headers={"X-Forwarded-For": ip})


def show(site: Stored) -> float:
    """A reader's own page."""
    token = site.token(Purpose.MANAGE)
    return timed(lambda: site.client.get(f"/manage/{token}"), 200)


def sign_up_new(site: Stored) -> float:
    """An address that nobody has."""
    return timed(lambda: site.sign_up(f"new{next(site.numbers)}@example.org"), 303)


def sign_up_again(site: Stored) -> float:
    """The address of a subscriber."""
    reader = next(site.readers)
    return timed(lambda: site.sign_up(f"reader{reader}@example.org"), 303)


def leave(site: Stored) -> float:
    """One click in a mail program."""
    token = site.token(Purpose.UNSUBSCRIBE)
    return timed(lambda: site.client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"}), 200)


def look(site: Stored) -> float:
    """The scheduler's."""
    with site.made.database.reading() as session:
        session.connection()
        began = time.perf_counter()
        retention.is_purge_due(session, now=utc_now())
        return time.perf_counter() - began


ACTS: dict[str, Callable[[Stored], float]] = {
    "manage page": show,
    "signing up, new": sign_up_new,
    "signing up, known": sign_up_again,
    "unsubscribe": leave,
    "the scheduler's look": look,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, nargs=2, default=(1_000, 1_000_000), help="the fewer, and the more")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    arguments = parser.parse_args()
    if min(arguments.readers) < CHOSEN * (WARM_ROUNDS + arguments.rounds):
        raise SystemExit(
            f"no reader is chosen twice: store more of them, or ask for fewer than {arguments.rounds} rounds"
        )
    rows: list[Sequence[str]] = []
    with ExitStack() as stack:
        for kind in arguments.database or ("sqlite", "postgresql"):
            url = stack.enter_context(postgresql_server()) if kind == "postgresql" else None
            rows += compare(url, arguments.readers, arguments.rounds)
    fewer, more = arguments.readers
    print(f"{fewer:,} subscribers and {more:,}; medians of {arguments.rounds} rounds, in turn\n")
    print(table(HEAD, rows))


def compare(server_url: str | None, readers: Sequence[int], rounds: int) -> Iterator[Sequence[str]]:
    """A row for each of ACTS."""
    with ExitStack() as stack:
        made = [stack.enter_context(instance(server_url=server_url, **SETTINGS)) for _ in readers]
        chosen = CHOSEN * (WARM_ROUNDS + rounds)
        sites = [Stored.fill(each, number, chosen) for each, number in zip(made, readers, strict=True)]
        for name, act in ACTS.items():
            taken: list[list[float]] = [[] for _ in sites]
            for _ in range(WARM_ROUNDS + rounds):
                for seconds, site in zip(taken, sites, strict=True):
                    seconds.append(act(site))
            fewer, more = (statistics.median(each[WARM_ROUNDS:]) for each in taken)
            told = (f"{fewer * 1000:.2f} ms", f"{more * 1000:.2f} ms", f"{more / fewer:.2f}", f"{WANTED}")
            yield made[0].words, name, *told


def timed(ask: Callable[[], TestResponse], status: int) -> float:
    """The seconds until the answer. Raises SystemExit for another one than is wanted."""
    began = time.perf_counter()
    answer = ask()
    seconds = time.perf_counter() - began
    if answer.status_code != status:
        raise SystemExit(f"{answer.request.path} answers {answer.status}")
    return seconds


def _statements(subscribers: int) -> Iterator[object]:
    """What stores them: inserts that the database makes up by itself, as quick as can be."""
    numbers = select(literal(1).label("number")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.number + 1).where(numbers.c.number < subscribers))
    number, at = numbers.c.number, literal(utc_now() - timedelta(days=60), UtcDateTime)
    address = literal("reader") + cast(number, String) + "@example.org"
    reader = {
        "id": number,
        "address": address,
        "address_key": address,
        "language": literal("en"),
        "state": literal(SubscriberState.ACTIVE.value),
        "follows": literal("all"),
        "created_at": at,
        "confirmed_at": at,
        "alerts_at_once": literal(value=False),
        "text_only": literal(value=False),
    }
    subscription = {"subscriber_id": number, "requested_at": at, "confirmed_at": at}
    yield insert(Subscriber).from_select(list(reader), select(*reader.values()))
    yield insert(Subscription).from_select(list(subscription), select(*subscription.values()))
    for act in ("requested", "confirmed"):
        words = literal("x" * 120)
        consent = {"subscriber_id": number, "at": at, "act": literal(act), "source": literal("/subscribe")}
        consent |= {"text": words, "text_sha256": literal("0" * 64)}
        yield insert(Consent).from_select(list(consent), select(*consent.values()))


def _look_over(made: Instance) -> None:
    """What PostgreSQL does by itself in the first minutes; and its numbers go on behind those that were given."""
    if made.database.path is not None:
        return
    with made.database.writing() as session:
        _go_on(session)
    with made.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _go_on(session: Session) -> None:
    last = select(func.max(Subscriber.id)).scalar_subquery()
    session.execute(select(func.setval(func.pg_get_serial_sequence("subscriber", "id"), last)))


if __name__ == "__main__":
    main()
