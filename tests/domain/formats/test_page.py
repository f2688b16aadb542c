"""Pages as people paste them. All of it is made up, except the one real page that stands outside the project."""

from datetime import date
from html import escape as escape_html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from newsletter.domain.formats.page import read_page
from newsletter.domain.formats.webpage.body import as_markdown
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Quote, Trend
from newsletter.errors import InvalidMonth, InvalidUpdate, NewsletterError

MAY = Month(2031, 5)
HEADLINE = "Amid calm, the two harbour towns opened a ferry line."
FERRY = "Ferry line opened after long delay. Mayor of Ardal 3 May cut the ribbon, saying “this took years”."
STRIKE = "Dockers ended strike. Union leader J. Holm 9 May said pay would rise. Work went on 10 May."
LONG = f"""Tracker Norland

Deteriorated Situation

Conflict Risk Alert

{HEADLINE}

{FERRY}

{STRIKE}

Continue reading

In The News

7 Jan 2031
The ferry is a small step, and it will take more than a boat to bring the two t... Harbour Post

Olga Example

Program Director, Seas and Harbours
30 Nov 2030
“Nobody here remembers the last strike.”
Evening Sheet
Karl Muster

Karl Muster

Analyst, Ports

Latest Updates

Report / Seas & Harbours 12 May 2031
A Harbour for Two Towns
https://example.org/harbour

Subscribe to Harbour Watch’s Email Updates

Receive the best of our harbours by e-mail."""


@pytest.fixture
def page(gazetteer):
    def read(text, month=MAY):
        return read_page(text, gazetteer=gazetteer, month=month)

    return read


def short(top, body=(HEADLINE, FERRY)):
    return "\n\n".join((*top, *body))


def test_the_real_page(page, project):
    text = (project / "../shared/input/crisiswatch-kazakhstan.txt").read_text(encoding="utf-8")
    reading = page(text, Month(2022, 11))
    update = reading.update

    assert (update.place, update.month, update.trend, update.alerts) == ("KZ", Month(2022, 11), Trend.UNCHANGED, ())
    headline, *paragraphs = text.split("\n")[4:9:2]
    assert update.headline == headline
    assert [(each.lead[:-1], each.text) for each in update.developments] == [
        (lead, rest) for lead, _, rest in (paragraph.partition(". ") for paragraph in paragraphs)
    ]
    assert len(update.developments) == 2
    assert [(each.date, each.outlet, each.person, each.role) for each in update.quotes] == [
        (date(2022, 1, 7), "Reuters", "Olga Oliker", "Program Director, Europe and Central Asia"),
        (date(2017, 11, 30), "EurasiaNet", "Deirdre Tynan", "Former Project Director, Central Asia"),
    ]
    assert update.links == ()
    assert update.problems() == []
    assert reading.doubts == ("the quote of 2022-01-07 is cut off", "the quote of 2017-11-30 is cut off")


