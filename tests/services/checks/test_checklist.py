"""What is found in a month before it is released."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from time import process_time

import pytest

from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update, UpdateState
from newsletter.services import checks, editions, editorial
from newsletter.services.checks import Check, Checklist, Finding, Scales
from newsletter.storage.places import gazetteer
from tests.conftest import NOW

NOVEMBER = Month(2022, 11)


def an_update(place="SD", month=NOVEMBER, **changes):
    values = {
        "trend": Trend.UNCHANGED,
        "headline": "Talks went on.",
        "developments": (Development("Talks were held.", "They went well."),),
        **changes,
    }
    return Update(place=place, month=month, **values)


@pytest.fixture
def found(sqlite, publication):
    """What is found when these updates are stored, by check."""

    def look(*updates, overview="", publication=publication):
        with sqlite.writing() as session:
            for update in updates:
                editorial.store(session, update, now=NOW)
            editions.set_overview(session, NOVEMBER, overview, now=NOW)
        with sqlite.reading() as session:
            edition = editions.get(session, NOVEMBER)
            made = checks.run(session, edition, publication, Scales(), now=NOW)
        return {group.check: [finding.words for finding in group.findings] for group in made.groups}

    return look


def test_a_month_in_order_has_no_finding(found):
    assert found(an_update(month=NOVEMBER.previous), an_update()) == {}


def test_a_month_without_an_update_that_is_ready_stops(found):
    assert found() == {Check.NOTHING_READY: ["No update for November 2022 is ready."]}


def test_without_a_postal_address_it_stops(found, publication):
    words = found(an_update(), publication=replace(publication, postal_address=None))

    assert words == {Check.POSTAL_ADDRESS: ["Every digest has to name it in its footer: set POSTAL_ADDRESS."]}


def test_a_place_that_had_an_update_and_has_none_or_a_draft_is_named(found):
    words = found(
        an_update("SD", NOVEMBER.previous),
        an_update("KZ", NOVEMBER.previous),
        an_update("KZ", state=UpdateState.DRAFT),
        an_update("ET"),
    )

    assert words == {
        Check.MISSING: ["Sudan had an update in October 2022, and has none now."],
        Check.DRAFT: ["Kazakhstan: its update is still a draft."],
    }


@pytest.mark.parametrize(
    ("before", "now", "is_found"),
    [
        pytest.param("They went well.", "They  went\nWELL.", True, id="the text of the month before"),
        pytest.param("They went well.", "They broke down.", False, id="another text"),
    ],
)
def test_a_trend_that_changed_with_the_text_of_last_month_is_told(found, before, now, is_found):
    words = found(
        an_update(month=NOVEMBER.previous, developments=(Development("Talks were held.", before),)),
        an_update(trend=Trend.DETERIORATED, developments=(Development("Talks were held.", now),)),
    )

    told = ["Sudan is Deteriorated after Unchanged, with the developments of the month before."]
    assert words == ({Check.TREND: told} if is_found else {})


@pytest.mark.parametrize(
    ("alert", "text", "is_found"),
    [
        (Alert.CONFLICT_RISK, "A parade was held.", True),
        (Alert.CONFLICT_RISK, "Fighting could escalate.", False),
        (Alert.RESOLUTION_OPPORTUNITY, "A parade was held.", True),
        (Alert.RESOLUTION_OPPORTUNITY, "A ceasefire is near.", False),
    ],
)
def test_an_alert_that_no_sentence_explains_is_told(found, alert, text, is_found):
    update = an_update(alerts=(alert,), headline="A month went by.", developments=(Development("It rained.", text),))

    told = [f"Sudan has a {alert.words}, and no sentence speaks of what may come."]
    assert found(update) == ({Check.ALERT: told} if is_found else {})


def test_a_quote_without_an_outlet_or_of_a_day_to_come_is_told(found):
    tomorrow = NOW.date() + timedelta(days=1)
    quotes = (Quote(date(2022, 11, 1), "It matters.", " "), Quote(tomorrow, "It will.", "The Courier"))

    assert found(an_update(quotes=quotes)) == {
        Check.QUOTE: [
            "Sudan, quote 1: it names no outlet.",
            f"Sudan, quote 2: its date, {tomorrow}, is still to come.",
        ]
    }


def test_links_that_no_mail_can_follow_stop(found):
    text = "See [this](/places/SD), [that](//example.org/x), [a file](ftp://example.org/x) and [all](https://a.org)."
    words = found(an_update(developments=(Development("It rained.", text),)), overview="See [us](about.html).")

    assert words[Check.LINK][:4] == [
        "The overview: “about.html” is no whole address; write it with https://.",
        "Sudan, development 1: “/places/SD” is no whole address; write it with https://.",
        "Sudan, development 1: “//example.org/x” is no whole address; write it with https://.",
        "Sudan, development 1: “ftp://example.org/x” can’t be followed from a mail; link to a page on the web.",
    ]


def test_an_image_in_a_text_is_told_and_so_is_its_missing_description(found):
    text = "![A bridge](https://example.org/a.png) ![](https://example.org/b.png)"

    assert found(an_update(developments=(Development("It rained.", text),))) == {
        Check.IMAGE: [
            "Sudan, development 1: the image “https://example.org/a.png” is shown nowhere. Link to it instead.",
            "Sudan, development 1: the image “https://example.org/b.png” has no alternative text, and is shown "
            "nowhere. Link to it instead.",
        ]
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Kazakstan", "Kazakhstan"),
        ("Phillipines", "Philippines"),
        ("Isreal", "Israel"),
        ("Columbia", "Colombia"),
        ("Venezeula", "Venezuela"),
        ("Burkina Fasso", "Burkina Faso"),
    ],
)
def test_a_name_that_is_nearly_a_places_is_asked_about(found, written, meant):
    words = found(an_update(developments=(Development("It rained.", f"Troops went to {written} in May."),)))

    assert words == {Check.SPELLING: [f"Sudan: is “{written}” meant to be {meant}?"]}


@pytest.mark.parametrize(
    "text",
    ["Kazakhstan’s", "Guinean", "German", "Nigerian", "Liberal", "Ghani", "The Sudan", "Burkina Faso", "Kashmiri"],
)
def test_a_right_name_and_what_is_made_from_it_are_left_alone(found, text):
    assert found(an_update(developments=(Development("It rained.", f"So said {text} papers."),))) == {}


def test_a_title_without_room_for_news_and_a_headline_that_is_cut_are_told(found, publication):
    long = replace(publication, title="The Monthly Bulletin of Updates on All Countries and Areas")
    words = found(an_update(headline="Talks " + "went on and " * 20 + "on."), publication=long)

    assert list(words) == [Check.SUBJECT, Check.PREHEADER]
    assert "so the news have no room: shorten TITLE." in words[Check.SUBJECT][0]
    assert words[Check.PREHEADER][0].startswith("Sudan: name and headline have ")


def test_a_digest_that_can_not_be_made_small_enough_stops(found):
    places = [place.code for place in gazetteer().places]
    headline = "Ж" * 3_000

    words = found(*(an_update(code, headline=headline) for code in places), overview="Ж" * 2_900)

    assert any("more than 95 kB" in each or "more than 150 kB" in each for each in words[Check.SIZE])


def test_a_link_of_the_edition_that_did_not_answer_is_told_until_it_is_gone(sqlite, publication):
    link = Link(date(2022, 11, 9), "Report", "After the vote", "https://a.example/vote")
    with sqlite.writing() as session:
        editorial.store(session, an_update(links=(link,)), now=NOW)
        edition = editions.ensure(session, NOVEMBER, now=NOW)
        checks.reaching.keep(session, edition, [link.url], {link.url: "answers with the error 404"}, now=NOW)

    def words():
        with sqlite.reading() as session:
            made = checks.run(session, editions.get(session, NOVEMBER), publication, Scales(), now=NOW)
            return [finding.words for group in made.groups for finding in group.findings]

    assert words() == ["Sudan, link 1: https://a.example/vote answers with the error 404."]
    with sqlite.writing() as session:
        editorial.store(session, an_update(), now=NOW)
    assert words() == []


def test_what_was_ticked_counts_no_more_when_anything_else_is_found():
    one = Checklist.of([Finding(Check.MISSING, "Sudan had one.", "SD")])
    two = Checklist.of([*one.groups[0].findings, Finding(Check.MISSING, "Mali had one.", "ML")])
    seen = [group.key for group in one.warnings]

    assert one.unseen(seen) == ()
    assert [group.check for group in two.unseen(seen)] == [Check.MISSING]


def test_errors_come_first_and_are_counted_apart():
    made = Checklist.of([Finding(Check.SPELLING, "x"), Finding(Check.LINK, "y"), Finding(Check.SPELLING, "z")])

    assert made.words == "1 error, 2 warnings"
    assert [group.check for group in made.groups] == [Check.LINK, Check.SPELLING]
    assert made.as_json()["errors"] == 1


def test_two_hundred_places_are_looked_at_in_a_moment(sqlite, publication):
    text = "Talks were held in **Khartoum** and at [the border](https://example.org/x). " * 12
    with sqlite.writing() as session:
        for place in gazetteer().places[:200]:
            editorial.store(session, an_update(place.code, developments=(Development("So.", text),) * 3), now=NOW)
        editions.ensure(session, NOVEMBER, now=NOW)
    scales = Scales()
    with sqlite.reading() as session:
        edition = editions.get(session, NOVEMBER)
        checks.run(session, edition, publication, scales, now=NOW)  # which compiles the draft
        times = []
        for _ in range(3):
            begin = process_time()
            checks.run(session, edition, publication, scales, now=NOW)
            times.append(process_time() - begin)
    assert min(times) < 0.3
