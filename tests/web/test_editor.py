"""The update editor: saved, refused, kept; two people at one update; versions; previews."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from newsletter.domain.formats.markdown import tidy
from newsletter.domain.role import Role
from newsletter.domain.update import Alert, UpdateState
from newsletter.services import audit, editorial
from newsletter.services.audit import Wanted
from tests.domain.formats.updates import updates
from tests.web.conftest import NOVEMBER, START, dump
from tests.web.forms import read_form
from tests.web.test_security import INJECTION

PAGE = "/admin/months/2022-11/KZ"


def form_of(page):
    return read_form(page.text, "update")


def open_form(desk, path=PAGE):
    response = desk.get(path)
    assert response.status_code == 200, response.text
    return form_of(response)


def send(desk, form, do, path=PAGE):
    form = {name: value for name, value in form.items() if name != "csrf_token"}
    return desk.post(path, **form, do=do)


def stored(database, place="KZ"):
    with database.reading() as session:
        row = editorial.find(session, place, NOVEMBER)
        return editorial.to_update(row), row.version


def events(database):
    with database.reading() as session:
        return [(each.act, each.subject, each.detail) for each in audit.page(session, Wanted(), before=None, most=50)]


def test_what_is_saved_is_the_next_version_and_the_log_knows(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    before, _ = stored(database)

    response = send(desk, open_form(desk) | {"headline": "A new headline."}, "ready")

    assert response.status_code == 303
    assert stored(database) == (replace(before, headline="A new headline."), 2)
    assert events(database)[0] == ("update.saved", "update 2022-11 KZ", "version 2, ready")
    page = desk.get(PAGE).text
    assert "Kazakhstan is saved, and ready for the edition." in page
    assert "Version 2, saved by author@example.org on 1 Dec 2022, 09:00 UTC." in page


def test_saving_without_a_change_changes_nothing(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    form = open_form(desk)
    before = dump(database)

    assert send(desk, form, "ready").status_code == 303
    assert dump(database) == before


@pytest.fixture
def owner(desk_of):
    return desk_of(Role.OWNER)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(update=updates)
def test_the_page_s_form_gives_back_any_update(owner, database, update):
    path = "/admin/months/2022-11/FR"
    update = replace(tidy(update), place="FR", month=NOVEMBER, state=UpdateState.READY)
    with database.writing() as session:
        editorial.store(session, update, now=START)
    before = stored(database, "FR")

    assert send(owner, open_form(owner, path), "ready", path).status_code == 303

    assert stored(database, "FR") == before


def test_a_new_update_is_written_from_an_empty_form(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    path = "/admin/months/2022-11/FR"
    form = open_form(desk, path)
    assert form["version"] == ["0"]
    assert form["development-lead"] == [""]

    form |= {
        "trend": "improved",
        "alerts": ["conflict_risk"],
        "headline": "Strikes\r\nended.",
        "development-lead": ["", "A deal was struck."],
        "development-text": ["", "It holds."],
        "quote-words": ["Good."],
        "quote-outlet": ["The Courier"],
        "quote-date": ["2022-11-07"],
        "quote-person": [""],
        "quote-role": [""],
    }
    assert send(desk, form, "draft", path).status_code == 303

    update, version = stored(database, "FR")
    assert (update.headline, version, update.state) == ("Strikes ended.", 1, UpdateState.DRAFT)
    assert [each.lead for each in update.developments] == ["A deal was struck."]
    assert update.alerts == (Alert.CONFLICT_RISK,)
    assert update.quotes[0].person is None


def test_all_that_is_wrong_stands_beside_its_field_and_what_was_typed_stays(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    form = open_form(desk) | {"headline": " ", "link-url": "example.org", "link-date": "9 November"}
    form["development-text"] = ["  My words, not to be lost.  "]
    before = dump(database)

    response = send(desk, form, "ready")

    assert response.status_code == 400
    assert dump(database) == before
    for field, words in (
        ("headline", "Write a headline"),
        ("link-1-url", "Write a whole address, with https:// at its beginning"),
        ("link-1-date", "Write the day, as YYYY-MM-DD"),
    ):
        assert f'<p class="error" id="{field}-error">{words}</p>' in response.text
        assert f'<a href="#{field}">' in response.text
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', response.text) or re.search(
            rf'id="{field}"[^>]*aria-describedby="[^"]*{field}-error"', response.text
        )
    kept = form_of(response)
    assert kept["development-text"] == form["development-text"]
    assert kept["link-url"] == ["example.org"]
    assert kept["version"] == ["1"]


def test_rows_are_added_moved_and_taken_away_without_saving(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    before = dump(database)

    form = form_of(send(desk, open_form(desk), "add-development"))
    assert form["development-lead"] == ["Talks were held.", ""]
    form["development-lead"][1] = "Second."
    form = form_of(send(desk, form, "up-development-2"))
    assert form["development-lead"] == ["Second.", "Talks were held."]
    form = form_of(send(desk, form, "remove-development-1"))
    assert form["development-lead"] == ["Talks were held."]

    assert send(desk, form, "explode").status_code == 400
    assert dump(database) == before


def test_of_two_editors_the_second_sees_both_and_saves_on_top(desk_of, database):
    ada, ben = desk_of(Role.AUTHOR), desk_of(Role.REVIEWER)
    hers, his = open_form(ada), open_form(ben)
    assert send(ada, hers | {"headline": "Ada was here first."}, "ready").status_code == 303

    clash = send(ben, his | {"headline": "Ben was here second.", "development-text": ["And he wrote this."]}, "ready")

    assert clash.status_code == 409
    assert "author@example.org saved this on 1 Dec 2022, 09:00 UTC, while you were writing" in clash.text
    assert stored(database)[0].headline == "Ada was here first."
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", clash.text))
    assert "only theirs: [−Ada−]" in page
    assert "only yours: {+Ben+}" in page
    form = form_of(clash)
    assert form["headline"] == ["Ben was here second."]
    assert form["development-text"] == ["And he wrote this."]
    assert form["version"] == ["2"]

    assert send(ben, form | {"headline": "Ada and Ben were here."}, "ready").status_code == 303
    assert (stored(database)[0].headline, stored(database)[1]) == ("Ada and Ben were here.", 3)
    history = ben.get(f"{PAGE}/history").text
    assert "author@example.org" in history
    assert "reviewer@example.org" in history


def test_after_a_clash_a_closed_window_loses_nothing(desk_of):
    ada, ben = desk_of(Role.AUTHOR), desk_of(Role.REVIEWER)
    his = open_form(ben)
    send(ada, open_form(ada) | {"headline": "First."}, "ready")
    send(ben, his | {"headline": "Second."}, "ready")

    page = ben.get(PAGE)

    assert form_of(page)["headline"] == ["First."]
    assert "You have unsaved changes from 1 Dec 2022, 09:00 UTC" in page.text
    assert form_of(ben.get(f"{PAGE}?unsaved=1"))["headline"] == ["Second."]


def test_two_who_begin_the_same_update_are_told_apart(desk_of, database):
    ada, ben = desk_of(Role.AUTHOR), desk_of(Role.REVIEWER)
    path = "/admin/months/2022-11/FR"
    forms = [open_form(each, path) for each in (ada, ben)]
    filled = {"trend": "improved", "headline": "Strikes.", "development-lead": ["They began."]}

    assert send(ada, forms[0] | filled, "draft", path).status_code == 303
    assert send(ben, forms[1] | filled | {"headline": "Other."}, "draft", path).status_code == 409
    assert stored(database, "FR")[0].headline == "Strikes."


def test_what_is_typed_is_kept_offered_back_and_thrown_away(desk_of, clock):
    desk = desk_of(Role.AUTHOR)
    form = open_form(desk) | {"headline": "Half a senten", "link-date": "x"}
    told = desk.post(f"{PAGE}/unsaved", **{name: value for name, value in form.items() if name != "csrf_token"})
    assert told.json == {"kept_at": "1 Dec 2022, 09:00 UTC", "is_newest": True, "saved_by": "an import"}

    clock.pass_by(timedelta(hours=5))
    offer = desk.get(PAGE)
    assert "You have unsaved changes from 1 Dec 2022, 09:00 UTC" in offer.text
    assert form_of(offer)["headline"] != ["Half a senten"]
    taken = form_of(desk.get(f"{PAGE}?unsaved=1"))
    assert (taken["headline"], taken["link-date"]) == (["Half a senten"], ["x"])

    assert desk.post(f"{PAGE}/unsaved/discard").status_code == 303
    assert "You have unsaved changes" not in desk.get(PAGE).text


def test_saving_ends_what_was_unsaved(desk_of):
    desk = desk_of(Role.AUTHOR)
    form = open_form(desk) | {"headline": "Whole."}
    desk.post(f"{PAGE}/unsaved", headline="Half.", version="1")

    send(desk, form, "ready")

    assert "You have unsaved changes" not in desk.get(PAGE).text


def test_whoever_is_at_work_is_named_to_the_others_and_told_when_a_newer_version_comes(desk_of):
    ada, ben = desk_of(Role.AUTHOR), desk_of(Role.REVIEWER)
    his = open_form(ben)
    ada.post(f"{PAGE}/unsaved", headline="Half.", version="1")
    assert "author@example.org is working on this, too" in ben.get(PAGE).text
    assert "is working on this, too" not in ada.get(PAGE).text

    send(ben, his | {"headline": "Second."}, "ready")
    told = ada.post(f"{PAGE}/unsaved", headline="Half a.", version="1").json

    assert (told["is_newest"], told["saved_by"]) == (False, "reviewer@example.org")


def test_an_earlier_version_is_compared_and_brought_back_as_a_draft(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    before, _ = stored(database)
    send(desk, open_form(desk) | {"headline": "Worse."}, "ready")

    page = desk.get(f"{PAGE}/history")
    assert "From version 1 to version 2" in page.text
    assert "Worse." in page.text
    assert desk.post(f"{PAGE}/restore", number="1", version="1").status_code == 409
    assert desk.post(f"{PAGE}/restore", number="1", version="2").status_code == 303

    assert stored(database) == (replace(before, state=UpdateState.DRAFT), 3)
    assert desk.post(f"{PAGE}/restore", number="x", version="3").status_code == 400
    assert desk.get("/admin/months/2022-11/FR/history").status_code == 200


def test_last_month_stands_beside_it_with_the_differences_marked_in_words(desk_of):
    desk = desk_of(Role.AUTHOR)
    page = desk.get(PAGE).text

    assert "Beside October 2022" in page
    assert re.search(r"<del><span class=\"aside\">taken out: </span>.*Deteriorated", page)
    typed = open_form(desk) | {"headline": "Quite another thing."}
    fragment = desk.post(f"{PAGE}/compare", **{name: value for name, value in typed.items() if name != "csrf_token"})
    assert "Quite another thing." in fragment.text
    assert "<html" not in fragment.text


@pytest.mark.parametrize(
    ("part", "words"),
    [("page", "Typed and not saved."), ("mail", "Typed and not saved."), ("text", "Typed and not saved.")],
)
def test_a_preview_shows_what_is_typed_in_the_true_form_and_keeps_nothing(desk_of, database, part, words):
    desk = desk_of(Role.AUTHOR)
    form = open_form(desk) | {"headline": words, "part": part}
    before = dump(database)

    response = desk.post(f"{PAGE}/preview", **{name: value for name, value in form.items() if name != "csrf_token"})

    assert response.status_code == 200
    assert words in response.text
    assert "<script" not in response.text
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox;")
    assert "frame-ancestors 'self'" in policy
    assert dump(database) == before


def test_a_preview_leaves_out_rows_that_are_half_typed_and_says_what_it_can_t_do_without(desk_of):
    desk = desk_of(Role.AUTHOR)
    form = {name: value for name, value in open_form(desk).items() if name != "csrf_token"}

    half = desk.post(f"{PAGE}/preview", **form | {"link-date": "", "part": "page"})
    assert "After the vote" not in half.text
    assert "Talks were held." in half.text
    nothing = desk.post(f"{PAGE}/preview", part="mail", version="1")
    assert nothing.status_code == 200
    assert "Write a headline" in nothing.text
    assert desk.post(f"{PAGE}/preview", **form, part="pdf").status_code == 400


@pytest.mark.parametrize("part", ["page", "mail", "text"])
def test_what_is_typed_is_text_wherever_it_is_shown(desk_of, part):
    desk = desk_of(Role.AUTHOR)
    form = {name: [INJECTION] * len(value) for name, value in open_form(desk).items() if "-" in name}
    form |= {"headline": INJECTION, "trend": "improved", "version": "1", "quote-date": "2022-11-01"}
    form |= {"link-date": "2022-11-01", "link-url": "https://example.org/"}

    shown = desk.post(f"{PAGE}/preview", **form, part=part).text
    saved = desk.post(PAGE, **form, do="ready")
    pages = [shown, desk.get(PAGE).text, desk.get("/admin/months/2022-11").text, desk.get(f"{PAGE}/history").text]

    assert saved.status_code == 303
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "60481729" not in page


def test_a_frozen_update_is_shown_and_not_changed(desk_of, approved, database):
    desk = desk_of(Role.OWNER)
    page = desk.get(PAGE)
    before = dump(database)

    response = send(desk, form_of(page) | {"headline": "Behind your back."}, "ready")

    assert "The edition for November 2022 is approved, so its updates are frozen." in page.text
    assert "Save" not in re.sub(r"<[^>]+>", "", page.text)
    assert response.status_code == 409
    assert "Behind your back." in response.text
    assert "Behind your back." in str([row for row in dump(database) if row[0] == "unsaved_update"])
    assert [row for row in dump(database) if row[0] in ("country_update", "update_version")] == [
        row for row in before if row[0] in ("country_update", "update_version")
    ]


def test_a_place_by_another_name_leads_to_its_form_and_none_to_no_page(desk_of):
    desk = desk_of(Role.AUTHOR)

    assert desk.get("/admin/months/2022-11/kazakhstan").location == PAGE
    assert desk.get("/admin/months/2022-11/ATLANTIS").status_code == 404


def test_to_look_at_a_form_changes_nothing(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    before = dump(database)

    for path in (PAGE, f"{PAGE}?unsaved=1", f"{PAGE}/history", "/admin/months/2022-11/FR", "/admin/months/2022-11"):
        assert desk.get(path).status_code == 200
    assert dump(database) == before