def test_a_whole_page(page):
    reading = page(LONG)
    update = reading.update

    assert (update.place, update.trend, update.alerts) == ("NORLAND", Trend.DETERIORATED, (Alert.CONFLICT_RISK,))
    assert update.headline == HEADLINE
    assert [each.lead for each in update.developments] == [
        "Ferry line opened after long delay.",
        "Dockers ended strike.",
    ]
    assert [f"{each.lead} {each.text}" for each in update.developments] == [FERRY, STRIKE]
    assert update.quotes[1] == Quote(
        date(2030, 11, 30), "Nobody here remembers the last strike.", "Evening Sheet", "Karl Muster", "Analyst, Ports"
    )
    assert update.links == (
        Link(date(2031, 5, 12), "Report", "A Harbour for Two Towns", "https://example.org/harbour"),
    )
    assert reading.doubts == ("the quote of 2031-01-07 is cut off",)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: text.replace("\n", "\r"), id="CR"),
        pytest.param(lambda text: text.replace("\n", "\u2028"), id="Unicode's line separator"),
        pytest.param(lambda text: text.replace("\n\n", "\n\n\n\n"), id="more empty lines"),
        pytest.param(lambda text: text.replace("\n\n", "\n"), id="no empty lines"),
        pytest.param(lambda text: text.replace("\n", " \t\n  "), id="spaces at the ends"),
        pytest.param(lambda text: "\ufeff\n\n" + text + "\n\n", id="BOM and empty lines around"),
        pytest.param(lambda text: text.replace("Deteriorated Situation", "▼ Deteriorated"), id="arrow"),
        pytest.param(lambda text: text.replace("Deteriorated Situation", "SITUATION: DETERIORATED"), id="capitals"),
        pytest.param(
            lambda text: text.replace("Situation\n\nConflict", "Situation • Conflict"), id="trend and alert joined"
        ),
        pytest.param(lambda text: text.replace("Continue reading", "Read more ›"), id="read more"),
        pytest.param(lambda text: text.replace("\n\nContinue reading", " Continue reading"), id="read more inline"),
        pytest.param(lambda text: text.replace("Tracker Norland", "Tracker – Norland"), id="dash"),
        pytest.param(lambda text: text.replace("Tracker Norland", "Home\nTracker\nNorland\nNorland"), id="menu"),
        pytest.param(lambda text: text.replace("Tracker Norland", "Norland\nMay 2031"), id="month line"),
        pytest.param(lambda text: text.replace("Tracker Norland", "Norland – May 2031"), id="month in the heading"),
        pytest.param(lambda text: text.replace(HEADLINE, "Share\nFacebook Twitter E-mail\n" + HEADLINE), id="share"),
        pytest.param(lambda text: text.replace(HEADLINE, "A ferry. REUTERS/Jo Doe\n\n" + HEADLINE), id="caption"),
        pytest.param(
            lambda text: text + "\n\nPrivacy policy\n© 2031 Harbour Watch\nWe use cookies to be nice.", id="footer"
        ),
    ],
)
def test_the_same_page_in_another_layout(page, change):
    changed, plain = page(change(LONG)), page(LONG)

    assert changed.update == plain.update
    # In a menu the tracker's name is one line more that means nothing to the reader.
    assert [doubt for doubt in changed.doubts if "'Tracker'" not in doubt] == list(plain.doubts)


@pytest.mark.parametrize(
    ("heading", "place", "sure"),
    [
        ("CrisisWatch Kazakhstan", "KZ", True),
        ("Kazakhstan", "KZ", True),
        ("KAZAKHSTAN", "KZ", True),
        ("KZ", "KZ", True),
        ("Harbour Tracker – Kazakhstan", "KZ", True),
        ("Kazakhstan | Harbour Tracker", "KZ", True),
        ("Home / Seas & Harbours / Kazakhstan", "KZ", True),
        ("Tracker South Sudan", "SS", True),
        ("Tracker Sudan", "SD", True),
        ("Tracker: Democratic Republic of Congo", "CD", True),
        ("Tracker Republic of Congo", "CG", True),
        ("Tracker DRC", "CD", True),
        ("Tracker U.S.", "US", True),
        ("Tracker – Israel–Palestine", "ISRAEL-PALESTINE", True),
        ("Tracker–Kazakhstan", "KZ", True),
        ("Tracker North Korea", "KP", True),
        ("Tracker Israel/Palestine", "ISRAEL-PALESTINE", True),
        ("Tracker Israel-Palestine", "ISRAEL-PALESTINE", True),
        ("Tracker Cote d'Ivoire", "CI", True),
        ("# Kazakhstan", "KZ", True),
        ("Kazakhstan in May", "KZ", False),
        ("What is new in Kazakhstan’s harbours", "KZ", False),
        ("Northern Norway", "NO", False),
        ("What happened in South Sudan in May", "SS", False),
    ],
)
def test_the_heading_names_the_place(page, heading, place, sure):
    reading = page(short([heading, "Unchanged Situation"]))

    assert reading.update.place == place
    assert (reading.doubts == ()) is sure
    if not sure:
        assert "guessed" in reading.doubts[0]


