"""The month's board: what it shows, and what its buttons do."""

from __future__ import annotations

import re

import pytest

from newsletter.domain.role import Role
from newsletter.domain.update import Trend
from newsletter.services import editorial
from tests.web.conftest import NOVEMBER, dump

PAGE = "/admin/months/2022-11"


def row_of(page, code):
    """One row of the board, without tags."""
    found = re.search(rf'<tr id="row-{code}">.*?</tr>', page, re.DOTALL)
    assert found, code
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_the_desk_s_months_lead_to_the_newest_that_has_work(desk_of):
    assert desk_of(Role.AUTHOR).get("/admin/months").location == PAGE


def test_each_place_has_its_state_its_last_month_and_this_one_in_words(desk_of):
    page = desk_of(Role.AUTHOR).get(PAGE).text

    kazakhstan, kashmir, sudan = (row_of(page, code) for code in ("KZ", "KASHMIR", "SD"))
    assert "Kazakhstan Ready Deteriorated Unchanged imported 1 Dec 2022, 09:00 UTC" in kazakhstan
    assert "Missing Unchanged none" in kashmir
    assert "Write the update of Kashmir" in kashmir
    assert "Conflict Risk Alert" in sudan
    assert "Left: 1 to write and 4 to review." in page


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("?state=missing", {"KASHMIR"}),
        ("?text=sudan", {"SD"}),
        ("?region=central-asia", {"KZ"}),
        ("?state=nonsense&order=nonsense", {"KZ", "SD", "ET", "ML", "KASHMIR"}),
        ("?order=name", {"KZ", "SD", "ET", "ML", "KASHMIR"}),
    ],
)
def test_the_address_narrows_and_sorts(desk_of, query, codes):
    page = desk_of(Role.AUTHOR).get(PAGE + query).text

    assert set(re.findall(r'<tr id="row-([A-Z-]+)">', page)) == codes


def test_ticked_places_are_carried_over_and_the_same_rows_come_back(desk_of, database):
    desk = desk_of(Role.AUTHOR)

    response = desk.post(f"{PAGE}/carry-over?state=missing", tick="KASHMIR")

    assert response.location == f"{PAGE}?state=missing"
    assert "1 draft was made as unchanged." in desk.get(PAGE).text
    with database.reading() as session:
        carried = editorial.get(session, "KASHMIR", NOVEMBER)
    assert (carried.trend, carried.state.value) == (Trend.UNCHANGED, "draft")
    assert carried.headline == "KASHMIR had a unchanged month."


