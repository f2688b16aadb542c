import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter.domain.formats.markdown import read_markdown, tidy, write_markdown
from newsletter.domain.month import Month
from newsletter.domain.update import Development, Trend, Update, UpdateState
from newsletter.errors import InvalidUpdate, NewsletterError

from .updates import updates

FRONT = """---
place: NO
month: 2031-05
trend: improved
headline: Two harbour towns opened a ferry line.
---
"""


@given(updates)
def test_what_was_written_is_read(update):
    assume(update.problems() == [])

    assert read_markdown(write_markdown(update)) == tidy(update)


@given(updates)
def test_a_tidy_update_stays_as_it_is(update):
    assume(update.problems() == [])

    assert tidy(tidy(update)) == tidy(update)
    assert read_markdown(write_markdown(tidy(update))) == tidy(update)
    assert tidy(update).problems() == []


def test_a_file_reads_well():
    text = write_markdown(
        Update(
            "NO",
            Month(2031, 5),
            Trend.IMPROVED,
            "Talks: “on”.",
            (Development("One.", "A\n\nB"), Development("Two.", "")),
        )
    )
    assert text == (
        "---\nplace: 'NO'\nmonth: 2031-05\ntrend: improved\nalerts: []\n"
        "headline: 'Talks: “on”.'\nquotes: []\nlinks: []\nstate: ready\n---\n\n## One.\n\nA\n\nB\n\n## Two.\n"
    )


def test_words_that_yaml_would_convert_stay_words():
    update = read_markdown(FRONT + "## Yes.\n")

    assert (update.place, update.month, update.state) == ("NO", Month(2031, 5), UpdateState.READY)


@pytest.mark.parametrize(
    ("body", "developments"),
    [
        pytest.param("## One.\nA\n\nB\n\n## Two.\n\nC\n", [("One.", "A\n\nB"), ("Two.", "C")], id="plain"),
        pytest.param("\n\n\n##   One.  \n\n\n\nA\n\n\n", [("One.", "A")], id="more empty lines"),
        pytest.param("## One.\n\\## A\n", [("One.", "## A")], id="escaped heading"),
        pytest.param("## One.\n\\\\## A\n", [("One.", "\\## A")], id="escaped escape"),
        pytest.param("  ## One.\nA\n", [("One.", "A")], id="indented heading"),
        pytest.param("## One.\n### A\n# B\n##C\n", [("One.", "### A\n# B\n##C")], id="other headings are text"),
        pytest.param("## One.\n---\nA\n", [("One.", "---\nA")], id="a rule in the text"),
        pytest.param("## One. ##\nA\n", [("One. ##", "A")], id="marks at the end"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_bodies(body, developments, newline):
    update = read_markdown((FRONT + body).replace("\n", newline))

    assert [(each.lead, each.text) for each in update.developments] == developments


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "the first line must be ---", id="empty"),
        pytest.param("place: NO", "the first line must be ---", id="no front matter"),
        pytest.param("---\nplace: NO\n", "have no end", id="front matter without an end"),
        pytest.param(
            FRONT + "\nHello.\n## One.\n", "line 8, 'Hello.', belongs to no development; write '## '", id="text first"
        ),
        pytest.param(FRONT.replace("place", "plaice"), "unknown field 'plaice'", id="unknown field"),
        pytest.param(FRONT.replace("place: NO\n", ""), "needs a text in 'place'", id="missing field"),
        pytest.param(FRONT.replace("place: NO", "place:"), "needs a text in 'place'", id="empty field"),
        pytest.param(FRONT.replace("improved", "better"), "trend is 'better'; write one of", id="unknown trend"),
        pytest.param(FRONT.replace("NO", "NO\nplace: KZ"), "'place' in line 3 is there twice", id="field twice"),
        pytest.param(
            FRONT.replace("NO", "NO\ndevelopments: []"), "write each as a heading", id="developments at the top"
        ),
        pytest.param(
            FRONT.replace("Two", "Two: "), "can't be read at line 5: mapping values are not allowed", id="colon"
        ),
        pytest.param(FRONT.replace("Two", '"Two"'), "can't be read at line 5", id="quotation marks"),
        pytest.param(FRONT.replace("NO", "\tNO"), "can't be read at line 2", id="tab"),
        pytest.param(FRONT.replace("NO", "&a NO"), "line 2 begins with & or *", id="anchor"),
        pytest.param(FRONT.replace("NO", "*a"), "line 2 begins with & or *", id="alias"),
        pytest.param(FRONT.replace("NO", "[[[[[["), "line 2 is nested too deep", id="nesting"),
        pytest.param(FRONT.replace("NO", "[" * 50_000), "line 2 is nested too deep", id="much nesting"),
        pytest.param(FRONT.replace("NO", '"\\UFFFFFFFF"'), "an escape or a number", id="escape beyond Unicode"),
        pytest.param(
            FRONT.replace("NO", "N\x07O"), "line 2 holds a character that can't be there, U\\+0007", id="bell"
        ),
        pytest.param(FRONT.replace("NO", "x" * 200_000), "longer than 100000 characters", id="too long"),
        pytest.param("---\n- x\n---\n", "must be lines 'name: value'", id="a list"),
        pytest.param("---\n? [a]\n: b\n---\n", "is no name", id="a list as a name"),
        pytest.param("---\nplace: NO\n--- x\n---\n", "can't be read at line 3", id="two documents"),
        pytest.param(FRONT.replace("NO", "[NO]"), "needs a text in 'place'", id="list for text"),
        pytest.param(FRONT.replace("NO", "NO\nlinks: x"), "needs a list in 'links'", id="text for list"),
        pytest.param(
            FRONT.replace("NO", "NO\nquotes: [{date: 5.1.2031}]"), "quotes 1 has '5.1.2031' in 'date'", id="day"
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(text, message):
    with pytest.raises(InvalidUpdate, match=message) as caught:
        read_markdown(text)

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_bomb_of_aliases_is_refused():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]

    with pytest.raises(InvalidUpdate, match="begins with & or"):
        read_markdown("---\n" + "\n".join(lines) + "\n---\n")


@given(st.data())
def test_a_damaged_file_is_read_or_refused(data):
    text = FRONT + "## One.\n\nText.\n"
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    piece = data.draw(
        st.text(max_size=6) | st.sampled_from([": ", "\n- ", "{", '"', "\\", "!!python/name:os", "%YAML 9.9\n", "? "])
    )
    try:
        read_markdown(text[:start] + piece + text[end:])
    except NewsletterError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
