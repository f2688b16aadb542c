"""The words of the map say what it shows, and stay short."""

from __future__ import annotations

from newsletter.mail.pictures.description import LONGEST, describe
from tests.mail.crowd import crowded_contents
from tests.mail.pictures.seen import BETTER, CHANCE, RISK, SAME, WORSE, month_of


def test_a_small_month_is_told_by_names():
    contents = month_of(
        {"SD": WORSE, "IQ": WORSE, "ET": BETTER, "KZ": SAME, "YE": WORSE}, {"SD": (RISK,), "KZ": (RISK, CHANCE)}
    )

    assert describe(contents) == (
        "World map for November 2022: 5 places. Deteriorated: Sudan, Iraq and Yemen. Improved: Ethiopia. "
        "Unchanged: Kazakhstan. Conflict Risk Alert: Sudan and Kazakhstan. Resolution Opportunity: Kazakhstan."
    )


def test_what_did_not_happen_is_not_told():
    assert describe(month_of({"KZ": BETTER})) == "World map for November 2022: 1 place. Improved: Kazakhstan."


def test_where_names_are_too_many_unchanged_places_are_counted_first():
    contents = month_of({entry.place.code: SAME for entry in crowded_contents(70).entries} | {"SD": WORSE})

    assert describe(contents) == "World map for November 2022: 70 places. Deteriorated: Sudan. Unchanged: 69 places."


def test_the_longest_list_of_changes_is_counted_next():
    codes = [entry.place.code for entry in crowded_contents(70).entries]
    contents = month_of(dict.fromkeys(codes, WORSE) | {"ET": BETTER}, {"SD": (RISK,)})

    assert describe(contents) == (
        "World map for November 2022: 70 places. Deteriorated: 69 places. Improved: Ethiopia. "
        "Conflict Risk Alert: Sudan."
    )


def test_it_is_short_however_much_there_is():
    for places in (1, 7, 24, 70, 200):
        assert len(describe(crowded_contents(places))) <= LONGEST

    everywhere = dict.fromkeys((entry.place.code for entry in crowded_contents(200).entries), WORSE)
    assert len(describe(month_of(everywhere, dict.fromkeys(everywhere, (RISK, CHANCE))))) <= LONGEST
