"""What an edition tells, in which order, and how it compares with the months before."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.domain.edition import STRIP_MONTHS, Group, assemble
from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer, Place, Region
from newsletter.domain.update import Alert, Development, Trend, Update, UpdateState
from newsletter.errors import UnknownPlace

WEST, EAST = Region("west", "West", 1), Region("east", "East", 2)
GAZETTEER = Gazetteer(
    [
        Place("A", "Zetland", WEST),
        Place("B", "Bergen", EAST),
        Place("C", "Ålesund", EAST),
        Place("D", "Dovre", EAST),
        Place("E", "Elverum", WEST),
        Place("F", "Fana", WEST),
        Place("G", "Gol", EAST),
    ]
)
NOVEMBER = Month(2022, 11)
WORSE, BETTER, SAME = Trend.DETERIORATED, Trend.IMPROVED, Trend.UNCHANGED
RISK, CHANCE = Alert.CONFLICT_RISK, Alert.RESOLUTION_OPPORTUNITY


def an_update(place="A", trend=SAME, month=NOVEMBER, **changes):
    update = Update(place, month, trend, "A month passed.", (Development("It did.", ""),))
    return replace(update, **changes)


def months_back(count):
    month = NOVEMBER
    for _ in range(count):
        month = month.previous
    return month


def entry_of(*trends, alerts=(), alerts_before=()):
    """The entry of a place whose trends these were, the last one in November; None for no update."""
    history = [
        an_update(trend=trend, month=months_back(back), alerts={0: alerts, 1: alerts_before}.get(back, ()))
        for back, trend in enumerate(reversed(trends))
        if trend is not None
    ]
    return assemble(NOVEMBER, history, GAZETTEER).entries[0]


def a_mixed_month():
    updates = [
        an_update("G", SAME),
        an_update("A", SAME),
        an_update("F", BETTER),
        an_update("D", WORSE, alerts=(RISK,)),
        an_update("C", WORSE),
        an_update("E", WORSE),
        an_update("B", SAME, alerts=(CHANCE,)),
    ]
    return assemble(NOVEMBER, updates, GAZETTEER)


def codes(parts):
    return [(part, [entry.place.code for entry in entries]) for part, entries in parts]


def test_the_entries_are_told_by_region_and_name():
    contents = a_mixed_month()

    assert codes(contents.by_region()) == [(WEST, ["E", "F", "A"]), (EAST, ["C", "B", "D", "G"])]
    assert [entry.place.code for entry in contents.entries] == ["E", "F", "A", "C", "B", "D", "G"]


def test_a_list_by_trend_has_the_places_with_an_alert_first():
    assert codes(a_mixed_month().by_trend()) == [(WORSE, ["D", "E", "C"]), (BETTER, ["F"]), (SAME, ["B", "A", "G"])]


def test_the_site_lists_alerts_first_then_what_got_worse_better_and_stayed():
    assert codes(a_mixed_month().groups()) == [
        (Group.ALERTS, ["B", "D"]),
        (Group.DETERIORATED, ["E", "C"]),
        (Group.IMPROVED, ["F"]),
        (Group.UNCHANGED, ["A", "G"]),
    ]


@settings(deadline=None)
@given(st.permutations([an_update(code, trend) for code, trend in zip("ABCDEFG", [WORSE, SAME] * 4, strict=False)]))
def test_the_order_does_not_depend_on_the_order_of_the_updates(updates):
    assert [entry.place.code for entry in assemble(NOVEMBER, updates, GAZETTEER).entries] == list("EFACBDG")


@pytest.mark.parametrize(
    ("update", "is_in"),
    [
        pytest.param(an_update(), True, id="ready, of the month"),
        pytest.param(an_update(state=UpdateState.DRAFT), False, id="a draft"),
        pytest.param(an_update(month=NOVEMBER.previous), False, id="of the month before"),
        pytest.param(an_update(month=NOVEMBER.next), False, id="of the month after"),
    ],
)
def test_what_is_in_an_edition(update, is_in):
    assert bool(assemble(NOVEMBER, [update], GAZETTEER).entries) is is_in


def test_a_month_without_updates_is_empty():
    contents = assemble(NOVEMBER, [], GAZETTEER)

    assert (contents.entries, contents.groups(), contents.by_region(), contents.by_trend()) == ((), [], [], [])


def test_a_place_that_nobody_knows_is_an_error():
    with pytest.raises(UnknownPlace):
        assemble(NOVEMBER, [an_update("X")], GAZETTEER)


def test_a_draft_of_an_earlier_month_is_not_compared_with():
    before = an_update(trend=WORSE, month=NOVEMBER.previous, state=UpdateState.DRAFT)

    assert assemble(NOVEMBER, [before, an_update()], GAZETTEER).entries[0].trend_before is None


def test_a_later_month_is_not_compared_with():
    after = an_update(trend=WORSE, month=NOVEMBER.next)

    assert set(assemble(NOVEMBER, [an_update(), after], GAZETTEER).entries[0].strip) == {None, SAME}


def test_a_part_of_an_edition_keeps_its_order():
    contents = assemble(NOVEMBER, [an_update(code) for code in "ABCD"], GAZETTEER)

    assert [entry.place.code for entry in contents.only(["D", "A", "X"]).entries] == ["A", "D"]
    assert contents.only([]).entries == ()


@pytest.mark.parametrize(
    ("trends", "change"),
    [
        pytest.param([SAME], "", id="the first update of a place"),
        pytest.param([WORSE, None, SAME], "no update in October", id="a month without an update"),
        pytest.param([WORSE, SAME], "after deteriorating in October", id="worse before"),
        pytest.param([BETTER, SAME], "after improving in October", id="better before"),
        pytest.param([SAME, WORSE], "after no change in October", id="unchanged before"),
        pytest.param([WORSE, WORSE], "second month in a row", id="two months"),
        pytest.param([SAME, WORSE, WORSE, WORSE], "third month in a row", id="three months"),
        pytest.param([WORSE, None, WORSE, WORSE], "second month in a row", id="a gap ends a row"),
        pytest.param([None] + [SAME] * 11, "eleventh month in a row", id="eleven months"),
        pytest.param([SAME] * 12, "twelfth month in a row, or more", id="as far back as is looked"),
        pytest.param([SAME] * 15, "twelfth month in a row, or more", id="further back than is looked"),
        pytest.param([WORSE] + [None] * 11 + [SAME], "", id="an update longer ago than is looked"),
    ],
)
def test_what_changed_in_a_few_words(trends, change):
    assert entry_of(*trends).change == change


def test_what_changed_names_the_month_across_the_years_end():
    january = Month(2023, 1)
    updates = [an_update(month=january), an_update(month=january.previous, trend=WORSE)]

    assert assemble(january, updates, GAZETTEER).entries[0].change == "after deteriorating in December"


@pytest.mark.parametrize(
    ("trends", "running"),
    [
        ([SAME], 1),
        ([WORSE, SAME], 1),
        ([SAME, SAME], 2),
        ([SAME, None, SAME], 1),
        ([WORSE, SAME, SAME, SAME], 3),
        ([SAME] * 20, STRIP_MONTHS),
    ],
)
def test_for_how_many_months_a_trend_has_been_the_same(trends, running):
    assert entry_of(*trends).months_running == running


@pytest.mark.parametrize(
    ("trends", "end"),
    [
        ([SAME], (None, None, SAME)),
        ([WORSE, None, BETTER], (WORSE, None, BETTER)),
        ([WORSE] * 30, (WORSE, WORSE, WORSE)),
    ],
)
def test_the_strip_has_a_trend_or_none_for_each_of_twelve_months(trends, end):
    strip = entry_of(*trends).strip

    assert len(strip) == STRIP_MONTHS
    assert strip[-3:] == end


@pytest.mark.parametrize(
    ("alerts", "before", "new"),
    [
        ((), (), False),
        ((RISK,), (), True),
        ((RISK,), (RISK,), False),
        ((RISK,), (CHANCE,), True),
        ((RISK, CHANCE), (RISK,), True),
        ((), (RISK,), False),
    ],
)
def test_an_alert_is_new_when_it_did_not_stand_the_month_before(alerts, before, new):
    assert entry_of(SAME, SAME, alerts=alerts, alerts_before=before).new_alerts is new


@pytest.mark.parametrize(
    ("entry", "weight"),
    [
        pytest.param(entry_of(SAME, SAME), 0, id="nothing happened"),
        pytest.param(entry_of(WORSE, SAME), 1, id="it came to rest"),
        pytest.param(entry_of(SAME), 1, id="the first update"),
        pytest.param(entry_of(WORSE, WORSE), 2, id="worse, again"),
        pytest.param(entry_of(SAME, BETTER), 2, id="better"),
        pytest.param(entry_of(SAME, SAME, alerts=(RISK,), alerts_before=(RISK,)), 3, id="an alert that stands"),
        pytest.param(entry_of(SAME, SAME, alerts=(RISK,)), 4, id="a new alert"),
    ],
)
def test_what_weighs_least_is_shortened_first(entry, weight):
    assert entry.weight == weight
