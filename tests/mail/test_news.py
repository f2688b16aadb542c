"""What a digest says in a list of mails: its subject and its preheader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail import news
from newsletter.mail.news import LONGEST_SUBJECT, News
from tests.mail.crowd import crowded_contents

LEAD = "Country Updates, November 2022"
LONG = "Central African Republic"


def the_news(places=7, only="", *, risk=(), chance=(), worse=(), better=()):
    return News(places, only, tuple(risk), tuple(chance), tuple(worse), tuple(better))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param(the_news(risk=["Sudan"], worse="ABC"), "risk alert for Sudan; 3 places deteriorated", id="all"),
        pytest.param(the_news(risk=["Mali", "Sudan"]), "risk alerts for Mali and Sudan", id="two"),
        pytest.param(
            the_news(risk=["Mali", "Chad", "Sudan"], worse="AB"), "risk alerts for Mali, Chad and Sudan", id="three"
        ),
        pytest.param(the_news(risk=["Iran", *"ABC"], worse="A"), "risk alerts for Iran and 3 more", id="four"),
        pytest.param(the_news(risk=[LONG], chance=["Haiti"]), f"risk alert for {LONG}", id="no room for the rest"),
        pytest.param(the_news(chance=["Haiti"], better="A"), "opportunity in Haiti; A improved", id="an opportunity"),
        pytest.param(the_news(risk=["Mali"], chance=["Mali"]), "risk alert for Mali; opportunity in Mali", id="both"),
        pytest.param(the_news(risk=["Mali"], worse=["Mali"]), "risk alert for Mali", id="told by the alert"),
        pytest.param(the_news(worse="ABC", better="D"), "3 places deteriorated, 1 improved", id="worse and better"),
        pytest.param(the_news(worse=["Mali"], better="AB"), "Mali deteriorated, 2 improved", id="one is named"),
        pytest.param(the_news(better="AB"), "2 places improved", id="better"),
        pytest.param(the_news(), "no change in 7 places", id="nothing"),
        pytest.param(the_news(1, "Mali"), "no change in Mali", id="nothing in one place"),
    ],
)
def test_the_subject_says_the_news(found, told):
    assert news.subject(LEAD, found) == f"{LEAD}: {told}"


@pytest.mark.parametrize(
    ("lead", "told"),
    [
        pytest.param("The Monthly Digest of the Example Foundation, November 2022", "1 risk alert", id="little room"),
        pytest.param("The Monthly Digest of the Example Foundation for Peace, November 2022", "", id="no room"),
    ],
)
def test_a_long_title_leaves_less_room_and_is_never_cut(lead, told):
    assert news.subject(lead, the_news(risk=[LONG], worse="ABC")) == (f"{lead}: {told}" if told else lead)


names = st.lists(st.text("abcé ", min_size=1, max_size=30), max_size=6)


@given(names, names, names, names)
def test_no_subject_is_longer_than_a_line(risk, chance, worse, better):
    assert (
        len(news.subject(LEAD, the_news(risk=risk, chance=chance, worse=worse, better=better)).encode())
        <= LONGEST_SUBJECT
    )


def test_the_news_of_entries_are_the_names_of_their_places():
    entries = crowded_contents(60).entries
    found = News.of(entries)

    assert found.places == 60
    assert len(found.deteriorated) == sum(entry.update.trend.value == "deteriorated" for entry in entries)
    assert set(found.conflict_risk) <= {entry.place.name for entry in entries}
    assert found.only == ""
    assert News.of(entries[:1]).only == entries[0].place.name


def test_the_preheader_names_the_place_and_tells_its_headline_in_whole_words():
    entry = crowded_contents(60).entries[0]
    told = news.preheader(entry)

    assert told.startswith(f"{entry.place.name}: ")
    assert len(told.encode()) <= news.LONGEST_PREHEADER + len("\u00a0…".encode())
    assert f"{entry.place.name}: {entry.update.headline}".startswith(told.removesuffix("\u00a0…"))
