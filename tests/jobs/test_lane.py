"""One edition on its way: who comes next, the first wave and the rest, the deadline, the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.jobs.lane import ROUNDS, Lane
from newsletter.services import deliveries, editions, results
from newsletter.services.deliveries import Terms
from newsletter.services.runs import EVERYTHING, LAST, Scope
from newsletter.storage.tables import Delivery
from tests.conftest import NOW
from tests.services.stock import GREY, NOVEMBER, OK, begin, deliveries_of, splicer, start_sending

SECOND = int(NOW.timestamp())
HOUR = timedelta(hours=1)


class Sending:
    """A sender of one edition, whose relay answers when the test says so."""

    def __init__(self, database, settings, follows, *, terms=deliveries.DEFAULT_TERMS, scope=EVERYTHING):
        self.database = database
        self.edition_id = start_sending(database, settings, follows, terms=terms)
        self.lane = Lane(self.edition_id, scope, canary_wait=HOUR)
        with database.writing() as session:
            self._splicer = splicer(session, self.edition_id, settings)
            self._arming, self._recording = begin(session, scope)
        self.under_way = {}

    def arm(self, *, at=NOW, room=50, slot=None, is_idle=None):
        """The readers that a tick arms."""
        is_idle = not self.under_way if is_idle is None else is_idle
        with self.database.writing() as session:
            arming = replace(self._arming, now=at, slot=slot)
            armed = self.lane.arm(session, arming, self._splicer, room=room, is_idle=is_idle)
        self.under_way |= {each.claim.row_id: each.claim for each in armed}
        return [each.claim.row_id for each in armed]

    def answer(self, *readers, verdict=Verdict.SENT, reply=OK, at=NOW):
        """The relay's answer to some of what is under way, else to all."""
        for reader in readers or tuple(self.under_way):
            claim = self.under_way.pop(reader)
            with self.database.writing() as session:
                recording = replace(self._recording, now=at)
                assert results.record(session, [(claim, Outcome(claim, verdict, reply))], recording) == 1

    def edition(self):
        with self.database.reading() as session:
            return editions.get(session, NOVEMBER)

    def states(self):
        return [row.state for row in self.rows()]

    def rows(self):
        with self.database.reading() as session:
            return deliveries_of(session, self.edition_id)


def test_everybody_is_armed_in_order_as_there_is_room_and_then_the_edition_is_sent(database, settings):
    sending = Sending(database, settings, ["KZ"] * 5)

    assert [sending.arm(room=2), sending.arm(room=2)] == [[1, 2], [3, 4]]
    assert sending.arm(room=0) == []
    assert [sending.arm(room=2), sending.arm(room=2)] == [[5], []]
    assert sending.edition().state == "sending"
    sending.answer()
    assert sending.arm() == []
    assert (sending.edition().state, sending.edition().ended_at) == ("sent", NOW)


def test_an_edition_without_readers_is_sent_at_once(database, settings):
    sending = Sending(database, settings, [])

    assert sending.arm() == []
    assert sending.edition().state == "sent"


def test_who_comes_back_is_armed_again(database, settings):
    sending = Sending(database, settings, ["KZ"] * 4)
    sending.arm()
    sending.answer(2, verdict=Verdict.LOST, reply=None)

    assert sending.arm() == []  # nobody has said so
    sending.lane.comes_back(2)
    assert sending.arm() == [2]


def test_who_is_due_comes_before_who_never_had_a_try(database, settings):
    sending = Sending(database, settings, ["KZ"] * 4)
    assert sending.arm(room=2) == [1, 2]
    sending.answer(verdict=Verdict.LATER, reply=GREY)

    assert sending.arm(at=NOW + timedelta(seconds=599), room=1) == [3]
    assert sending.arm(at=NOW + timedelta(seconds=600), room=3) == [1, 2, 4]


def test_who_has_to_wait_keeps_nobody_else_waiting_and_the_edition_open(database, settings):
    sending = Sending(database, settings, ["KZ"] * 3)
    with database.writing() as session:
        session.execute(update(Delivery).where(Delivery.subscriber_id == 2).values(due_at=SECOND + 60))

    assert sending.arm() == [1, 3]
    sending.answer()
    assert sending.arm() == []
    assert sending.edition().state == "sending"
    assert sending.arm(at=NOW + timedelta(seconds=60)) == [2]