@pytest.mark.parametrize(
    "heading",
    [
        pytest.param("Nothing known here", id="no place"),
        pytest.param("There is no harbour in us", id="small words that are codes"),
        pytest.param("A new car", id="a word that is an abbreviation in capitals"),
    ],
)
def test_a_page_without_a_place_is_refused(page, heading):
    with pytest.raises(InvalidUpdate, match="no place was found in the first lines"):
        page(short([heading, "Unchanged Situation"]))


def test_of_two_places_above_the_trend_the_nearer_is_taken_and_the_other_told(page):
    reading = page(short(["Norway", "Norland", "Unchanged Situation"]))

    assert reading.update.place == "NORLAND"
    assert reading.doubts == ("the place was taken to be Norland, but lines above the headline also name Norway",)


@pytest.mark.parametrize(
    ("line", "trend", "alerts"),
    [
        ("Unchanged Situation", Trend.UNCHANGED, ()),
        ("Unchanged", Trend.UNCHANGED, ()),
        ("Deteriorated Situation", Trend.DETERIORATED, ()),
        ("deteriorated", Trend.DETERIORATED, ()),
        ("Improved Situation", Trend.IMPROVED, ()),
        ("Situation: Improved", Trend.IMPROVED, ()),
        ("Trend – Improved", Trend.IMPROVED, ()),
        ("▲ Improved", Trend.IMPROVED, ()),
        ("Improved\nResolution Opportunity", Trend.IMPROVED, (Alert.RESOLUTION_OPPORTUNITY,)),
        ("RESOLUTION OPPORTUNITY\nImproved", Trend.IMPROVED, (Alert.RESOLUTION_OPPORTUNITY,)),
        (
            "• Deteriorated Situation – Conflict Risk Alert, Resolution Opportunity",
            Trend.DETERIORATED,
            (Alert.CONFLICT_RISK, Alert.RESOLUTION_OPPORTUNITY),
        ),
        (
            "Resolution Opportunity\nConflict risk alert\nDeteriorated",
            Trend.DETERIORATED,
            (Alert.CONFLICT_RISK, Alert.RESOLUTION_OPPORTUNITY),
        ),
        ("Unchanged\nConflict Risk Alert: none", Trend.UNCHANGED, ()),
        ("Unchanged\nNo Conflict Risk Alert", Trend.UNCHANGED, ()),
        ("May 2031 – Improved", Trend.IMPROVED, ()),
    ],
)
def test_trend_and_alerts(page, line, trend, alerts):
    reading = page(short(["Norland", line]))

    assert (reading.update.trend, reading.update.alerts) == (trend, alerts)
    assert reading.update.headline == HEADLINE
    assert reading.doubts == ()


def test_a_heading_may_hold_the_trend(page):
    update = page(short(["Norland: Improved Situation"])).update

    assert (update.place, update.trend, update.headline) == ("NORLAND", Trend.IMPROVED, HEADLINE)


def test_without_a_trend_it_is_unchanged_and_doubted(page):
    reading = page(short(["Norland"]))

    assert reading.update.trend is Trend.UNCHANGED
    assert reading.update.headline == HEADLINE
    assert reading.doubts == ("the page names no trend, so it was taken to be unchanged",)


def test_a_legend_above_the_heading_is_no_trend(page):
    legend = ["Deteriorated Situation", "Improved Situation", "Conflict Risk Alert"]
    update = page(short([*legend, "Norland", "Unchanged Situation"])).update

    assert (update.trend, update.alerts) == (Trend.UNCHANGED, ())


@pytest.mark.parametrize(
    ("line", "month"),
    [
        ("May 2031", MAY),
        ("Nov. 2022", Month(2022, 11)),
        ("sept 2022", Month(2022, 9)),
        ("Tracker, November 2022", Month(2022, 11)),
        ("2022-11", Month(2022, 11)),
        ("Written 2 December 2022\nNovember 2022", Month(2022, 11)),
    ],
)
def test_a_month_near_the_top_is_used(page, line, month):
    assert page(short(["Norland", line, "Unchanged"]), None).update.month == month


