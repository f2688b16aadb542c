"""An edition's overview as editors type it."""

from __future__ import annotations

import pytest

from newsletter.domain import overview


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        pytest.param("  One.\r\n\r\nTwo.\r\n", "One.\n\nTwo.", id="a form's line breaks"),
        pytest.param("\ufeffOne.\rTwo.", "One.\nTwo.", id="a file of another system"),
        pytest.param(" \n\t ", "", id="nothing but space"),
    ],
)
def test_line_breaks_are_of_one_kind_and_no_space_stands_around(typed, kept):
    assert overview.tidy(typed) == kept


@pytest.mark.parametrize("text", ["", "x" * overview.LONGEST, "One.\n\n* Two\tthree", "مرحبا 👩‍👩‍👧 ünï"])
def test_what_can_be_kept(text):
    assert overview.problems(text) == []


def test_what_is_too_long_is_told_with_how_much_is_allowed():
    assert overview.problems("x" * 5001) == ["has 5,001 characters; shorten it to 5,000 or fewer"]
    told = "has 6,002 octets, as letters beyond ASCII take two to four; shorten it to 6,000"
    assert overview.problems("Ж" * 3001) == [told]
    assert overview.problems("Ж" * 3000) == []


@pytest.mark.parametrize(
    ("char", "name"), [("\0", "U+0000"), ("\x1b", "U+001B"), ("\x85", "U+0085"), ("\ud800", "U+D800")]
)
def test_a_control_character_is_told_by_its_number(char, name):
    assert overview.problems(f"One{char}two{char}.") == [f"holds a control character ({name}); take it out"]