def test_where_nearly_all_have_to_wait_a_tick_ends_all_the_same(sqlite, settings):
    sending = Sending(sqlite, settings, ["KZ"] * (2 * ROUNDS + 3))

    assert sending.arm(room=2, slot=lambda _domain: SECOND + 60) == []
    waiting = [row.due_at for row in sending.rows()]
    assert waiting == [SECOND + 60] * 2 * ROUNDS + [None] * 3
    assert sending.arm(room=2, slot=lambda _domain: None) == [2 * ROUNDS + 1, 2 * ROUNDS + 2]


def test_where_nobody_has_news_a_few_ticks_are_enough(sqlite, settings):
    sending = Sending(sqlite, settings, ["FR"] * (2 * ROUNDS + 1))

    assert [sending.arm(room=2), sending.arm(room=2)] == [[], []]
    assert set(sending.states()) == {"skipped"}
    assert sending.edition().state == "sending"
    assert sending.arm(room=2) == []
    assert sending.edition().state == "sent"


CANARY = Terms(canary=40.0)  #: two of five


def test_the_first_wave_goes_out_and_the_rest_an_hour_later(database, settings):
    sending = Sending(database, settings, ["KZ"] * 5, terms=CANARY)

    assert sending.arm() == [1, 2]
    assert sending.arm() == []
    sending.answer(1)
    assert sending.arm() == []
    assert (sending.edition().rest_at, sending.edition().note) == (None, None)

    sending.answer(2)
    assert sending.arm(at=NOW + timedelta(minutes=5)) == []
    edition = sending.edition()
    assert (edition.state, edition.rest_at) == ("sending", NOW + timedelta(minutes=65))
    assert edition.note == "The first wave is out; the rest follows at 10:05 UTC unless this is paused."

    assert sending.arm(at=NOW + timedelta(minutes=64, seconds=59)) == []
    assert sending.arm(at=NOW + timedelta(minutes=65)) == [3, 4, 5]
    assert (sending.edition().first_wave, sending.edition().note) == (None, None)
    sending.answer()
    assert sending.arm(at=NOW + timedelta(minutes=66)) == []
    assert sending.edition().state == "sent"


def test_the_first_wave_waits_for_nobody_who_was_deferred(database, settings):
    sending = Sending(database, settings, ["KZ"] * 5, terms=CANARY)
    sending.arm()
    sending.answer(1)
    sending.answer(2, verdict=Verdict.LATER, reply=GREY)

    assert sending.arm() == []
    assert sending.edition().rest_at == NOW + HOUR
    assert sending.arm(at=NOW + timedelta(minutes=10)) == [2]


def test_a_new_sender_goes_on_with_the_first_wave(database, settings):
    sending = Sending(database, settings, ["KZ"] * 5, terms=CANARY)
    sending.arm()
    sending.answer()
    sending.arm()

    sending.lane = Lane(sending.edition_id, EVERYTHING, canary_wait=HOUR)
    assert sending.arm(at=NOW + HOUR - timedelta(seconds=1)) == []
    sending.lane = Lane(sending.edition_id, EVERYTHING, canary_wait=HOUR)
    assert sending.arm(at=NOW + HOUR) == [3, 4, 5]


def test_a_sender_whose_part_is_behind_the_first_wave_waits_for_it(database, settings):
    part = Scope(notices=False, edition_id=1, first=4, last=LAST)
    sending = Sending(database, settings, ["KZ"] * 5, terms=CANARY, scope=part)

    assert sending.arm() == []
    assert sending.edition().rest_at is None
    with database.writing() as session:
        session.execute(update(Delivery).where(Delivery.subscriber_id <= 2).values(state="sent"))
    assert sending.arm() == []
    assert sending.edition().rest_at == NOW + HOUR
    assert sending.arm(at=NOW + HOUR) == [4, 5]


def test_a_part_that_is_done_does_not_end_the_edition(database, settings):
    part = Scope(notices=False, edition_id=1, first=2, last=3)
    sending = Sending(database, settings, ["KZ"] * 4, scope=part)

    assert sending.arm() == [2, 3]
    sending.answer()
    assert sending.arm() == []
    assert sending.edition().state == "sending"
    with database.writing() as session:
        session.execute(update(Delivery).values(state="sent"))
    assert sending.arm() == []
    assert sending.edition().state == "sent"