@pytest.mark.parametrize("line", ["", "2 December 2022", "December 2, 2022", "2022-12-02"])
def test_without_a_month_one_is_asked_for(page, line):
    with pytest.raises(InvalidMonth, match="--month YYYY-MM"):
        page(short(["Norland", line, "Unchanged"]), None)


def test_a_month_that_differs_from_the_given_one_is_doubted(page):
    reading = page(short(["Norland", "April 2031", "Unchanged"]))

    assert reading.update.month == MAY
    assert reading.doubts == ("the month was taken to be May 2031, but the page says April 2031",)


def test_lines_above_the_headline_that_mean_nothing_are_doubted(page):
    reading = page(short(["Norland", "Seas & Harbours", "Unchanged"]))

    assert reading.update.headline == HEADLINE
    assert reading.doubts == ("left out 'Seas & Harbours' above the headline, which was not understood",)


def test_a_headline_needs_no_full_stop_below_a_trend(page):
    assert page(short(["Norland", "Unchanged"], ["Ferries run", FERRY])).update.headline == "Ferries run"


def test_a_label_in_the_body_is_left_out_with_a_doubt(page):
    reading = page(short(["Norland", "Unchanged"], [HEADLINE, "In the harbour", FERRY]))

    assert len(reading.update.developments) == 1
    assert reading.doubts == ("left out 'In the harbour' of the body, which was not understood",)


def test_lines_that_a_mail_program_wrapped_are_joined(page):
    words = FERRY.split()
    wrapped = " ".join(words[:12]) + "\n" + " ".join(words[12:])
    reading = page(short(["Norland", "Unchanged"], [HEADLINE, wrapped]))

    assert f"{reading.update.developments[0].lead} {reading.update.developments[0].text}" == FERRY
    assert len(reading.doubts) == 1
    assert "joined 2 lines" in reading.doubts[0]


def test_more_than_six_developments_are_joined_to_the_sixth(page):
    body = [HEADLINE, *(f"Ferry {number} sailed. It was calm." for number in range(1, 9))]
    reading = page(short(["Norland", "Unchanged"], body))

    assert len(reading.update.developments) == 6
    assert reading.update.developments[5] == Development(
        "Ferry 6 sailed.", "It was calm.\n\nFerry 7 sailed. It was calm.\n\nFerry 8 sailed. It was calm."
    )
    assert reading.doubts == ("the page has 8 developments, and those from 6 on were joined",)


def test_a_second_update_on_the_page_is_refused(page):
    with pytest.raises(InvalidUpdate, match="one place and month at a time"):
        page(short(["Norland", "Unchanged"]) + "\n\nNorway\n\n" + short(["Improved Situation"]))


def test_what_is_odd_about_a_body_is_doubted(page):
    reading = page(
        short(["Norland", "Unchanged"], ["Two towns. One ferry.", "Ferries sailed.", "One sank. It was ol..."])
    )

    assert reading.doubts == (
        "the headline 'Two towns. One ferry.' is more than one sentence, so the page may have none",
        "development 1 has a lead sentence and no text",
        "the text of development 2 is cut off",
    )


