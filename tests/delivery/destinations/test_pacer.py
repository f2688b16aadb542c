"""When mail may go to a destination: limits, pauses, what is learnt, and what senders hear of each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.delivery.destinations.destination import DestinationState, Pause
from newsletter.delivery.destinations.pacer import Pacer
from newsletter.delivery.outcome import Phase, classify
from newsletter.delivery.reply import Reply

NOW = 1_700_000_000.0
HOUR = 3600
OK = Reply(250, "2.0.0", "ok")
TOO_FAST = Reply(450, "4.7.0", "rate limited")
BUSY = Reply(450, None, "try later")
UNAUTHENTICATED = Reply(550, "5.7.26", "unauthenticated")
SPAM = Reply(550, "5.7.1", "looks like spam")
UNKNOWN = Reply(550, "5.1.1", "no such user")
GMAIL = DestinationState("gmail")


def hear(pacer: Pacer, reply: Reply, now: float, domain: str = "gmail.com") -> Pause | None:
    """Let a reply to the end of a message come back."""
    return pacer.learn(domain, classify(Phase.DOT, reply), reply, now)


def saved(pacer: Pacer) -> dict[str, DestinationState]:
    """What it wants to be saved, by destination; the database has it from then on."""
    changes = {state.name: state for state in pacer.take_changes()}
    pacer.refresh(changes.values())
    return changes


class Hosts:
    """MX hosts, as far as they are known by now."""

    def __init__(self, **known: str) -> None:
        self.known = {domain.replace("_", "."): host for domain, host in known.items()}
        self.asked: list[str] = []

    def host(self, domain: str) -> str | None:
        self.asked.append(domain)
        return self.known.get(domain)


# Who is asked


def test_nothing_is_asked_while_nobody_has_complained():
    pacer = Pacer(lookup=Hosts())
    for reply in (OK, UNKNOWN, Reply(450, "4.7.1", "greylisted")):
        hear(pacer, reply, NOW)

    assert pacer.is_free
    assert pacer.slot("gmail.com", NOW) is None
    assert pacer.take_changes() == []


def test_only_the_limited_destination_waits():
    pacer = Pacer(fixed=[("gmail", 0.1)])
    assert not pacer.is_free

    assert pacer.slot("googlemail.com", NOW) is None
    assert pacer.slot("gmail.com", NOW) > NOW
    assert all(pacer.slot("example.org", NOW) is None for _ in range(100))


@pytest.mark.parametrize("name", ["outlook", "Hotmail.com", "live.nl"])
def test_a_rate_may_be_given_for_a_provider_by_any_of_its_domains(name):
    pacer = Pacer(fixed=[(name, 0.1), ("outlook", 5.0)])

    assert [pacer.slot("msn.com", NOW) is None for _ in range(2)] == [True, False]


def test_a_domain_is_its_provider_s_as_soon_as_dns_says_so():
    hosts = Hosts()
    pacer = Pacer(lookup=hosts)
    assert pacer.destination("NGO.org") == "ngo.org"

    hosts.known = {"ngo.org": "aspmx.l.google.com", "own.org": "mx.own.org", "no-mx.org": ""}
    assert [pacer.destination(domain) for domain in ("NGO.org", "own.org", "no-mx.org")] == [
        "gmail",
        "own.org",
        "no-mx.org",
    ]
    asked = len(hosts.asked)
    assert pacer.destination("NGO.org") == "gmail"
    assert len(hosts.asked) == asked, "what is known is not asked for again"


def test_a_rate_for_one_domain_holds_for_it_alone_wherever_its_mail_goes():
    pacer = Pacer(fixed=[("ngo.org", 0.1)], lookup=Hosts(ngo_org="aspmx.l.google.com"))

    assert pacer.destination("ngo.org") == "ngo.org"


def test_senders_share_a_rate_evenly():
    pacer = Pacer(fixed=[("gmail", 8.0)])
    pacer.share = 4
    given = [pacer.slot("gmail.com", NOW) for _ in range(41)][1:]

    assert {given.count(second) for second in given} == {2}


# Rates that are learnt


def test_who_is_too_fast_goes_half_as_fast_as_mail_was_taken():
    pacer = Pacer()
    hear(pacer, BUSY, NOW)  # it is watched from now on
    for number in range(1, 400):
        hear(pacer, OK, NOW + number / 40)
    hear(pacer, TOO_FAST, NOW + 10, "googlemail.com")

    [state] = pacer.take_changes()
    assert state.rate == pytest.approx(20.0, rel=0.1)


def test_who_was_not_watched_yet_was_sent_no_more_than_everybody():
    pacer = Pacer()
    pacer.speed = 80.0
    hear(pacer, TOO_FAST, NOW)

    assert pacer.take_changes() == [replace(GMAIL, rate=40.0)]


def test_a_rate_drops_once_in_ten_seconds():
    pacer = Pacer()
    pacer.speed = 80.0
    rates = []
    for second in range(25):
        hear(pacer, TOO_FAST, NOW + second)
        rates += [state.rate for state in pacer.take_changes()]

    assert rates == [40.0, 20.0, 10.0]


def test_a_few_that_are_told_to_come_later_change_nothing():
    pacer = Pacer()
    for number in range(100):
        hear(pacer, BUSY if number % 10 == 0 else OK, NOW + number)
    assert pacer.take_changes() == []

    for number in range(100, 106):
        hear(pacer, BUSY, NOW + number)
    assert saved(pacer)["gmail"].rate is not None


def send(pacer: Pacer, seconds: range, *, each_second: int) -> list[float | None]:
    """Try to send so many in each second, and let all be taken that go; the rates that came of it."""
    rates = []
    for second in seconds:
        going = sum(pacer.slot("gmail.com", NOW + second) is None for _ in range(each_second))
        for _ in range(going):
            hear(pacer, OK, NOW + second)
        rates += [state.rate for state in pacer.take_changes()]
    return rates


def test_a_rate_rises_by_a_tenth_each_minute_while_somebody_waits():
    pacer = Pacer(known=[replace(GMAIL, rate=4.0)])

    rates = send(pacer, range(200), each_second=8)

    assert rates == pytest.approx([4.4, 4.84, 5.324])


def test_a_rate_is_forgotten_when_nobody_has_to_wait_for_it():
    pacer = Pacer(known=[replace(GMAIL, rate=10.0)])

    assert send(pacer, range(100), each_second=6) == [None]
    pacer.refresh([])
    assert pacer.slot("gmail.com", NOW + 500) is None
    assert pacer.is_free


def test_a_rate_is_kept_while_hardly_anything_is_sent():
    pacer = Pacer(known=[replace(GMAIL, rate=10.0)])

    assert send(pacer, range(1000), each_second=1) == []


def test_what_settings_allow_is_never_exceeded_and_needs_not_be_learnt():
    pacer = Pacer(fixed=[("gmail", 2.0)], known=[replace(GMAIL, rate=1.9)])
    for second in range(130):
        pacer.slot("gmail.com", NOW + second)
        pacer.slot("gmail.com", NOW + second)
        hear(pacer, OK, NOW + second)

    assert saved(pacer)["gmail"].rate is None
    taken = sum(pacer.slot("gmail.com", NOW + 1000) is None for _ in range(10))
    assert taken <= 2


def test_a_destination_that_is_quiet_for_long_is_forgotten():
    pacer = Pacer()
    hear(pacer, BUSY, NOW)
    assert not pacer.is_free

    pacer.slot("example.org", NOW + 301)
    assert pacer.is_free


# Pauses


@pytest.mark.parametrize("share", [1, 3])
def test_a_refusal_of_us_pauses_its_destination_at_once_and_nobody_else(share):
    pacer = Pacer()
    pacer.share = share

    assert hear(pacer, UNAUTHENTICATED, NOW) == Pause("gmail", int(NOW) + HOUR)
    assert hear(pacer, UNAUTHENTICATED, NOW + 1) is None, "what was under way lengthens nothing"
    assert hear(pacer, OK, NOW + 1) is None
    slots = [pacer.slot("googlemail.com", NOW + 1) for _ in range(1000)]
    assert (min(slots), slots.count(min(slots)) <= 2) == (NOW + HOUR, True)
    assert max(slots) <= NOW + HOUR + 900
    assert pacer.slot("example.org", NOW + 1) is None


def test_a_filter_that_refuses_one_reader_stops_nobody_else():
    pacer = Pacer()
    for number in range(200):
        reply = SPAM if number % 12 == 0 else OK
        assert hear(pacer, reply, NOW + number, "company.org") is None
    assert pacer.slot("company.org", NOW + 200) is None


def test_three_refusals_in_twenty_replies_are_about_us():
    pacer = Pacer()
    paused = [hear(pacer, SPAM if number % 6 == 0 else OK, NOW + number, "company.org") for number in range(20)]

    assert [number for number, pause in enumerate(paused) if pause] == [12]


def test_after_a_pause_one_message_goes_alone_and_opens_the_way():
    pacer = Pacer()
    hear(pacer, UNAUTHENTICATED, NOW)
    over = NOW + HOUR

    assert [pacer.slot("gmail.com", over) is None for _ in range(10)] == [True, *[False] * 9]
    assert hear(pacer, UNKNOWN, over + 1) is None
    assert pacer.slot("gmail.com", over + 1) is None, "a reader who is unknown shows nothing: one more tries"

    hear(pacer, OK, over + 2)
    assert all(pacer.slot("gmail.com", over + 2) is None for _ in range(50))
    assert saved(pacer) == {}


def test_a_message_that_never_answers_does_not_close_the_way_for_ever():
    pacer = Pacer(known=[replace(GMAIL, paused_until=int(NOW), pauses=1)])
    assert pacer.slot("gmail.com", NOW) is None
    slot = pacer.slot("gmail.com", NOW)
    assert slot > NOW + 100

    assert pacer.slot("gmail.com", slot) is None


def test_a_message_that_is_refused_after_a_pause_begins_a_longer_one():
    pacer = Pacer()
    now, lengths = NOW, []
    for _ in range(5):
        pause = hear(pacer, UNAUTHENTICATED, now)
        lengths.append((pause.until - int(now)) // HOUR)
        now = pause.until
    assert lengths == [1, 2, 4, 8, 8]

    hear(pacer, OK, now)
    assert hear(pacer, UNAUTHENTICATED, now + 10) == Pause("gmail", int(now) + 10 + HOUR)


def test_words_for_an_admin_are_kept_with_the_pause_and_end_with_it():
    pacer = Pacer()
    hear(pacer, UNAUTHENTICATED, NOW)
    pacer.describe("gmail", "says no")
    assert saved(pacer)["gmail"].note == "says no"

    hear(pacer, OK, NOW + HOUR)
    assert saved(pacer) == {"gmail": GMAIL}


# What is kept, and what others do


def test_what_is_known_holds_from_the_start():
    pacer = Pacer(known=[replace(GMAIL, rate=0.1), DestinationState("yahoo", paused_until=int(NOW) + 60, pauses=2)])

    assert [pacer.slot("gmail.com", NOW) is None for _ in range(2)] == [True, False]
    assert pacer.slot("aol.com", NOW) == NOW + 60
    assert pacer.take_changes() == []


def test_what_did_not_get_into_the_database_is_told_again():
    pacer = Pacer()
    hear(pacer, UNAUTHENTICATED, NOW)
    [told] = pacer.take_changes()
    assert pacer.take_changes() == []

    pacer.refresh([])
    assert pacer.take_changes() == [told]
    assert pacer.slot("gmail.com", NOW) >= NOW + HOUR

    pacer.refresh([told])
    assert pacer.take_changes() == []


def test_what_another_sender_learnt_holds_here_too():
    pacer = Pacer()
    pacer.refresh([replace(GMAIL, paused_until=int(NOW) + HOUR, pauses=1)])

    assert pacer.slot("gmail.com", NOW) >= NOW + HOUR
    assert pacer.take_changes() == []


def test_a_pause_that_an_admin_ended_is_over_at_once():
    pacer = Pacer()
    hear(pacer, UNAUTHENTICATED, NOW)
    saved(pacer)

    pacer.refresh([])
    assert all(pacer.slot("gmail.com", NOW + 1) is None for _ in range(10))
    assert pacer.take_changes() == []


def test_a_pause_by_one_sender_and_a_limit_by_another_both_hold():
    pacer = Pacer()
    pacer.speed = 20.0
    hear(pacer, TOO_FAST, NOW)
    paused = replace(GMAIL, paused_until=int(NOW) + HOUR, pauses=1, note="says no")

    pacer.refresh([paused])
    assert pacer.take_changes() == [replace(paused, rate=10.0)]