def test_after_the_deadline_nobody_gets_it_any_more_and_the_edition_is_sent(database, settings):
    sending = Sending(database, settings, ["KZ"] * 5, terms=Terms(HOUR))
    assert sending.arm(room=3) == [1, 2, 3]
    sending.answer(1)
    sending.answer(2, verdict=Verdict.LATER, reply=GREY)

    assert sending.arm(at=NOW + HOUR, room=2) == [2, 4]  # just in time
    sending.answer(2, 4, verdict=Verdict.LOST, reply=None, at=NOW + HOUR)
    sending.lane.comes_back(2)
    late = NOW + HOUR + timedelta(seconds=1)
    assert sending.arm(at=late) == []
    assert sending.states() == ["sent", "skipped", "armed", "skipped", "skipped"]
    assert {row.detail for row in sending.rows() if row.state == "skipped"} == {"too_late"}
    assert sending.edition().state == "sending"

    sending.answer(3, verdict=Verdict.LATER, reply=GREY, at=late)  # was under way
    assert sending.arm(at=late) == []
    assert sending.states() == ["sent", "skipped", "failed", "skipped", "skipped"]
    assert (sending.edition().state, sending.edition().ended_at) == ("sent", late)


def test_at_the_deadline_who_waits_for_the_rest_to_follow_gets_nothing_either(database, settings):
    sending = Sending(database, settings, ["KZ"] * 5, terms=replace(CANARY, deadline=HOUR / 2))
    sending.arm()
    sending.answer()
    sending.arm()

    for minutes in (31, 62):
        assert sending.arm(at=NOW + timedelta(minutes=minutes)) == []
    assert sending.states() == ["sent"] * 2 + ["skipped"] * 3
    assert sending.edition().state == "sent"


def test_one_that_may_bring_down_the_sender_goes_alone(database, settings):
    sending = Sending(database, settings, ["KZ"] * 5)
    with database.writing() as session:
        is_suspect = Delivery.subscriber_id == 3
        session.execute(update(Delivery).where(is_suspect).values(attempt=2, flagged=True))

    assert (sending.arm(), sending.lane.is_alone) == ([1, 2], False)
    assert (sending.arm(), sending.lane.is_alone) == ([], False)
    sending.answer()
    assert (sending.arm(), sending.lane.is_alone) == ([3], True)
    sending.answer()
    assert (sending.arm(), sending.lane.is_alone) == ([4, 5], False)


def test_one_that_goes_alone_waits_for_who_is_due_too(database, settings):
    sending = Sending(database, settings, ["KZ"] * 3)
    with database.writing() as session:
        session.execute(update(Delivery).where(Delivery.subscriber_id == 1).values(attempt=2, flagged=True))
        session.execute(update(Delivery).where(Delivery.subscriber_id == 3).values(state="deferred", due_at=SECOND))

    assert (sending.arm(), sending.lane.is_alone) == ([3], False)
    sending.answer()
    assert (sending.arm(), sending.lane.is_alone) == ([1], True)


def test_one_that_goes_alone_does_so_though_its_destination_let_it_wait(database, settings):
    sending = Sending(database, settings, ["KZ"] * 4)
    with database.writing() as session:
        is_suspect = Delivery.subscriber_id == 2
        session.execute(update(Delivery).where(is_suspect).values(attempt=2, flagged=True, due_at=SECOND))
        session.execute(update(Delivery).where(Delivery.subscriber_id == 3).values(due_at=SECOND + 1))

    at = NOW + timedelta(seconds=1)
    assert (sending.arm(at=at), sending.lane.is_alone) == ([2], True)
    sending.answer()
    assert (sorted(sending.arm(at=at)), sending.lane.is_alone) == ([1, 3, 4], False)


def test_what_was_held_and_is_to_go_out_after_all_is_found_by_a_sender_that_has_passed_it(database, settings):
    sending = Sending(database, settings, ["KZ"] * 3)
    sending.arm(room=2)
    sending.answer(2)
    with database.writing() as session:
        session.execute(update(Delivery).where(Delivery.subscriber_id == 1).values(state="held"))
        del sending.under_way[1]
    assert sending.arm() == [3]
    with database.writing() as session:
        assert deliveries.send_held_again(session, NOVEMBER, now=NOW + HOUR) == 1

    assert sending.arm(at=NOW + HOUR) == [1]


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_what_a_person_did_meanwhile_stands(database, settings, state):
    sending = Sending(database, settings, ["KZ"] * 5, terms=CANARY)
    sending.arm()
    sending.answer()
    with database.writing() as session:
        edition = editions.get(session, NOVEMBER)
        edition.state, edition.note = state, "by a person"

    assert sending.arm() == []
    edition = sending.edition()
    assert (edition.state, edition.note, edition.rest_at) == (state, "by a person", None)
