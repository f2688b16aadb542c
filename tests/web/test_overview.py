"""The overview: written at the desk, and shown in the archive."""

from __future__ import annotations

import re

import pytest

from newsletter.domain.role import Role
from newsletter.services import editions
from tests.web.conftest import NOVEMBER, START, dump

PAGE = "/admin/editions/2022-11"
TEXT = "A month of *talks*.\r\n\r\nAnd of <b>more</b>."
LABEL = "The month as a whole"


@pytest.fixture
def draft(database):
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=START)


@pytest.fixture
def overview(database):
    """The overview as it is stored."""

    def read():
        with database.reading() as session:
            return editions.get(session, NOVEMBER).overview

    return read


def test_a_reviewer_writes_it_and_it_is_in_the_archive_once_approved(draft, desk_of, client, overview):
    desk = desk_of(Role.REVIEWER)
    assert LABEL in desk.get(PAGE).text

    assert desk.post(f"{PAGE}/overview", overview=TEXT).location == PAGE

    assert overview() == "A month of *talks*.\n\nAnd of <b>more</b>."
    page = desk.get(PAGE).text
    assert "The overview is saved." in page
    assert "A month of *talks*.\n\nAnd of &lt;b&gt;more&lt;/b&gt;.</textarea>" in page
    assert client.get("/editions/2022-11").status_code == 404
    seen = re.findall(r'name="seen" value="([^"]+)"', desk.get(f"{PAGE}/checks").text)
    assert desk.post(f"{PAGE}/approve", seen=seen).status_code == 303
    assert (
        "<p>A month of <em>talks</em>.</p>\n<p>And of &lt;b&gt;more&lt;/b&gt;.</p>"
        in client.get("/editions/2022-11").text
    )
    page = desk.get(PAGE).text
    assert "<em>talks</em>" in page
    assert "<textarea" not in page


def test_an_empty_one_takes_it_away(draft, desk_of, overview):
    desk = desk_of(Role.REVIEWER)
    desk.post(f"{PAGE}/overview", overview=TEXT)

    assert desk.post(f"{PAGE}/overview", overview=" \r\n").status_code == 303

    assert overview() == ""
    assert "The edition has no overview now." in desk.get(PAGE).text


@pytest.mark.parametrize(
    ("typed", "words"),
    [("<i>x" * 2000, "has 8,000 characters; shorten it to 5,000 or fewer"), ("a\x1bb", "(U+001B); take")],
)
def test_what_can_not_be_taken_is_told_beside_the_field_and_stays_typed(draft, desk_of, database, typed, words):
    desk = desk_of(Role.REVIEWER)
    before = dump(database)

    response = desk.post(f"{PAGE}/overview", overview=typed)

    assert response.status_code == 400
    assert 'id="overview-error">The overview ' in response.text
    assert words in response.text
    assert f"{typed.replace('<', '&lt;').replace('>', '&gt;')}</textarea>" in response.text
    assert dump(database) == before


def test_what_was_typed_while_another_approved_is_not_lost(approved, desk_of, overview):
    response = desk_of(Role.OWNER).post(f"{PAGE}/overview", overview=TEXT)

    assert response.status_code == 409
    assert "The edition for 2022-11 is approved, and its overview can&#39;t be changed any more" in response.text
    assert "A month of *talks*." in response.text
    assert "Save the overview" not in response.text
    assert overview() == ""


def test_a_month_without_an_edition_gets_its_draft(desk_of, overview):
    assert desk_of(Role.REVIEWER).post(f"{PAGE}/overview", overview="One.").status_code == 303

    assert overview() == "One."


def test_an_author_reads_it_and_is_shown_no_field(draft, desk_of):
    desk_of(Role.REVIEWER).post(f"{PAGE}/overview", overview=TEXT)
    author = desk_of(Role.AUTHOR)

    page = author.get(PAGE).text
    assert "<em>talks</em>" in page
    assert "<textarea" not in page
    assert author.post(f"{PAGE}/overview", overview="Mine.").status_code == 403


def test_an_edition_without_one_has_no_room_for_it(approved, desk_of, client):
    assert "overview" not in desk_of(Role.OWNER).get(PAGE).text
    assert "overview" not in client.get("/editions/2022-11").text
