"""How much may go to a destination now: rates, pauses, probes, and the times that those who wait are given."""

from __future__ import annotations

import pytest

from newsletter.delivery.destinations import HORIZON_SECONDS, DestinationState, Pacer, Pause, group
from newsletter.delivery.outcome import Verdict
from newsletter.delivery.reply import Reply

NOW = 1_700_000_000.0
TOO_FAST = Reply(421, "4.7.28", "unusual rate")
UNAUTHENTICATED = Reply(550, "5.7.26", "unauthenticated")
SPAM = Reply(550, "5.7.1", "looks like spam")
OK = Reply(250, "2.0.0", "ok")


def sent_in(pacer, domain, seconds, *, waiting):
    """How many of `waiting` messages go out in each second, when each asks again at its slot."""
    due = [NOW] * waiting
    counts = []
    for second in range(seconds):
        now = NOW + second
        count = 0
        for number, at in enumerate(due):
            if at is None or at > now:
                continue
            due[number] = pacer.slot(domain, now)
            count += due[number] is None
        counts.append(count)
    return counts


def test_nothing_is_asked_while_no_destination_has_a_limit():
    pacer = Pacer()

    assert pacer.is_free
    assert pacer.slot("gmail.com", NOW) is None
    pacer.learn("gmail.com", Verdict.LATER, Reply(450, "4.7.1", "greylisted"), NOW)
    assert pacer.is_free


@pytest.mark.parametrize(("rate", "per_minute"), [(20.0, 1200), (2.0, 120), (0.5, 30)])
def test_a_rate_holds_on_average_and_is_made_use_of(rate, per_minute):
    counts = sent_in(Pacer(fixed=[("gmail", rate)]), "googlemail.com", 120, waiting=4000)

    assert max(counts) <= 2 * max(1.0, rate)
    assert per_minute * 0.85 <= sum(counts[60:]) <= per_minute * 1.05


def test_senders_share_a_rate():
    pacer = Pacer(fixed=[("gmail", 20.0)])
    pacer.share = 4

    assert sum(sent_in(pacer, "gmail.com", 60, waiting=1000)) <= 60 * 5 * 1.05


def test_only_the_limited_destination_waits():
    pacer = Pacer(fixed=[("gmail", 0.1)])

    assert pacer.slot("gmail.com", NOW) is None
    assert pacer.slot("gmail.com", NOW) > NOW
    assert all(pacer.slot("example.org", NOW) is None for _ in range(100))


def test_slots_reach_a_quarter_of_an_hour_ahead_and_the_rest_is_spread_behind():
    pacer = Pacer(fixed=[("gmail", 1.0)])
    slots = [slot for slot in (pacer.slot("gmail.com", NOW) for _ in range(5000)) if slot is not None]

    near = [slot for slot in slots if slot <= NOW + HORIZON_SECONDS]
    far = [slot for slot in slots if slot > NOW + HORIZON_SECONDS + 1]
    assert len(set(near)) == len(near)
    assert max(far) <= NOW + 2 * HORIZON_SECONDS + 1
    in_each_minute = [
        sum(NOW + HORIZON_SECONDS + 60 * n < slot <= NOW + HORIZON_SECONDS + 60 * (n + 1) for slot in far)
        for n in range(15)
    ]
    assert max(in_each_minute) - min(in_each_minute) <= 15


def test_a_reply_that_asks_for_less_halves_the_speed_once_in_ten_seconds():
    pacer = Pacer()
    pacer.speed = 80.0
    for offset in (0, 1, 5):
        pacer.learn("gmail.com", Verdict.LATER, TOO_FAST, NOW + offset)
    assert pacer.take_changes() == [DestinationState("gmail", rate=40.0)]
    assert not pacer.is_free

    pacer.learn("googlemail.com", Verdict.LATER, TOO_FAST, NOW + 11)
    assert pacer.take_changes() == [DestinationState("gmail", rate=20.0)]


def test_it_grows_again_slowly_and_is_forgotten_in_the_end():
    pacer = Pacer(known=[DestinationState("gmail", rate=400.0)])
    rates = []
    for second in range(0, 900, 30):
        pacer.learn("gmail.com", Verdict.SENT, OK, NOW + second)
        rates += [state.rate for state in pacer.take_changes()]

    assert rates == [500.0, 625.0, 781.25, 976.5625, None]
    pacer.learn("gmail.com", Verdict.SENT, OK, NOW + 901)
    assert pacer.is_free


def test_a_refusal_of_the_sender_pauses_its_destination_at_once_and_nobody_else():
    pacer = Pacer()

    assert pacer.learn("gmail.com", Verdict.REFUSED, UNAUTHENTICATED, NOW) == Pause("gmail", int(NOW) + 3600)
    assert pacer.learn("gmail.com", Verdict.REFUSED, UNAUTHENTICATED, NOW + 1) is None
    assert pacer.slot("gmail.com", NOW + 1) >= NOW + 3600
    assert pacer.slot("example.org", NOW + 1) is None


def test_refusals_that_may_be_about_one_reader_pause_when_three_of_twenty_are_such():
    pacer = Pacer()
    told = []
    for number in range(30):
        verdict, reply = (Verdict.REFUSED, SPAM) if number % 12 == 0 else (Verdict.SENT, OK)
        told.append(pacer.learn("company.org", verdict, reply, NOW + number))
    assert not any(told)

    for number in range(30, 60):
        verdict, reply = (Verdict.REFUSED, SPAM) if number % 6 == 0 else (Verdict.SENT, OK)
        told.append(pacer.learn("company.org", verdict, reply, NOW + number))
    assert any(told)
    assert pacer.slot("example.org", NOW + 60) is None


def test_after_a_pause_one_message_tries_and_ends_it_or_begins_the_next():
    pacer = Pacer()
    pacer.learn("gmail.com", Verdict.REFUSED, UNAUTHENTICATED, NOW)
    later = NOW + 3601

    assert pacer.slot("gmail.com", later) is None
    assert pacer.slot("gmail.com", later) > later
    assert pacer.learn("gmail.com", Verdict.REFUSED, UNAUTHENTICATED, later) == Pause("gmail", int(later) + 7200)

    again = later + 7201
    assert pacer.slot("gmail.com", again) is None
    pacer.learn("gmail.com", Verdict.SENT, OK, again)
    assert all(pacer.slot("gmail.com", again + 1) is None for _ in range(50))
    assert pacer.take_changes()[-1] == DestinationState("gmail")


def test_what_another_sender_learnt_and_what_an_admin_decided_is_taken_over():
    pacer = Pacer()
    paused = DestinationState("gmail", paused_until=int(NOW) + 3600, pauses=1, note="says no")
    pacer.refresh([paused])
    assert pacer.slot("gmail.com", NOW) >= NOW + 3600

    pacer.refresh([DestinationState("gmail")])
    assert pacer.slot("gmail.com", NOW) is None
    assert pacer.take_changes() == []


@pytest.mark.parametrize(
    ("domain", "name"),
    [("GMail.com", "gmail"), ("googlemail.com", "gmail"), ("msn.com", "outlook"), ("example.org", "example.org")],
)
def test_providers_are_known_by_their_own_domains(domain, name):
    assert group(domain) == name