def test_to_carry_over_nothing_is_told_beside_the_button(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    before = dump(database)

    response = desk.post(f"{PAGE}/carry-over", tick="ATLANTIS")

    assert response.status_code == 400
    assert "Tick at least one place that is missing" in response.text
    assert dump(database) == before


def test_ticked_drafts_are_ready_at_once_but_for_those_that_changed_meanwhile(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    desk.post(f"{PAGE}/carry-over", tick="KASHMIR")
    page = desk.get(PAGE).text
    assert 'value="KASHMIR 1"' in page
    assert desk.post(f"{PAGE}/ready-ticked", tick="KASHMIR").status_code == 400

    assert desk.post(f"{PAGE}/ready-ticked", tick=["KASHMIR 1", "KZ 77", "ATLANTIS 1"]).location == PAGE
    told = desk.get(PAGE).text
    assert "1 draft is ready. Changed since you looked, and left as they are: Kazakhstan." in told
    with database.reading() as session:
        assert editorial.get(session, "KASHMIR", NOVEMBER).state.value == "ready"


def test_who_marks_a_draft_as_ready_may_review_it_and_its_writer_may_not(desk_of):
    writer, marker = desk_of(Role.REVIEWER), desk_of(Role.SENDER)
    writer.post(f"{PAGE}/carry-over", tick="KASHMIR")
    marker.post(f"{PAGE}/ready", one="KASHMIR 1")

    assert writer.post(f"{PAGE}/reviewed", one="KASHMIR 2").status_code == 409
    assert marker.post(f"{PAGE}/reviewed", one="KASHMIR 2").status_code == 303


def test_a_draft_becomes_ready_by_its_author_and_reviewed_by_somebody_else(desk_of):
    author, reviewer = desk_of(Role.AUTHOR), desk_of(Role.REVIEWER)
    author.post(f"{PAGE}/carry-over", tick="KASHMIR")

    assert author.post(f"{PAGE}/ready", one="KASHMIR 1").location == f"{PAGE}#row-KASHMIR"
    assert "Mark as reviewed" not in author.get(PAGE).text
    assert author.post(f"{PAGE}/reviewed", one="KASHMIR 2").status_code == 403
    assert "Mark as reviewed : Kashmir" in row_of(reviewer.get(PAGE).text, "KASHMIR")
    assert reviewer.post(f"{PAGE}/reviewed", one="KASHMIR 2").status_code == 303
    assert "read by reviewer@example.org" in row_of(reviewer.get(PAGE).text, "KASHMIR")


def test_nobody_reviews_what_they_changed_last_or_what_changed_since_they_looked(desk_of):
    author, reviewer = desk_of(Role.AUTHOR), desk_of(Role.REVIEWER)
    reviewer.post(f"{PAGE}/carry-over", tick="KASHMIR")
    reviewer.post(f"{PAGE}/ready", one="KASHMIR 1")

    own = reviewer.post(f"{PAGE}/reviewed", one="KASHMIR 2")
    old = reviewer.post(f"{PAGE}/reviewed", one="KZ 9")
    ready_again = author.post(f"{PAGE}/ready", one="KASHMIR 1")

    assert own.status_code == old.status_code == ready_again.status_code == 409
    assert "You changed Kashmir last, so somebody else reviews it" in row_of(own.text, "KASHMIR")
    assert "Kazakhstan was changed since you read it; read it again" in row_of(old.text, "KZ")


@pytest.mark.parametrize("one", ["", "KZ", "KZ x", "XX 1", "KZ 99999999999999999999"])
def test_a_button_that_no_page_has_does_nothing(desk_of, database, one):
    desk = desk_of(Role.OWNER)
    before = dump(database)

    assert desk.post(f"{PAGE}/ready", one=one).status_code == 400
    assert dump(database) == before


def test_a_place_is_added_by_its_name(desk_of):
    desk = desk_of(Role.AUTHOR)

    assert desk.get(f"{PAGE}/add?place=france").location == f"{PAGE}/FR"
    unknown = desk.get(f"{PAGE}/add?place=Frannce")
    assert unknown.status_code == 400
    assert "No place is called “Frannce”. Did you mean France" in unknown.text
    assert 'value="Frannce"' in unknown.text


def test_a_frozen_month_has_no_buttons_and_says_what_a_correction_is(desk_of, approved, database):
    desk = desk_of(Role.OWNER)
    before = dump(database)

    page = desk.get(PAGE).text

    assert "The edition for November 2022 is approved, so its updates are frozen." in page
    assert "Take the edition back" in page
    for words in ("Mark as", "Carry over the ticked", "Add a place"):
        assert words not in page
    assert desk.post(f"{PAGE}/reviewed", one="KZ 1").status_code == 409
    assert desk.post(f"{PAGE}/carry-over", tick="KASHMIR").status_code == 409
    assert [row for row in dump(database) if row[0] == "country_update"] == [
        row for row in before if row[0] == "country_update"
    ]


def test_a_month_to_come_has_all_places_still_to_be_written(desk_of):
    page = desk_of(Role.AUTHOR).get("/admin/months/2022-12").text

    assert "Left: 5 to write." in page


def test_a_place_that_somebody_types_in_says_so(desk_of):
    author, reviewer = desk_of(Role.AUTHOR), desk_of(Role.REVIEWER)
    author.post(f"{PAGE}/KZ/unsaved", headline="half a", version="1")

    assert "author@example.org is typing here" in row_of(reviewer.get(PAGE).text, "KZ")
    assert "is typing here" not in author.get(PAGE).text
