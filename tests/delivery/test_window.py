"""The bound on what is written and not yet settled, against a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.outcome import Verdict
from newsletter.delivery.settings import RelaySettings, TlsMode
from tests.relay import Relay

CONNECTIONS = 4
MESSAGES = 40


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as running:
        yield running


def messages(count: int) -> list[OutgoingMessage]:
    return [
        OutgoingMessage(number, "sender@example.org", f"reader{number}@example.org", b"Subject: hello\r\n\r\nhello\r\n")
        for number in range(count)
    ]


def engine_for(relay: Relay) -> Engine:
    return Engine([RelaySettings("127.0.0.1", relay.port, tls=TlsMode.NONE, connections=CONNECTIONS)])


def test_no_more_is_written_than_the_window_until_the_caller_settles(relay):
    with engine_for(relay) as engine:
        engine.settle(window=3)
        engine.submit(messages(MESSAGES))
        outcomes = []
        for _ in range(20):
            outcomes += engine.poll(0.05)

        assert len(outcomes) == len(relay.taken()) == 3


def test_settling_lets_the_rest_go_out_once_each(relay):
    with engine_for(relay) as engine:
        engine.settle(window=3)
        engine.submit(messages(MESSAGES))
        outcomes = []
        while len(outcomes) < MESSAGES:
            settled = len(outcomes)
            outcomes += engine.poll(5.0)
            assert settled < len(outcomes)
            assert len(relay.taken()) <= settled + 3
            engine.settle(window=3)

    assert {outcome.verdict for outcome in outcomes} == {Verdict.SENT}
    assert sorted(taken.rcpt_to for taken in relay.taken()) == sorted(each.rcpt_to for each in messages(MESSAGES))


def test_what_is_held_back_at_the_end_was_not_sent(relay):
    with engine_for(relay) as engine:
        engine.settle(window=1)
        engine.submit(messages(CONNECTIONS))
        outcomes = engine.poll(5.0)
        while engine.waiting:
            outcomes += engine.poll(0.05)
        outcomes += engine.close(5.0)

    verdicts = [outcome.verdict for outcome in outcomes]
    assert verdicts.count(Verdict.SENT) == len(relay.taken()) == 1
    assert verdicts.count(Verdict.LOST) == CONNECTIONS - 1


def test_refused_recipients_take_no_room():
    with Relay(answer_rcpt=lambda _address: "550 5.1.1 unknown") as relay, engine_for(relay) as engine:
        engine.settle(window=1)
        engine.submit(messages(MESSAGES))
        outcomes = []
        while len(outcomes) < MESSAGES:
            outcomes += engine.poll(5.0)

    assert {outcome.verdict for outcome in outcomes} == {Verdict.NEVER}
