"""What differs between two updates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from newsletter.domain.differences import How, compare, compare_words
from newsletter.domain.formats.typed import Typed
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Trend, Update

BEFORE = Update(
    "KZ",
    Month(2022, 10),
    Trend.UNCHANGED,
    "Talks went on in the capital.",
    (Development("Talks were held.", "Both sides met twice."), Development("Roads were closed.", "Snow fell.")),
)
words = st.lists(st.sampled_from(["peace", "talks", "war,", " ", "\n", "the "]), max_size=12).map("".join)


def told(difference):
    return [(part.how.value, part.text) for part in difference.parts]


def by_label(before, after):
    return {each.label: each for each in compare(Typed.of(before), Typed.of(after))}


@given(words, words)
def test_without_what_is_new_it_is_the_old_and_without_what_is_gone_the_new(before, after):
    parts = compare_words(before, after)

    assert "".join(part.text for part in parts if part.how is not How.NEW) == before
    assert "".join(part.text for part in parts if part.how is not How.GONE) == after


def test_words_are_marked_and_not_letters():
    after = replace(BEFORE, headline="Talks broke off in the capital.")

    assert told(by_label(BEFORE, after)["Headline"]) == [
        ("same", "Talks "),
        ("gone", "went on"),
        ("new", "broke off"),
        ("same", " in the capital."),
    ]


def test_trend_and_alerts_are_told_in_words():
    after = replace(BEFORE, trend=Trend.DETERIORATED, alerts=(Alert.CONFLICT_RISK,))

    found = by_label(BEFORE, after)

    assert told(found["Trend"]) == [("gone", "Unchanged"), ("new", "Deteriorated")]
    assert told(found["Alerts"]) == [("new", "Conflict Risk Alert")]


def test_a_development_that_is_put_in_does_not_make_the_others_look_new():
    put_in = Development("An election was called.", "It is set for spring.")
    after = replace(BEFORE, developments=(put_in, *BEFORE.developments))

    found = by_label(BEFORE, after)

    assert told(found["Development 1"]) == [("new", "An election was called.\nIt is set for spring.")]
    assert not found["Development 2 (was 1)"].is_changed
    assert not found["Development 3 (was 2)"].is_changed


def test_a_development_that_is_taken_out_is_told_at_the_end():
    after = replace(BEFORE, developments=BEFORE.developments[:1])

    assert told(by_label(BEFORE, after)["Development 2 before"]) == [("gone", "Roads were closed.\nSnow fell.")]


def test_nothing_differs_from_itself():
    full = replace(BEFORE, links=(Link(date(2022, 10, 9), "Report", "The vote", "https://example.org/"),) * 3)

    assert not any(each.is_changed for each in compare(Typed.of(full), Typed.of(full)))


def test_a_text_of_a_book_s_length_is_compared_as_a_whole():
    book = "word " * 50_000

    assert [part.how for part in compare_words(book, book + "end")] == [How.GONE, How.NEW]
