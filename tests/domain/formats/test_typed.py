"""An update in a form: read, arranged, checked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from werkzeug.datastructures import MultiDict

from newsletter.domain.formats.markdown import tidy
from newsletter.domain.formats.typed import KINDS, Typed
from newsletter.domain.month import Month
from newsletter.domain.update import Development, Quote, Trend, Update, UpdateState
from newsletter.errors import InvalidInput
from tests.domain.formats.updates import updates

MAY = Month(2031, 5)
GOOD = Update(
    "KZ",
    MAY,
    Trend.IMPROVED,
    "A quiet month.",
    (Development("One.", "First."), Development("Two.", "Second."), Development("Three.", "")),
    quotes=(Quote(date(2031, 5, 7), "It matters.", "The Courier"),),
)


def as_sent(typed):
    """The fields as a browser sends them: row after row, lines ended by CR LF."""
    pairs = [("trend", typed.trend), *(("alerts", alert) for alert in typed.alerts), ("headline", typed.headline)]
    pairs += [(f"{kind}-{name}", row[name]) for kind in KINDS for row in typed.rows[kind] for name in KINDS[kind]]
    return MultiDict([(name, value.replace("\n", "\r\n")) for name, value in pairs])


@given(updates)
def test_a_form_gives_back_any_update_that_is_put_in(update):
    update = tidy(update)

    typed = Typed.read(as_sent(Typed.of(update)).getlist)
    checked = typed.without_blanks().check(update.place, update.month, update.state)

    assert checked.errors == {}
    assert checked.update == update


@given(updates)
def test_what_is_kept_of_a_form_is_the_form(update):
    assert Typed.from_json(Typed.of(update).to_json()) == Typed.of(update)


def leads(typed):
    return [row["lead"] for row in typed.rows["development"]]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("up-development-2", ["Two.", "One.", "Three."]),
        ("down-development-1", ["Two.", "One.", "Three."]),
        ("up-development-1", ["One.", "Two.", "Three."]),
        ("down-development-3", ["One.", "Two.", "Three."]),
        ("remove-development-2", ["One.", "Three."]),
        ("remove-development-9", ["One.", "Two.", "Three."]),
        ("remove-development-0", ["One.", "Two.", "Three."]),
        ("add-development", ["One.", "Two.", "Three.", ""]),
    ],
)
def test_rows_are_moved_and_nothing_is_lost_at_the_ends(step, expected):
    arranged = Typed.of(GOOD).arranged(step)

    assert leads(arranged) == expected
    assert arranged.rows["quote"] == Typed.of(GOOD).rows["quote"]


@pytest.mark.parametrize("step", ["", "publish", "up-development", "up-place-1", "add-development-1", "up-quote--1"])
def test_what_is_no_step_is_refused(step):
    with pytest.raises(InvalidInput, match="buttons"):
        Typed.of(GOOD).arranged(step)


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"trend": ""}, {"trend": "Choose the trend"}),
        ({"alerts": ("rain",)}, {"alerts": "Choose from the list"}),
        ({"headline": " \n"}, {"headline": "Write a headline"}),
        ({"headline": "a\x0b"}, {"headline": "Take out the control character U+000B"}),
        ({"development": []}, {"development": "Write at least one development"}),
        (
            {"development": [{"lead": "x", "text": ""}] * 7},
            {"development": "There are 7 developments; keep at most 6"},
        ),
        ({"development": [{"lead": "", "text": "y"}]}, {"development-1-lead": "Write the lead sentence"}),
        (
            {"quote": [{"words": "x", "outlet": "y", "date": "1 May", "person": "", "role": ""}]},
            {"quote-1-date": "Write the day, as YYYY-MM-DD"},
        ),
        (
            {"link": [{"title": "", "kind": "", "date": "2031-05-32", "url": "example.org"}]},
            {
                "link-1-date": "Write the day, as YYYY-MM-DD",
                "link-1-title": "Write the title",
                "link-1-kind": "Say what it is, such as Report",
                "link-1-url": "Write a whole address, with https:// at its beginning",
            },
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_field(changes, errors):
    typed = Typed.of(GOOD)
    rows = {**typed.rows, **{kind: tuple(changes[kind]) for kind in KINDS if kind in changes}}
    plain = {name: value for name, value in changes.items() if name not in KINDS}

    checked = replace(typed, rows=rows, **plain).check("KZ", MAY, UpdateState.DRAFT)

    assert checked.update is None
    assert checked.errors == errors


def test_rows_that_nothing_is_typed_in_are_left_out():
    typed = Typed.of(GOOD).arranged("add-quote").arranged("add-development")

    assert typed.without_blanks() == Typed.of(GOOD)


def test_a_row_whose_fields_came_in_part_is_filled_up_with_nothing():
    typed = Typed.read(
        MultiDict([("development-lead", "a"), ("development-lead", "b"), ("development-text", "c")]).getlist
    )

    assert typed.rows["development"] == ({"lead": "a", "text": "c"}, {"lead": "b", "text": ""})
