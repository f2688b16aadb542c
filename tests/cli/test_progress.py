"""A send that is watched: a bar on a terminal, lines elsewhere, in the same words."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from rich.text import Text
from sqlalchemy import update

from newsletter.cli import progress
from newsletter.domain.states import EditionState
from newsletter.jobs.sender import utc_now
from newsletter.storage.tables import Delivery, Destination, Edition
from tests.services.stock import start_sending


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def edition_id(sqlite, settings):
    """An edition that is being sent to ten readers, with days to go."""
    started = start_sending(sqlite, settings, ["KZ"] * 10)
    with sqlite.writing() as session:
        session.get_one(Edition, started).deadline_at = utc_now() + timedelta(days=4)
    return started


@pytest.fixture
def watch(sqlite, edition_id, monkeypatch):
    """Watch the edition; before each look but the first, the next of some changes happens, and then it is over."""
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)

    def act(*changes):
        left = list(changes)

        def is_over(_standing):
            if not left:
                return True
            left.pop(0)()
            return False

        return progress.watch(sqlite, edition_id, is_over)

    return act


@pytest.fixture
def settle(sqlite):
    """Something becomes of the readers from one to another, ten seconds ago."""

    def make(first, last, state):
        def act():
            at = int((utc_now() - timedelta(seconds=10)).timestamp())
            with sqlite.writing() as session:
                rows = update(Delivery).where(Delivery.subscriber_id.between(first, last))
                session.execute(rows.values(state=state, changed_at=at))

        return act

    return make


@pytest.fixture
def change(sqlite):
    """Something becomes of the edition."""

    def make(**values):
        def act():
            with sqlite.writing() as session:
                session.execute(update(Edition).values(**values))

        return act

    return make


def test_lines_tell_rate_done_deferred_failed_and_the_time_left(watch, settle, change, capsys):
    watch(settle(1, 4, "sent"), settle(5, 5, "failed"), settle(6, 6, "deferred"), change(state="sent"))

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "sending: 0 of 10 done, 0 a second, 0 deferred, 0 failed, time left not known yet"
    assert re.fullmatch(r"sending: 4 of 10 done, 0\.\d+ a second, 0 deferred, 0 failed, about 1\d s left", lines[1])
    assert re.fullmatch(r"sending: 5 of 10 done, 0\.\d+ a second, 0 deferred, 1 failed, about 1\d s left", lines[2])
    assert re.fullmatch(r"sending: 5 of 10 done, 0\.\d+ a second, 1 deferred, 1 failed, about 1\d s left", lines[3])
    assert lines[4:] == ["sent: 5 of 10 done, 1 deferred, 1 failed"]


def test_the_last_standing_is_the_one_with_which_it_is_over(watch, settle, change):
    standing = watch(settle(1, 9, "sent"), settle(10, 10, "held"), change(state="sent"))

    assert (standing.state, standing.words) == (EditionState.SENT, "9 sent, 1 held")


def test_what_an_admin_should_know_is_told_once_and_again_when_it_has_changed(watch, change, capsys):
    note, other = "The relay can't be reached.", "Waits for the end of the quiet hours, at 07:00."
    watch(change(note=note), change(note=note), change(note=other), change(note=None), change(note=note))

    told = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("sending:")]
    assert told == [note, other, note]


def test_the_first_wave_and_a_deadline_that_comes_first_are_told(watch, settle, change, capsys):
    soon = utc_now() + timedelta(seconds=1)
    watch(change(first_wave=1), change(first_wave=None, deadline_at=soon), settle(1, 1, "sent"))

    out = capsys.readouterr().out
    assert "first wave only\nThe first wave is on its way; the rest waits for it.\n" in out
    assert f"At this pace not everybody has it by the deadline, {soon:%Y-%m-%d %H:%M} UTC.\n" in out


def test_a_few_paused_destinations_are_named(sqlite, watch, capsys):
    until = utc_now() + timedelta(hours=1)
    with sqlite.writing() as session:
        for name, note in (("a.example", "550 5.7.26 unauthenticated"), ("b.example", None), ("c.example", None)):
            session.add(Destination(name=name, paused_until=int(until.timestamp()), note=note, changed_at=1))
    standing = watch()
    assert len(standing.destinations) == 3
    capsys.readouterr()
    with sqlite.writing() as session:
        for number in range(2):
            session.add(Destination(name=f"d{number}.example", paused_until=int(until.timestamp()), changed_at=1))

    watch()

    assert capsys.readouterr().out.splitlines()[1:] == [
        f"Mail to a.example waits until {until:%Y-%m-%d %H:%M} UTC: 550 5.7.26 unauthenticated",
        f"Mail to b.example waits until {until:%Y-%m-%d %H:%M} UTC.",
        f"Mail to c.example waits until {until:%Y-%m-%d %H:%M} UTC.",
        "So does mail to 2 more destinations.",
    ]


def test_a_terminal_shows_a_bar_and_the_same_words(watch, settle, change, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)

    watch(settle(1, 4, "sent"), settle(5, 5, "failed"), change(state="paused", note="Paused by a test."))

    told = Text.from_ansi(terminal.getvalue()).plain
    assert "━" in told
    assert re.search(r"paused .*50 %", told)
    assert "5 of 10 done, 0 deferred, 1 failed" in told
    assert "Paused by a test." in told
