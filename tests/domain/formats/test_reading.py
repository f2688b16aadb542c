import json
import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter.domain.formats.json import to_json
from newsletter.domain.formats.markdown import tidy, write_markdown
from newsletter.domain.formats.reading import Reading, decode, read
from newsletter.domain.month import Month
from newsletter.errors import InvalidMonth, InvalidUpdate, NewsletterError

from .updates import updates

UPDATE = {
    "place": "Norland",
    "month": "2031-05",
    "trend": "improved",
    "headline": "Two harbour towns opened a ferry line.",
    "developments": [{"lead": "Ferry line opened.", "text": "It took years."}],
}
MARKDOWN = """---
place: Norland
month: 2031-05
trend: improved
headline: Two harbour towns opened a ferry line.
---

## Ferry line opened.

It took years.
"""
PAGE = "Norland\nMay 2031\nImproved\nTwo harbour towns opened a ferry line.\n\nFerry line opened. It took years."


@pytest.fixture
def reads(gazetteer):
    def reads(text, source="may", month=None):
        return read(text, source=source, gazetteer=gazetteer, month=month)

    return reads


def examples(project):
    text = (project / "docs/updates.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def test_the_examples_in_the_docs_are_one_update(reads, project):
    found = examples(project)
    by_json = reads(found["json"], "example.json")

    assert len(by_json) == 1
    assert by_json[0].doubts == ()
    assert reads(found["markdown"], "example.md") == by_json
    assert reads(found["text"], "example.txt") == by_json


def test_the_docs_name_every_field(project):
    text = (project / "docs/updates.md").read_text(encoding="utf-8")

    for field in json.loads(examples(project)["json"]):
        assert f"| `{field}` |" in text


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (json.dumps(UPDATE), "may.json"),
        (json.dumps([UPDATE]), "may.JSON"),
        (json.dumps(UPDATE), "may.txt"),
        ("\n " + json.dumps([UPDATE]), "may"),
        (MARKDOWN, "may.md"),
        (MARKDOWN, "may.markdown"),
        (MARKDOWN, "may.txt"),
        (MARKDOWN, "-"),
        ("\ufeff" + MARKDOWN.replace("\n", "\r\n"), "may.txt"),
        (PAGE, "may.txt"),
        (PAGE, ""),
        (PAGE.replace("\n", "\r"), "may"),
    ],
)
def test_suffix_or_content_tells_the_format(reads, text, source):
    [reading] = reads(text, source)

    assert reading.doubts == ()
    assert to_json(reading.update) == {
        **UPDATE, "place": "NORLAND", "alerts": [], "quotes": [], "links": [], "state": "ready"
    }  # fmt: skip


@given(updates)
def test_every_format_keeps_the_same(gazetteer, update):
    assume(update.problems() == [])
    [by_json] = read(json.dumps(to_json(update)), source="x.json", gazetteer=gazetteer, month=None)
    [by_markdown] = read(write_markdown(update), source="x.md", gazetteer=gazetteer, month=update.month)

    assert by_json == Reading(tidy(update))
    assert by_markdown.update == tidy(update)


def test_a_list_holds_several_updates(reads):
    found = reads(json.dumps([UPDATE, {**UPDATE, "place": "no"}, {**UPDATE, "month": "2031-06"}]), "many.json")

    assert [(each.update.place, str(each.update.month)) for each in found] == [
        ("NORLAND", "2031-05"),
        ("NO", "2031-05"),
        ("NORLAND", "2031-06"),
    ]


def test_characters_are_composed(reads):
    [reading] = reads(json.dumps({**UPDATE, "headline": "Cafe\u0301 opened."}), "x.json")

    assert unicodedata.is_normalized("NFC", reading.update.headline)