@pytest.mark.parametrize(
    ("lines", "quote"),
    [
        pytest.param("It is... Harbour Post|A. Person|Mayor", "It is...|Harbour Post|A. Person|Mayor", id="cut off"),
        pytest.param("It is over. Harbour Post|A. Person", "It is over.|Harbour Post|A. Person|", id="no role"),
        pytest.param("“It is over.” Harbour Post|A. Person", "It is over.|Harbour Post|A. Person|", id="marks"),
        pytest.param("“It is... Harbour Post|A. Person", "It is...|Harbour Post|A. Person|", id="only the first mark"),
        pytest.param("It is over. — Harbour Post|A. Person", "It is over.|Harbour Post|A. Person|", id="dash"),
        pytest.param("It is over.|Harbour Post|A. Person", "It is over.|Harbour Post|A. Person|", id="own line"),
        pytest.param("It is over.|Twitter|A. Person|Mayor", "It is over.|Twitter|A. Person|Mayor", id="not a button"),
        pytest.param("It is over. Post|A. Person|A. Person|Mayor", "It is over.|Post|A. Person|Mayor", id="name twice"),
        pytest.param("It is over.|A. Person|A. Person|Mayor", "It is over.||A. Person|Mayor", id="no outlet"),
        pytest.param("It is over.|A. Person|Director, Ports", "It is over.||A. Person|Director, Ports", id="role"),
        pytest.param("It is over. Post", "It is over.|Post||", id="nobody"),
        pytest.param("One.|Then all ferries went on for years. Post", "One. Then all ferries went on for years.|Post||",
                     id="two paragraphs"),
        pytest.param("It is over.", "It is over.|||", id="words only"),
        pytest.param("We met Dr. Holm|Post|A. Person", "We met Dr. Holm|Post|A. Person|", id="a title is no end"),
        pytest.param("It is over.|Post|A. Person|Director, U.S. Seas and Harbours of All Sorts",
                     "It is over.|Post|A. Person|Director, U.S. Seas and Harbours of All Sorts", id="long role"),
    ],
)  # fmt: skip
def test_quotes(page, lines, quote):
    text = short(["Norland", "Unchanged"]) + "\n\nIn The News\n\n7 January 2031\n" + lines.replace("|", "\n\n")
    reading = page(text)
    words, outlet, person, role = quote.split("|")

    assert reading.update.quotes == (Quote(date(2031, 1, 7), words, outlet, person or None, role or None),)
    assert ("the quote of 2031-01-07 is cut off" in reading.doubts) is words.endswith("...")
    assert ("the quote of 2031-01-07 names no outlet" in reading.doubts) is (not outlet)
    assert ("the quote of 2031-01-07 names nobody" in reading.doubts) is (not person)


@pytest.mark.parametrize(
    "day", ["7 Jan 2031", "7 January 2031", "07 Jan. 2031", "January 7, 2031", "2031-01-07", "Tuesday, 7 January 2031"]
)
def test_ways_to_write_a_day(page, day):
    text = short(["Norland", "Unchanged"]) + f"\n\nIn The News\n\n{day}\nIt is over. Post\nA. Person"

    assert [each.date for each in page(text).update.quotes] == [date(2031, 1, 7)]


def test_what_is_left_over_in_the_news_is_doubted(page):
    news = "\n\nIn The News\n\nStray line\n7 Jan 2031\nIt is over. Post\nA. Person\nMayor\nSome more\nShare"

    assert page(short(["Norland", "Unchanged"]) + news).doubts == (
        "left out 'Stray line' in the news, which was not understood",
        "left out 'Some more' in the news, which was not understood",
    )


HARBOUR = Link(date(2031, 5, 12), "Report", "A Harbour", "https://example.org/a")


@pytest.mark.parametrize(
    "lines",
    [
        "Report / Seas 12 May 2031\nA Harbour\nhttps://example.org/a",
        "Report\n12 May 2031\nA Harbour\nhttps://example.org/a",
        "Report\nA Harbour (https://example.org/a)\n12 May 2031",
        "Report | Seas\n12 May 2031\n[A Harbour](https://example.org/a)",
        "Report 12 May 2031\nA Harbour <https://example.org/a>",
    ],
)
def test_links(page, lines):
    reading = page(short(["Norland", "Unchanged"]) + "\n\nLatest Updates\n\n" + lines)

    assert reading.update.links == (HARBOUR,)
    assert reading.doubts == ()


def test_links_without_an_address_are_left_out_with_a_doubt(page):
    links = (
        "\n\nLatest Updates\n\nQ&A\n12 May 2031\nA Harbour\nBriefing 1 May 2031\nOf Boats\nhttps://example.org/b\nStray"
    )
    reading = page(short(["Norland", "Unchanged"]) + links)

    assert [each.title for each in reading.update.links] == ["Of Boats"]
    assert reading.doubts == (
        "the link 'A Harbour' was left out, because it lacks an address",
        "left out 'Stray' of the latest updates, which was not understood",
    )


