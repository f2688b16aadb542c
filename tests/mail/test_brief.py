"""A headline in a few words is short in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.brief import BRIEF_LENGTH, brief


@given(st.text().map(str.strip))
def test_a_headline_in_brief_is_short_and_cut_between_words(text):
    told = brief(text)

    assert len(told.encode()) <= BRIEF_LENGTH + len("\u00a0…".encode())
    assert told == " ".join(text.split()) or told.endswith("\u00a0…")


def test_a_headline_is_cut_after_a_word_and_without_its_comma():
    assert brief("Fighting went on in the north, " * 5) == (
        f"{'Fighting went on in the north, ' * 3}Fighting went\u00a0…"
    )
    assert brief("Fighting went on", 9) == "Fighting\u00a0…"
    assert brief("Fighting, " * 20).endswith("Fighting, Fighting\u00a0…")


@pytest.mark.parametrize("word", ["Бои", "衝突", "👩‍👩‍👧"])
def test_what_counts_are_octets_so_that_a_list_is_as_large_in_any_script(word):
    assert 60 < len(brief(f"{word} " * 40, 80).encode()) <= 80 + len("\u00a0…".encode())
