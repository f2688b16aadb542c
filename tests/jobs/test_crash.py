"""T1: the sender is killed at random points, and nobody is lost.

The relay keeps a message when its dot arrives and answers 20 ms later, so that a kill in between leaves a copy out
whose outcome nobody recorded: the worst moment there is.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.config import Settings
from newsletter.domain.states import DeliveryState
from newsletter.services import deliveries
from newsletter.storage.database import Database
from newsletter.storage.tables import Delivery
from tests.conftest import NOW
from tests.readers import MONTH, add_readers, approve_sample
from tests.relay import Relay

CONNECTIONS = 8
ARMED_AT_MOST = 50  #: max(50, 2 x connections)
RELAY_SECONDS = 0.02


class Sending:
    """`newsletter edition send --wait` as a process that can be killed."""

    def __init__(self, command: str, database: Database, relay: Relay, instance: Path) -> None:
        self._arguments = [command, "edition", "send", str(MONTH), "--wait"]
        self._environment = {
            "PATH": os.environ["PATH"],
            "NEWSLETTER_INSTANCE": str(instance),
            "NEWSLETTER_DATABASE_URL": database.url,
            "NEWSLETTER_SMTP_URL": relay.url,
            "NEWSLETTER_CONNECTIONS": str(CONNECTIONS),
            "NEWSLETTER_BASE_URL": "https://updates.example.org",
            "NEWSLETTER_SENDER": "Country Updates <updates@example.org>",
            "NEWSLETTER_SECRET_KEY": "a secret key for tests",
        }

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._arguments, env=self._environment, stdout=subprocess.DEVNULL)

    def stop(self, number: signal.Signals, relay: Relay, *, when: int) -> None:
        """Run until the relay has taken `when` messages, then send the signal, and wait for the end."""
        process = self.start()
        relay.wait_for(when)
        process.send_signal(number)
        process.wait(timeout=60)

    def finish(self) -> None:
        """Run to the end."""
        assert self.start().wait(timeout=120) == 0


def copies(relay: Relay) -> dict[str, list[bytes]]:
    """What each address got."""
    found = defaultdict(list)
    for taken in relay.taken():
        found[taken.rcpt_to].append(taken.data)
    return found


def flagged_readers(database: Database, edition_id: int) -> set[str]:
    query = select(Delivery.subscriber_id).where(Delivery.edition_id == edition_id, Delivery.flagged)
    with database.reading() as session:
        return {f"reader{number}@example.org" for number in session.scalars(query)}


def stops_at(readers: int, stops: int, seed: int) -> list[int]:
    """How many messages the relay has taken at each stop: random, and rising."""
    return sorted(random.Random(seed).sample(range(readers // 40, readers), stops))


def crash(
    database: Database,
    make_settings: Callable[..., Settings],
    command: str,
    instance: Path,
    *,
    readers: int,
    kills: int,
) -> None:
    settings = make_settings()
    add_readers(database, readers, now=NOW)
    edition_id = approve_sample(database, settings, now=NOW)
    with Relay(delay=RELAY_SECONDS) as relay:
        sending = Sending(command, database, relay, instance)
        for when in stops_at(readers, kills, seed=7):
            sending.stop(signal.SIGKILL, relay, when=when)
        sending.finish()
        got = copies(relay)

    doubled = {address: mails for address, mails in got.items() if len(mails) > 1}
    extra = sum(len(mails) - 1 for mails in doubled.values())
    assert set(got) == {f"reader{number}@example.org" for number in range(1, readers + 1)}, "somebody is lost"
    assert extra <= 1.1 * CONNECTIONS * kills, "more extra copies than messages in flight"
    assert all(len(set(mails)) == 1 for mails in doubled.values()), "an extra copy differs"
    assert doubled.keys() <= flagged_readers(database, edition_id), "a doubled reader is not flagged"
    with database.reading() as session:
        counts = deliveries.counts(session, edition_id)
    assert counts[DeliveryState.SENT] == sum(counts.values()) == readers


def test_killed_eight_times_the_sender_loses_nobody_and_hardly_doubles(sqlite, make_settings, command, tmp_path):
    crash(sqlite, make_settings, command, tmp_path, readers=2_000, kills=8)


def test_the_same_on_postgresql(postgresql, make_settings, command, tmp_path):
    crash(postgresql, make_settings, command, tmp_path, readers=1_000, kills=4)


@pytest.mark.soak
def test_killed_fifty_times(database, make_settings, command, tmp_path):
    crash(database, make_settings, command, tmp_path, readers=10_000, kills=50)


def test_told_to_stop_the_sender_doubles_nobody(sqlite, make_settings, command, tmp_path):
    settings = make_settings()
    add_readers(sqlite, 600, now=NOW)
    edition_id = approve_sample(sqlite, settings, now=NOW)
    with Relay(delay=RELAY_SECONDS) as relay:
        sending = Sending(command, sqlite, relay, tmp_path)
        for when in stops_at(600, 3, seed=3):
            sending.stop(signal.SIGTERM, relay, when=when)
        sending.finish()
        got = copies(relay)

    assert len(got) == 600
    assert {len(mails) for mails in got.values()} == {1}
    assert flagged_readers(sqlite, edition_id) == set()