def test_many_unknown_lines_are_counted(page):
    foot = "\n\nSubscribe to Harbour Updates\n\n" + "\n".join(f"Stray {number}" for number in range(25))
    doubts = page(short(["Norland", "Unchanged"]) + foot).doubts

    assert len(doubts) == 11
    assert doubts[-1] == "left out 15 more lines that were not understood"


@pytest.mark.parametrize(
    ("plain", "markdown"),
    [
        ("Nothing special (at all): 5 - 3, “x”…", "Nothing special (at all): 5 - 3, “x”…"),
        ("# 5", "\\# 5"),
        ("- 5", "\\- 5"),
        ("5. June", "5\\. June"),
        ("5 * 3 * 2 and *that*", "5 \\* 3 \\* 2 and \\*that\\*"),
        ("snake_case _it_", "snake_case \\_it\\_"),
        ("<b>x</b> 3 < 5", "\\<b>x\\</b> 3 < 5"),
        ("[x](y) [z]", "[x]\\(y) [z]"),
        ("a\\b `c` &amp; AT&T", "a\\\\b \\`c\\` \\&amp; AT&T"),
    ],
)
def test_plain_text_becomes_markdown_that_looks_the_same(plain, markdown):
    assert as_markdown(plain) == markdown


@given(
    st.lists(st.sampled_from([*"\\*_`<>[]()#+-=~&!.1 ax:/", "&amp;", "http://x", "**", "](", "1. ", "~~"]), max_size=12)
)
def test_markup_in_plain_text_is_only_text(pieces):
    plain = "".join(pieces).strip()
    html = MarkdownIt("commonmark").render(as_markdown(plain))

    assert html == (f"<p>{escape_html(plain).replace('&#x27;', chr(39))}</p>\n" if plain else "")


PIECES = [
    *LONG.split("\n"),
    "\n",
    "\r\n",
    "Norway",
    "KZ",
    "May 2031",
    "31 Feb 2031",
    "Improved",
    "“",
    "...",
    "http://[",
    "©",
    "\0",
]


@given(
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=30)), max_size=40),
    st.sampled_from(["\n", "\n\n", " "]),
    st.sampled_from([None, MAY]),
)
def test_whatever_is_pasted_only_our_own_errors_come_out(gazetteer, pieces, joint, month):
    try:
        said = read_page(joint.join(pieces), gazetteer=gazetteer, month=month).doubts
    except NewsletterError as error:
        said = (str(error),)
    assert all("\n" not in sentence for sentence in said)


@given(st.data())
def test_a_damaged_page_is_read_or_refused(gazetteer, data):
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(LONG))] * 2)))
    damaged = LONG[:start] + data.draw(st.sampled_from(["", "\n", " ", "...", LONG[start:end] * 2])) + LONG[end:]
    try:
        read_page(damaged, gazetteer=gazetteer, month=MAY)
    except NewsletterError:
        return


@pytest.mark.parametrize("piece", ["x", ".", "x. ", "a line\n", "“", "... A", "12 May 2031 ", "[_*", " ", "Norland "])
@pytest.mark.parametrize("place", ["heading", "body", "news", "links"])
def test_a_mass_of_characters_is_no_trap(page, place, piece):
    mass = piece * (250_000 // len(piece))
    texts = {
        "heading": "Norland\n" + mass + "\nUnchanged",
        "body": short(["Norland", "Unchanged"]) + "\n\n" + mass,
        "news": short(["Norland", "Unchanged"]) + "\n\nIn The News\n7 Jan 2031\n" + mass,
        "links": short(["Norland", "Unchanged"]) + "\n\nLatest Updates\nReport 7 Jan 2031\n" + mass,
    }
    assert page(texts[place]).update.place == "NORLAND"
