"""Providers are told by MX records, and nobody waits for DNS."""

from __future__ import annotations

import pytest

from newsletter.delivery.mx import FAILURES, REST_SECONDS, MxLookup

HOSTS = {
    "company.org": ["alt1.aspmx.l.google.com", "aspmx.l.google.com"],
    "ministry.org": ["ministry-org.mail.protection.outlook.com"],
    "club.org": ["mta5.am0.yahoodns.net"],
    "own.org": ["mx.own.org"],
    "notgoogle.org": ["mx.evilgoogle.com"],
    "none.org": [],
}


class Answers:
    """A resolver of a few names; it counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = False

    def hosts(self, domain):
        self.asked.append(domain)
        if self.is_down:
            raise OSError("no answer")
        return HOSTS.get(domain, [])


@pytest.fixture
def answers():
    return Answers()


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("company.org", "gmail"),
        ("ministry.org", "outlook"),
        ("club.org", "yahoo"),
        ("own.org", None),
        ("notgoogle.org", None),
        ("none.org", None),
    ],
)
def test_a_provider_is_known_once_dns_has_answered_and_asked_for_once(answers, domain, provider):
    lookup = MxLookup(answers)

    assert lookup.provider(domain) is None
    lookup.settle()
    assert [lookup.provider(domain), lookup.provider(domain)] == [provider, provider]
    assert answers.asked == [domain]


@pytest.mark.parametrize("domain", ["example.org", "reader.example", "mail.test", "x.invalid", "a.localhost"])
def test_reserved_domains_are_never_asked_for(answers, domain):
    lookup = MxLookup(answers)

    assert lookup.provider(domain) is None
    lookup.settle()
    assert answers.asked == []


def test_dns_that_does_not_answer_is_left_alone_for_a_while(answers):
    now = 0.0
    lookup = MxLookup(answers, clock=lambda: now)
    answers.is_down = True
    for number in range(FAILURES + 3):
        lookup.provider(f"domain{number}.org")
        lookup.settle()
    assert len(answers.asked) == FAILURES

    answers.is_down = False
    now = REST_SECONDS + 1
    assert lookup.provider("company.org") is None
    lookup.settle()
    assert lookup.provider("company.org") == "gmail"
