"""MX records are looked up, and nobody waits for DNS."""

from __future__ import annotations

from threading import Event, active_count, enumerate

import pytest

from newsletter.delivery.destinations import mx
from newsletter.delivery.destinations.mx import REST, SILENCES, DnsResolver, MxLookup
from tests.delivery.conftest import PATIENCE
from tests.name_server import name_server, silent_server


class Answers:
    """A resolver that counts what it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = False
        self.may_answer = Event()
        self.may_answer.set()

    def host(self, domain: str) -> str | None:
        self.asked.append(domain)
        assert self.may_answer.wait(PATIENCE)
        return None if self.is_down else f"mx.{domain}"


@pytest.fixture
def answers():
    return Answers()


def settle() -> None:
    """Wait until all that was asked for has been answered, or not."""
    for thread in enumerate():
        if thread.name == "mx":
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_a_host_is_known_some_time_after_it_was_asked_for_and_asked_for_once(answers):
    lookup = MxLookup(answers)
    answers.may_answer.clear()
    assert [lookup.host("ngo.org"), lookup.host("ngo.org"), lookup.host("club.org")] == [None, None, None]

    answers.may_answer.set()
    settle()

    assert [lookup.host("ngo.org"), lookup.host("club.org")] == ["mx.ngo.org", "mx.club.org"]
    assert answers.asked == ["ngo.org", "club.org"]


def test_the_thread_ends_when_nothing_is_left_to_ask(answers):
    before = active_count()
    lookup = MxLookup(answers)
    for domain in ("ngo.org", "club.org"):
        lookup.host(domain)
        settle()
        assert active_count() == before
    assert lookup.host("club.org") == "mx.club.org"


def test_domains_of_examples_and_tests_are_never_asked_for(answers):
    lookup = MxLookup(answers)

    assert [lookup.host(domain) for domain in ("example.org", "a.test", "intranet")] == ["", "", ""]
    settle()
    assert answers.asked == []


def test_no_more_wait_than_fit(answers, monkeypatch):
    monkeypatch.setattr(mx, "MOST_WAITING", 3)
    lookup = MxLookup(answers)
    answers.may_answer.clear()
    for number in range(10):
        lookup.host(f"domain{number}.org")
    answers.may_answer.set()
    settle()
    assert answers.asked == ["domain0.org", "domain1.org", "domain2.org"]

    lookup.host("domain9.org")
    settle()
    assert lookup.host("domain9.org") == "mx.domain9.org"


def test_what_is_known_takes_no_more_room_than_it_may(answers, monkeypatch):
    monkeypatch.setattr(mx, "MOST_KNOWN", 2)
    lookup = MxLookup(answers)
    for domain in ("a.org", "b.org", "c.org", "a.org"):
        lookup.host(domain)
        settle()

    assert answers.asked == ["a.org", "b.org", "c.org", "a.org"]


def test_dns_that_does_not_answer_is_left_alone_for_a_while(answers):
    now = 0.0
    lookup = MxLookup(answers, clock=lambda: now)
    answers.is_down = True
    for number in range(SILENCES + 3):
        assert lookup.host(f"domain{number}.org") is None
        settle()
    assert len(answers.asked) == SILENCES

    now = REST
    lookup.host("ngo.org")  # one question, to see whether it is back
    settle()
    lookup.host("ngo.org")
    settle()
    assert len(answers.asked) == SILENCES + 1

    answers.is_down = False
    now = 2 * REST
    lookup.host("ngo.org")
    settle()
    assert lookup.host("ngo.org") == "mx.ngo.org"


def test_answers_of_a_real_server():
    with name_server(
        "ngo.org. 60 IN MX 20 alt.ngo.org.",
        "club.org. 60 IN MX 1 Mx.Club.org.",
        "null.org. 60 IN MX 0 .",
        "mailless.org. 60 IN A 192.0.2.1",
    ) as resolver:
        found = DnsResolver(resolver)

        assert found.host("ngo.org") == "alt.ngo.org"
        assert found.host("club.org") == "mx.club.org"
        assert found.host("null.org") == "."
        assert found.host("mailless.org") == ""
        assert found.host("unknown.org") == ""
        assert found.host("a..b") is None


def test_the_most_preferred_of_several_counts():
    with name_server(
        "ngo.org. 60 IN MX 20 alt.ngo.org.", "ngo.org. 60 IN MX 5 first.ngo.org.", "ngo.org. 60 IN MX 10 next.ngo.org."
    ) as resolver:
        assert DnsResolver(resolver).host("ngo.org") == "first.ngo.org"


def test_a_server_that_is_silent():
    with silent_server() as resolver:
        assert DnsResolver(resolver, lifetime=0.1).host("ngo.org") is None
