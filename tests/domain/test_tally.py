"""The sentence that sums up a reader's own places."""

import pytest

from newsletter.domain.edition import Entry
from newsletter.domain.month import Month
from newsletter.domain.place import Place, Region
from newsletter.domain.tally import EVERYTHING, Tally, places_by_subject
from newsletter.domain.update import Alert, Development, Trend, Update
from newsletter.storage.places import gazetteer

WORSE, BETTER, SAME = Trend.DETERIORATED, Trend.IMPROVED, Trend.UNCHANGED
RISK, CHANCE = Alert.CONFLICT_RISK, Alert.RESOLUTION_OPPORTUNITY


def an_entry(trend, *alerts):
    update = Update("A", Month(2022, 11), trend, "A month passed.", (Development("It did.", ""),), alerts=alerts)
    return Entry(Place("A", "Atlantis", Region("sea", "Sea", 1)), update, (None,) * 11 + (trend,), new_alerts=False)


@pytest.mark.parametrize(
    ("entries", "followed", "sentence"),
    [
        pytest.param([(SAME,)], 1, "The place that you follow is unchanged.", id="one place"),
        pytest.param([(WORSE,)], 1, "The place that you follow deteriorated.", id="one place, worse"),
        pytest.param([(BETTER,)], 1, "The place that you follow improved.", id="one place, better"),
        pytest.param(
            [(SAME, RISK)],
            1,
            "The place that you follow is unchanged; 1 conflict risk alert for the month ahead.",
            id="one place with an alert",
        ),
        pytest.param(
            [(WORSE, RISK, CHANCE)],
            1,
            "The place that you follow deteriorated; 1 conflict risk alert and 1 resolution opportunity"
            " for the month ahead.",
            id="one place with both alerts",
        ),
        pytest.param(
            [(WORSE,)],
            5,
            "1 of the 5 places that you follow is in this edition: it deteriorated.",
            id="one of several has an update",
        ),
        pytest.param(
            [(SAME,), (WORSE,)],
            5,
            "2 of the 5 places that you follow are in this edition: 1 deteriorated.",
            id="some of several have an update",
        ),
        pytest.param([(SAME,)] * 2, 2, "Of the 2 places that you follow, none got better or worse.", id="no change"),
        pytest.param([(SAME,), (WORSE,)], 2, "Of the 2 places that you follow, 1 deteriorated.", id="one worse"),
        pytest.param(
            [(BETTER,)] * 3 + [(WORSE,)],
            4,
            "Of the 4 places that you follow, 1 deteriorated and 3 improved.",
            id="some worse, some better",
        ),
        pytest.param(
            [(WORSE, RISK), (WORSE, RISK), (SAME, CHANCE)],
            3,
            "Of the 3 places that you follow, 2 deteriorated;"
            " 2 conflict risk alerts and 1 resolution opportunity for the month ahead.",
            id="more than one alert of a kind",
        ),
        pytest.param(
            [(SAME, CHANCE)] * 2,
            EVERYTHING,
            "Of all 2 places in this edition, none got better or worse;"
            " 2 resolution opportunities for the month ahead.",
            id="who follows everything",
        ),
        pytest.param(
            [(BETTER,)],
            EVERYTHING,
            "This edition has one place, and it improved.",
            id="who follows everything, and there is little",
        ),
    ],
)
def test_the_month_in_the_readers_places_in_one_sentence(entries, followed, sentence):
    assert Tally.of([an_entry(*entry) for entry in entries], followed).sentence == sentence


def test_a_selection_stands_for_as_many_places_as_its_subjects_have():
    sizes = places_by_subject(gazetteer())

    assert sizes["KZ"] == 1
    assert sizes["central-asia"] == 5
    assert sizes["all"] == EVERYTHING
    assert sum(sizes[region.code] for region in gazetteer().regions) == len(gazetteer().places)
