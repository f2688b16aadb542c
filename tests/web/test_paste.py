"""A page's text, pasted: taken apart, shown for checking, saved by nobody but the admin."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import escape

from newsletter.domain.formats.reading import read
from newsletter.domain.role import Role
from newsletter.services import editorial
from newsletter.storage.places import gazetteer
from tests.web.conftest import NOVEMBER, dump
from tests.web.forms import read_form

PASTE = "/admin/months/2022-11/paste"
TEXT = """Sudan

Deteriorated

Fighting went on in the capital.

Clashes resumed on 3 November. Dozens were hurt.

Talks failed. Both sides left the table.

In The News
"""


@pytest.fixture
def page():
    return (Path(__file__).parents[2] / "../shared/input/crisiswatch-kazakhstan.txt").read_text(encoding="utf-8")


def test_the_real_page_is_taken_apart_with_its_doubts_checked_and_saved(desk_of, database, page):
    desk = desk_of(Role.AUTHOR)
    before = dump(database)
    reading = read(page, source="page", gazetteer=gazetteer(), month=NOVEMBER)[0]

    shown = desk.post(PASTE, page=page)

    assert shown.status_code == 200
    assert "Taken from the text. Nothing is saved yet" in shown.text
    for doubt in reading.doubts:
        assert f"{doubt[1:]}." in shown.text
    assert "There is a version 1 already" in shown.text
    assert dump(database) == before
    form = read_form(shown.text, "update")
    assert form["version"] == ["1"]
    del form["csrf_token"]
    assert desk.post("/admin/months/2022-11/KZ", **form, do="ready").status_code == 303
    with database.reading() as session:
        assert editorial.get(session, "KZ", NOVEMBER) == reading.update


def test_a_page_of_another_place_fills_that_place_s_form_and_says_so(desk_of):
    shown = desk_of(Role.AUTHOR).post(PASTE, page=TEXT, place="KZ")

    assert "The text is about Sudan, so this is its update, and not that of Kazakhstan." in shown.text
    assert 'action="/admin/months/2022-11/SD"' in shown.text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Paste the text of a page first"),
        ("Atlantis\n\nsank.", "No place was found in the first lines"),
        ("<html><body>Sudan</body></html>", "Is the source of a web page"),
        ('[{"place": "SD"}]', "needs a text in"),
    ],
)
def test_what_can_t_be_read_is_told_beside_the_field_and_stays_there(desk_of, database, text, error):
    desk = desk_of(Role.AUTHOR)
    before = dump(database)

    response = desk.post(PASTE, page=text)

    assert response.status_code == 400
    assert error in response.text
    assert 'aria-describedby="page-error"' in response.text
    assert f">\n{escape(text)}</textarea>" in response.text
    assert dump(database) == before


def test_a_text_of_another_month_is_doubted_and_taken_for_the_one_on_top(desk_of):
    shown = desk_of(Role.AUTHOR).post(PASTE, page=TEXT.replace("Sudan", "Sudan, October 2022"))

    assert "The month was taken to be November 2022, but the page says October 2022." in shown.text
