"""The rules that an update has to keep."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings

from newsletter.domain.formats.json import from_json, to_json
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update
from newsletter.storage.places import gazetteer
from tests.domain.formats.updates import updates

DAY = date(2022, 11, 7)
REPORT = Link(DAY, "Report", "After the vote", "https://example.org/vote")
QUOTE = Quote(DAY, "It matters.", "Example Courier", "Ada Sample", "Analyst")
GOOD = Update(
    place="KZ",
    month=Month(2022, 11),
    trend=Trend.UNCHANGED,
    headline="Early vote returned the president.",
    developments=(Development("Vote was held.", "It was calm.\n\nTurnout was high."),),
    alerts=(Alert.CONFLICT_RISK, Alert.RESOLUTION_OPPORTUNITY),
    quotes=(QUOTE,),
    links=(REPORT,),
)


@pytest.mark.parametrize(
    "update",
    [
        pytest.param(GOOD, id="everything filled in"),
        pytest.param(replace(GOOD, alerts=(), quotes=(), links=()), id="no alert, quote or link"),
        pytest.param(replace(GOOD, developments=GOOD.developments * 6), id="six developments"),
        pytest.param(replace(GOOD, developments=(Development("Vote was held.", ""),)), id="a lead without a text"),
        pytest.param(replace(GOOD, quotes=(Quote(DAY, "It matters.", ""),)), id="a quote without outlet and person"),
        pytest.param(replace(GOOD, headline="\U0001f54a Tab\there: naïve, 和平, \u200f\u05e9\u05dc"), id="any script"),
        pytest.param(replace(GOOD, links=(replace(REPORT, url="http://[2001:db8::1]/a"),)), id="an IPv6 address"),
        pytest.param(replace(GOOD, links=(replace(REPORT, url="HTTPS://Example.org"),)), id="a scheme in capitals"),
        pytest.param(replace(GOOD, links=(REPORT, REPORT)), id="a link twice"),
    ],
)
def test_an_update_that_keeps_every_rule(update):
    assert update.problems() == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"headline": ""}, "the headline is missing", id="no headline"),
        pytest.param({"headline": " \t "}, "the headline is missing", id="a blank headline"),
        pytest.param({"headline": "One.\nTwo."}, "the headline has more than one line", id="two lines of headline"),
        pytest.param({"developments": ()}, "it has 0 developments, and needs 1 to 6", id="no development"),
        pytest.param(
            {"developments": GOOD.developments * 7}, "it has 7 developments, and needs 1 to 6", id="seven developments"
        ),
        pytest.param(
            {"developments": (*GOOD.developments, Development(" ", "Text."))},
            "development 2 has no lead sentence",
            id="a development without a lead",
        ),
        pytest.param(
            {"developments": (Development("Vote was\nheld.", ""),)},
            "the lead sentence of development 1 has more than one line",
            id="a line break in a lead",
        ),
        pytest.param(
            {"alerts": (Alert.CONFLICT_RISK, Alert.CONFLICT_RISK)},
            "the alert conflict_risk is there twice",
            id="an alert twice",
        ),
        pytest.param({"links": (replace(REPORT, kind=" "),)}, "link 1 has no kind", id="a link without a kind"),
        pytest.param({"links": (replace(REPORT, title=""),)}, "link 1 has no title", id="a link without a title"),
        pytest.param(
            {"links": (REPORT, replace(REPORT, url=""))}, "link 2 has no address", id="a link without an address"
        ),
        pytest.param(
            {"quotes": (replace(QUOTE, person="Ada\0Sample"),)},
            r"the text 'Ada\x00Sample' holds the control character U+0000",
            id="a NUL",
        ),
        pytest.param(
            {"headline": "Vote\r"}, r"the text 'Vote\r' holds the control character U+000D", id="a carriage return"
        ),
        pytest.param(
            {"links": (replace(REPORT, title="Vote\x9b"),)},
            r"the text 'Vote\x9b' holds the control character U+009B",
            id="a C1 control",
        ),
        pytest.param(
            {"headline": "Vote\ud800"},
            r"the text 'Vote\ud800' holds the control character U+D800",
            id="half a surrogate pair",
        ),
    ],
)
def test_a_rule_that_is_broken_is_told(change, problem):
    assert replace(GOOD, **change).problems() == [problem]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ftp://example.org/a",
        "mailto:ada@example.org",
        "//example.org/a",
        "/a",
        "example.org/a",
        "https:example.org",
        "https://",
        "https://exam ple.org/",
        "https://example.org/a b",
        "https://example.org/\nb",
        "https://[example.org/",
        " https://example.org/ b",
    ],
)
def test_a_link_leads_to_the_web_and_nowhere_else(url):
    problems = replace(GOOD, links=(replace(REPORT, url=url),)).problems()

    assert problems == ["link 1 ('After the vote') leads to no http or https address"]


def test_every_problem_is_one_short_line():
    long = "x\r\n" * 100_000
    update = Update("KZ", Month(2022, 11), Trend.UNCHANGED, long, (), links=(Link(DAY, long, long, long),))

    assert all(len(problem) < 120 and problem.isprintable() for problem in update.problems())


def test_a_text_full_of_controls_is_told_three_times_at_most():
    assert len(replace(GOOD, headline="a" + "\x01" * 1000).problems()) == 3


@settings(deadline=None)
@given(updates)
def test_what_is_stored_as_json_keeps_the_same_rules(update):
    assert from_json(to_json(update)).problems() == update.problems()


@pytest.mark.parametrize("kind", [Trend, Alert])
def test_trends_and_alerts_differ_in_their_signs_and_not_by_colour_alone(kind):
    assert len({member.sign for member in kind}) == len(kind)


def test_what_trends_and_alerts_are_called():
    assert [trend.word for trend in Trend] == ["Deteriorated", "Improved", "Unchanged"]
    assert [alert.words for alert in Alert] == ["Conflict Risk Alert", "Resolution Opportunity"]


def test_the_place_of_the_examples_is_real():
    assert gazetteer().get(GOOD.place) is not None
