"""Many messages are signed at once, by processes that may die, and none leaves that was not released."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from select import select

import psutil
import pytest

from newsletter.delivery.message import OutgoingMessage
from newsletter.jobs.signing import FEWEST, STUCK_SECONDS, SigningPool
from newsletter.mail.dkim import Algorithm, Key, Signer
from tests.conftest import NOW

MESSAGES = [
    (
        OutgoingMessage(
            number,
            "bounce@example.org",
            f"reader{number}@example.org",
            b"From: updates@example.org\r\nTo: reader%d@example.org\r\n\r\nNews for %d.\r\n" % (number, number),
        ),
        NOW,
    )
    for number in range(21)
]
LONG_SECONDS = 20  #: for what takes milliseconds


@pytest.fixture(scope="module")
def signer():
    return Signer("example.org", [Key.generate("one", Algorithm.RSA), Key.generate("two", Algorithm.ED25519)])


class Watched:
    """The descriptors that a pool wants to have looked at."""

    def __init__(self, pool):
        self.pool = pool
        self.descriptors = set()
        pool.attach(self.descriptors.add, self.descriptors.remove)

    def all_of(self, count):
        """So many messages, as they come back."""
        found = self.pool.ready()
        while len(found) < count:
            assert select(list(self.descriptors), [], [], LONG_SECONDS)[0], "nothing is signed any more"
            found += self.pool.ready()
        return found


def signed_one_by_one(signer, messages):
    return [message._replace(data=signer.sign(message.data, at=at) + message.data) for message, at in messages]


def signing_processes():
    return [each for each in psutil.Process().children() if "newsletter.jobs.signing_process" in each.cmdline()]


@contextmanager
def ready_pool(signer, processes=2, **options):
    """Whose processes have started, and who looks at its descriptors."""
    with SigningPool(signer, processes=processes, **options) as pool:
        watched = Watched(pool)
        pool.drop(pool.begin(MESSAGES))
        for pipe in pool._pipes:
            select([pipe.fileno()], [], [], LONG_SECONDS)
        yield pool, watched


def by_key(messages):
    return sorted(messages, key=lambda message: message.key)


def test_each_message_gets_the_fields_that_it_gets_by_itself(signer):
    with ready_pool(signer) as (pool, watched):
        for count in (0, 1, FEWEST, len(MESSAGES)):
            pool.release(pool.begin(MESSAGES[:count]))
            assert pool.pending == count
            assert by_key(watched.all_of(count)) == signed_one_by_one(signer, MESSAGES[:count])
            assert pool.pending == 0
        assert len(signing_processes()) == 2
    assert signing_processes() == []
    assert not watched.descriptors


def test_several_ticks_are_signed_one_behind_another(signer):
    with ready_pool(signer) as (pool, watched):
        for start in (0, 7, 14):
            pool.release(pool.begin(MESSAGES[start : start + 7]))
        assert by_key(watched.all_of(21)) == signed_one_by_one(signer, MESSAGES)


def test_nothing_leaves_before_it_is_released(signer):
    with ready_pool(signer) as (pool, watched):
        first, second = pool.begin(MESSAGES[:8]), pool.begin(MESSAGES[8:16])
        pool.release(second)
        assert by_key(watched.all_of(8)) == signed_one_by_one(signer, MESSAGES[8:16])
        assert pool.ready() == []
        pool.release(first)
        assert by_key(watched.all_of(8)) == signed_one_by_one(signer, MESSAGES[:8])


def test_what_was_dropped_never_leaves(signer):
    with ready_pool(signer) as (pool, watched):
        pool.drop(pool.begin(MESSAGES[:8]))
        pool.release(pool.begin(MESSAGES[8:]))
        assert by_key(watched.all_of(13)) == signed_one_by_one(signer, MESSAGES[8:])
        assert pool.ready() == []


def test_what_is_withdrawn_comes_back_unsent_and_never_leaves(signer):
    with ready_pool(signer) as (pool, watched):
        pool.release(pool.begin(MESSAGES[:8]))
        assert [message.key for message in pool.withdraw()] == list(range(8))
        assert pool.pending == 0
        pool.release(pool.begin(MESSAGES[8:]))
        assert by_key(watched.all_of(13)) == signed_one_by_one(signer, MESSAGES[8:])


def test_nobody_waits_for_a_process_to_start(signer):
    with SigningPool(signer, processes=2) as pool:
        pool.release(pool.begin(MESSAGES))
        assert pool.ready() == signed_one_by_one(signer, MESSAGES)


def test_few_messages_need_no_process(signer):
    with SigningPool(signer, processes=2) as pool:
        pool.release(pool.begin(MESSAGES[: FEWEST - 1]))
        assert pool.ready() == signed_one_by_one(signer, MESSAGES[: FEWEST - 1])
        assert signing_processes() == []


def test_without_a_key_messages_stay_as_they_are():
    with SigningPool(None) as pool:
        pool.release(pool.begin(MESSAGES))
        assert pool.ready() == [message for message, _ in MESSAGES]
        assert signing_processes() == []


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_where_a_process_was_killed_nothing_stays_unsigned(signer, when):
    with ready_pool(signer) as (pool, watched):
        victim = signing_processes()[0]
        if when == "before":
            victim.kill()
            victim.wait()
        pieces = pool.begin(MESSAGES)
        if when == "meanwhile":
            victim.kill()
            victim.wait()
        pool.release(pieces)
        assert by_key(watched.all_of(21)) == signed_one_by_one(signer, MESSAGES)
        pool.release(pool.begin(MESSAGES))
        assert by_key(watched.all_of(21)) == signed_one_by_one(signer, MESSAGES)


def test_a_process_that_hangs_is_given_up(signer):
    time = [0.0]
    with ready_pool(signer, clock=lambda: time[0]) as (pool, watched):
        for process in signing_processes():
            process.send_signal(signal.SIGSTOP)
        pool.release(pool.begin(MESSAGES))
        assert pool.ready() == []
        time[0] += STUCK_SECONDS + 1
        assert by_key(pool.ready()) == signed_one_by_one(signer, MESSAGES)
        assert not watched.descriptors
        assert signing_processes() == []


def test_a_pool_that_was_closed_starts_anew(signer):
    with ready_pool(signer) as (pool, watched):
        pool.close()
        assert signing_processes() == []
        pool.release(pool.begin(MESSAGES))
        assert by_key(watched.all_of(21)) == signed_one_by_one(signer, MESSAGES)
        assert len(signing_processes()) == 2
