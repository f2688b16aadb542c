"""A destination that is slow, or refuses us, makes only its own readers wait: a real sender, database and relay."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import String, cast, func, select, update

from newsletter.delivery.destinations.advice import advise
from newsletter.delivery.reply import Reply
from newsletter.domain.states import DeliveryState, EditionState
from newsletter.jobs.sender import Sender, utc_now
from newsletter.services import destinations, editions
from newsletter.storage.tables import Delivery, Subscriber
from tests.conftest import NOW
from tests.readers import MONTH, add_readers, approve_sample, count_states
from tests.relay import Relay

READERS = 120
UNAUTHENTICATED = "550 5.7.26 reader2@gmail.com: this mail is unauthenticated"


@pytest.fixture
def half_at_gmail(database, make_settings):
    """An edition for readers of whom every other one is at Gmail; how to send it through a relay."""
    add_readers(database, READERS, now=NOW)
    with database.writing() as session:
        at_gmail = "reader" + cast(Subscriber.id, String) + "@gmail.com"
        session.execute(update(Subscriber).where(Subscriber.id % 2 == 0).values(address=at_gmail, address_key=at_gmail))
    edition_id = approve_sample(database, make_settings(), now=NOW)

    def send(relay: Relay, is_over, **settings: str) -> int:
        Sender(database, make_settings(smtp_url=relay.url, **settings)).run(is_over)
        return edition_id

    return send


def at(relay: Relay, domain: str) -> int:
    return sum(taken.rcpt_to.endswith(domain) for taken in relay.taken())


def test_a_destination_that_refuses_us_is_left_alone_and_all_others_get_theirs(database, half_at_gmail):
    refused: list[str] = []
    is_mended = False

    def answer(address: str) -> str:
        if not address.endswith("@gmail.com") or is_mended:
            return "250 2.1.5 ok"
        refused.append(address)
        return UNAUTHENTICATED

    with Relay(answer_rcpt=answer, delay=0.01) as relay:
        edition_id = half_at_gmail(relay, lambda: at(relay, "@example.org") == READERS // 2)

        assert 1 <= len(refused) <= 20
        with database.reading() as session:
            edition = editions.get(session, MONTH)
            [known] = destinations.load(session)
        assert edition.state == EditionState.SENDING
        assert (known.name, known.pauses, known.note) == ("gmail", 1, edition.note)
        assert advise(Reply(550, "5.7.26")) in known.note
        assert "newsletter destination resume gmail" in known.note
        assert "reader2" not in known.note
        waiting = select(func.count()).where(
            Delivery.state == "pending", Delivery.due_at > utc_now().timestamp() + 3000
        )
        with database.reading() as session:
            assert session.scalar(waiting) == READERS // 2 - len(refused)
            assert session.scalar(select(func.count()).where(Subscriber.state == "active")) == READERS

        is_mended = True
        with database.writing() as session:
            destinations.resume(session, "gmail", now=utc_now())
        half_at_gmail(relay, lambda: at(relay, "@gmail.com") == READERS // 2 - len(refused))
        with database.reading() as session:
            counts = count_states(session, edition_id)
            assert destinations.load(session) == []
    assert counts[DeliveryState.DEFERRED] == len(refused), "each is tried again by itself"


def test_a_rate_for_one_destination_holds_and_keeps_nobody_else_waiting(half_at_gmail):
    others_were_through_after = 0

    def is_over() -> bool:
        nonlocal others_were_through_after
        if at(relay, "@example.org") == READERS // 2 and not others_were_through_after:
            others_were_through_after = 1 + at(relay, "@gmail.com")
        return at(relay, "@gmail.com") >= 24

    with Relay() as relay:
        begin = time.monotonic()
        half_at_gmail(relay, is_over, destination_rates="gmail=8")
        seconds = time.monotonic() - begin

        assert at(relay, "@gmail.com") <= 8 * (seconds + 2) + 1
        assert 0 < others_were_through_after <= 18


def test_a_new_domain_sends_no_more_a_day_than_its_warm_up_allows(database, half_at_gmail):
    today = utc_now().date()

    def note() -> str:
        with database.reading() as session:
            return editions.get(session, MONTH).note or ""

    with Relay(delay=0.02) as relay:
        half_at_gmail(relay, lambda: "Waits for tomorrow: 30 messages a day" in note(), warm_up=f"{today} 30")
        assert len(relay.taken()) == 30

        # The day goes on in the next sender.
        half_at_gmail(relay, lambda: "Waits for tomorrow: 40 messages a day" in note(), warm_up=f"{today} 40")
        assert len(relay.taken()) == 40

        half_at_gmail(relay, lambda: len(relay.taken()) > 60)
    assert note() == ""


def test_in_quiet_hours_nothing_begins(database, half_at_gmail):
    def note() -> str:
        with database.reading() as session:
            return editions.get(session, MONTH).note or ""

    hour = utc_now().hour
    with Relay() as relay:
        half_at_gmail(relay, lambda: bool(note()), quiet_hours=f"{hour:02}:00-{(hour + 2) % 24:02}:00")

        assert relay.taken() == []
    assert note() == f"Waits for the end of the quiet hours, at {(hour + 2) % 24:02}:00."
