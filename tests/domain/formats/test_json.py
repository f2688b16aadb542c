import pytest
from hypothesis import given

from newsletter.domain.formats.json import from_json, to_json
from newsletter.errors import InvalidMonth, InvalidUpdate

from .updates import updates

WHOLE = {
    "place": "NORLAND",
    "month": "2031-05",
    "trend": "improved",
    "alerts": ["resolution_opportunity"],
    "headline": "Two harbour towns opened a ferry line.",
    "developments": [{"lead": "Ferry line opened.", "text": "It took years."}],
    "quotes": [{"date": "2031-01-07", "words": "At last.", "outlet": "Post", "person": None, "role": None}],
    "links": [{"date": "2031-05-12", "kind": "Report", "title": "A Harbour", "url": "https://example.org/a"}],
    "state": "draft",
}


@given(updates)
def test_what_was_written_is_read(update):
    assert from_json(to_json(update)) == update


def test_lists_and_state_may_be_left_out():
    small = {key: WHOLE[key] for key in ("place", "month", "trend", "headline", "developments")}

    assert to_json(from_json(small)) == {**WHOLE, "alerts": [], "quotes": [], "links": [], "state": "ready"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"place": None}, "the update needs a text in 'place'"),
        ({"place": 5}, "the update needs a text in 'place'"),
        ({"headline": ["x"]}, "the update needs a text in 'headline'"),
        ({"trend": "better"}, "trend is 'better'; write one of deteriorated, improved, unchanged"),
        ({"alerts": "conflict_risk"}, "the update needs a list in 'alerts'"),
        ({"alerts": [5]}, "the update needs a list of texts in 'alerts'"),
        ({"alerts": ["risk"]}, "alerts is 'risk'"),
        ({"developments": {}}, "the update needs a list in 'developments'"),
        ({"developments": ["x"]}, "developments 1 is no JSON object"),
        ({"developments": [{"lead": "x", "text": "y"}, {"lead": "x"}]}, "developments 2 needs a text in 'text'"),
        ({"developments": [{"lead": "x", "text": "y", "note": "z"}]}, "developments 1 has an unknown field 'note'"),
        ({"quotes": [{"date": "7 Jan 2031"}]}, "quotes 1 has '7 Jan 2031' in 'date'; write a day as YYYY-MM-DD"),
        ({"quotes": [{"date": "20310107"}]}, "quotes 1 has '20310107' in 'date'"),
        ({"quotes": [{"date": "2031-W01-1"}]}, "quotes 1 has '2031-W01-1' in 'date'"),
        ({"quotes": [{"date": "2031-02-30"}]}, "quotes 1 has '2031-02-30' in 'date'"),
        ({"quotes": [{"date": "2031-01-07", "words": "x", "outlet": None}]}, "quotes 1 needs a text in 'outlet'"),
        ({"quotes": [{"by": "x"}]}, "quotes 1 has an unknown field 'by'"),
        ({"links": [{"date": "2031-01-07", "kind": "Report", "title": "x"}]}, "links 1 needs a text in 'url'"),
        ({"state": "done"}, "state is 'done'; write one of draft, ready"),
        ({"state": ""}, "state is ''"),
        ({"country": "x"}, "the update has an unknown field 'country'; the fields are place, month"),
    ],
)
def test_an_error_names_the_field(change, message):
    with pytest.raises(InvalidUpdate, match=message):
        from_json({**WHOLE, **change})


@pytest.mark.parametrize("data", [None, 5, "x", [], [WHOLE]])
def test_only_an_object_is_an_update(data):
    with pytest.raises(InvalidUpdate, match="the update is no JSON object"):
        from_json(data)


def test_a_month_is_written_with_digits():
    with pytest.raises(InvalidMonth, match="YYYY-MM"):
        from_json({**WHOLE, "month": "May 2031"})
