"""Many messages are signed at once, by processes that may die."""

from __future__ import annotations

from contextlib import contextmanager
from select import select

import psutil
import pytest

from newsletter.jobs.signing import FEWEST, SigningPool
from newsletter.mail.dkim import Algorithm, Key, Signer
from tests.conftest import NOW

MESSAGES = [
    (b"From: updates@example.org\r\nTo: reader%d@example.org\r\n\r\nNews for %d.\r\n" % (number, number), NOW)
    for number in range(11)
]


@pytest.fixture(scope="module")
def signer():
    return Signer("example.org", [Key.generate("one", Algorithm.RSA), Key.generate("two", Algorithm.ED25519)])


def signed_one_by_one(signer, messages):
    return [signer.sign(data, at=at) for data, at in messages]


def signing_processes():
    return [each for each in psutil.Process().children() if "newsletter.jobs.signing_process" in each.cmdline()]


@contextmanager
def ready_pool(signer, processes=2):
    """Whose processes have started."""
    with SigningPool(signer, processes=processes) as pool:
        pool.begin(MESSAGES)()
        for process in pool._processes:
            select([process._answers], [], [], 20)
        yield pool


def test_each_message_gets_the_fields_that_it_gets_by_itself(signer):
    with ready_pool(signer) as pool:
        for count in (0, 1, FEWEST, len(MESSAGES)):
            assert pool.begin(MESSAGES[:count])() == signed_one_by_one(signer, MESSAGES[:count])
        assert len(signing_processes()) == 2
    assert signing_processes() == []


def test_nobody_waits_for_a_process_to_start(signer):
    with SigningPool(signer, processes=2) as pool:
        assert pool.begin(MESSAGES)() == signed_one_by_one(signer, MESSAGES)


def test_few_messages_need_no_process(signer):
    with SigningPool(signer, processes=2) as pool:
        assert pool.begin(MESSAGES[: FEWEST - 1])() == signed_one_by_one(signer, MESSAGES[: FEWEST - 1])
        assert signing_processes() == []


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_where_a_process_was_killed_nothing_stays_unsigned(signer, when):
    with ready_pool(signer) as pool:
        victim = signing_processes()[0]
        if when == "before":
            victim.kill()
            victim.wait()
        signed = pool.begin(MESSAGES)
        if when == "meanwhile":
            victim.kill()
            victim.wait()
        assert signed() == signed_one_by_one(signer, MESSAGES)
        assert pool.begin(MESSAGES)() == signed_one_by_one(signer, MESSAGES)


def test_who_finds_the_pool_taken_signs_without_it(signer):
    with ready_pool(signer, processes=1) as pool:
        first, second = pool.begin(MESSAGES), pool.begin(MESSAGES[:5])
        assert second() == signed_one_by_one(signer, MESSAGES[:5])
        assert first() == signed_one_by_one(signer, MESSAGES)


def test_a_pool_that_was_closed_starts_anew(signer):
    with ready_pool(signer) as pool:
        pool.close()
        assert signing_processes() == []
        assert pool.begin(MESSAGES)() == signed_one_by_one(signer, MESSAGES)
        assert len(signing_processes()) == 2