@pytest.mark.parametrize(
    ("text", "source", "message"),
    [
        ("<p>x</p>", "x.html", "x.html: is the source of a web page; open the page, copy its text"),
        ("\n<!DOCTYPE html><title>x", "x.txt", "x.txt: is the source of a web page"),
        ("", "x.txt", "x.txt: is empty"),
        (" \n", "x.json", "x.json: is empty"),
        ("{", "x.json", "x.json: not JSON: .* in line 1, column 2"),
        ("[]", "x.json", "x.json: holds no update"),
        ("[5]", "x.json", "x.json: update 1: the update is no JSON object"),
        ("5", "x.json", "x.json: the update is no JSON object"),
        ("[" * 100_000, "x.json", "x.json: not an update: its JSON is nested too deep"),
        ("9" * 5000, "x.json", "x.json: not an update: its JSON holds a number that is too long"),
        ('{"place": "NO", "place": "KZ"}', "x.json", "x.json: the field 'place' is there twice"),
        (
            json.dumps({**UPDATE, "place": "Norlant"}),
            "x.json",
            "x.json: no place is called 'Norlant'; did you mean Norland?",
        ),
        (json.dumps([UPDATE, {**UPDATE, "place": "?"}]), "x.json", "x.json: update 2: no place is called"),
        (json.dumps([UPDATE, UPDATE]), "x.json", "x.json: updates 1 and 2 are both of NORLAND in 2031-05"),
        (
            json.dumps({**UPDATE, "headline": " ", "developments": []}),
            "x.json",
            "x.json: the headline is missing; it has 0 developments, and needs 1 to 6",
        ),
        (json.dumps({**UPDATE, "headline": "a\nb"}), "x.json", "x.json: the headline has more than one line"),
        (json.dumps({**UPDATE, "headline": "a\ud800"}), "x.json", "control character U\\+D800"),
        (MARKDOWN.replace("Norland", "Atlantis"), "x.md", "x.md: no place is called 'Atlantis'"),
        ("place: Norland", "x.md", "x.md: the first line must be ---"),
        ("Norland\nMay 2031\nImproved\nOnly a headline.", "x.txt", "x.txt: it has 0 developments"),
        ("What a day.", "x.txt", "x.txt: no place was found"),
    ],
)
def test_what_is_wrong_is_told_with_the_file_in_one_line(reads, text, source, message):
    with pytest.raises(InvalidUpdate, match=message) as caught:
        reads(text, source)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [json.dumps(UPDATE), MARKDOWN])
def test_another_month_than_the_one_asked_for_is_refused(reads, text):
    with pytest.raises(InvalidUpdate, match=r"^may: it is of 2031-05, and 2031-06 was asked for$"):
        reads(text, month=Month(2031, 6))


def test_a_page_without_a_month_needs_one(reads):
    text = PAGE.replace("May 2031\n", "")

    assert reads(text, month=Month(2031, 6))[0].update.month == Month(2031, 6)
    with pytest.raises(InvalidMonth, match=r"^may: .*--month YYYY-MM"):
        reads(text)


def test_a_bad_month_names_the_update(reads):
    with pytest.raises(InvalidMonth, match=r"^x.json: update 2: 'May' is no month"):
        reads(json.dumps([UPDATE, {**UPDATE, "month": "May"}]), "x.json")


def test_a_heading_without_its_space_is_doubted(reads):
    [reading] = reads(MARKDOWN + "\n##Dockers ended strike.\n", "x.md")

    assert reading.doubts == (
        "development 1 holds a line '##Dockers ended strike.'; put a space after ## if a new one begins there",
    )


@given(st.text(), st.sampled_from(["x.json", "x.md", "x.txt", "x.html", ""]))
def test_any_text_is_read_or_refused(gazetteer, text, source):
    try:
        read(text, source=source, gazetteer=gazetteer, month=Month(2031, 5))
    except NewsletterError as error:
        said = str(error)
    else:
        said = f"{source}: "
    assert said.startswith(f"{source}: ")


@pytest.mark.parametrize("text", ["x" * 1_000_000, "[" + "1," * 499_999, "---\n" + "- " * 499_000])
@pytest.mark.parametrize("source", ["x.json", "x.md", "x.txt"])
def test_a_million_characters_are_refused(reads, text, source):
    with pytest.raises(InvalidUpdate):
        reads(text, source, Month(2031, 5))


def test_files_are_utf_8():
    assert decode("\ufeffNor’land\r\n".encode(), source="x") == "Nor’land\r\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("one\nNor’land".encode("cp1252"), r"^x.txt: not UTF-8 text \(byte 0x92 in line 2\); save it as UTF-8$"),
        ("Norland".encode("utf-16"), "not UTF-8 text .*; save it as UTF-8$"),
        (b"Nor\0land", "NUL byte"),
        (b"x" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_other_files_are_refused(data, message):
    with pytest.raises(InvalidUpdate, match=message):
        decode(data, source="x.txt")
