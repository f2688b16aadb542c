"""The desk before a release: checks that stop or ask, two people, a dry run, and a time to go."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.config.settings import Settings
from newsletter.domain.role import Role
from newsletter.domain.update import Trend
from newsletter.services import dry_run, editions, editorial, schedule
from newsletter.services.approval import Approval
from newsletter.services.checks.fetching import Fetcher
from newsletter.storage.tables import AuditEvent, Delivery, Edition
from newsletter.web.desk.checks import FETCHER
from tests.web.conftest import NOVEMBER, START, an_update, dump

PAGE = "/admin/editions/2022-11"


def row(database):
    with database.reading() as session:
        found = editions.get(session, NOVEMBER)
        session.expunge(found)
        return found


def ticks(desk):
    return re.findall(r'name="seen" value="([^"]+)"', desk.get(f"{PAGE}/checks").text)


def words(page):
    """A page's text, without tags and with single spaces."""
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def acts(database):
    with database.reading() as session:
        return [tuple(each) for each in session.execute(select(AuditEvent.act, AuditEvent.detail))]


@pytest.mark.usefixtures("draft")
def test_each_finding_leads_to_where_it_is_mended(desk_of):
    page = desk_of(Role.REVIEWER).get(f"{PAGE}/checks").text

    assert "Kashmir had an update in October 2022, and has none now." in page
    assert re.search(r'href="[^"]*KASHMIR[^"]*">Mend it', page)
    assert "0 errors" in page


@pytest.mark.usefixtures("draft")
def test_nothing_is_approved_before_all_that_asks_is_ticked_and_ticks_stay(desk_of, database):
    desk = desk_of(Role.REVIEWER)
    seen = ticks(desk)
    assert len(seen) > 1

    refused = desk.post(f"{PAGE}/approve", seen=seen[:1])

    assert refused.status_code == 400
    assert "Tick each warning below once you have read it." in refused.text
    assert refused.text.count('aria-invalid="true"') == len(seen) - 1
    assert f'value="{seen[0]}" checked' in refused.text
    assert row(database).state == "draft"

    assert desk.post(f"{PAGE}/approve", seen=seen).status_code == 303
    assert row(database).state == "approved"
    assert any(act == "edition.approved" and "Places missing: 1 seen" in detail for act, detail in acts(database))


@pytest.mark.usefixtures("draft")
def test_what_was_ticked_is_asked_again_when_something_was_added(desk_of, database):
    desk = desk_of(Role.REVIEWER)
    seen = ticks(desk)
    with database.writing() as session:
        editorial.store(session, an_update("NE", NOVEMBER.previous, Trend.UNCHANGED), now=START)

    assert desk.post(f"{PAGE}/approve", seen=seen).status_code == 400
    assert row(database).state == "draft"


@pytest.mark.usefixtures("draft")
def test_an_error_stops_the_approval_and_leaves_no_button(desk_of, database):
    with database.writing() as session:
        editions.set_overview(session, NOVEMBER, "See [us](about.html).", now=START)
    desk = desk_of(Role.REVIEWER)

    page = desk.get(f"{PAGE}/checks").text
    assert "is no whole address; write it with https://." in page
    assert "Approve November 2022" not in page
    refused = desk.post(f"{PAGE}/approve", seen=ticks(desk))
    assert refused.status_code == 409
    assert "Mend the error first." in refused.text
    assert row(database).state == "draft"


@pytest.mark.usefixtures("draft")
def test_an_edition_is_shown_with_how_much_was_found(desk_of):
    assert re.search(r"The checks found 0 errors, \d+ warnings\.", desk_of(Role.AUTHOR).get(PAGE).text)


@pytest.fixture
def takes_two(settings: Settings) -> Settings:
    """It takes two people to approve an edition."""
    return replace(settings, approval=Approval.TWO)


class TestWhereItTakesTwo:
    """An edition is proposed by one and approved by another."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, approval=Approval.TWO)

    @pytest.mark.usefixtures("draft")
    def test_the_one_who_proposes_can_not_approve_and_another_one_can(self, desk_of, database):
        reviewer, owner = desk_of(Role.REVIEWER), desk_of(Role.OWNER)
        assert "Propose November 2022" in reviewer.get(f"{PAGE}/checks").text
        assert ticks(reviewer) == []

        assert reviewer.post(f"{PAGE}/propose").status_code == 303
        page = reviewer.get(f"{PAGE}/checks").text
        assert "It takes two: somebody else approves it." in page
        assert "Approve November 2022" not in page

        seen = ticks(owner)
        assert reviewer.post(f"{PAGE}/approve", seen=seen).status_code == 409
        assert row(database).state == "draft"
        assert owner.post(f"{PAGE}/approve", seen=seen).status_code == 303
        assert (row(database).approved_by, row(database).proposed_by) == ("owner@example.org", "reviewer@example.org")


def test_what_is_approved_goes_back_to_draft_and_needs_a_new_approval(desk_of, database, approved):
    desk = desk_of(Role.OWNER)
    assert "Take back, to change it" in desk.get(f"{PAGE}/release").text

    assert desk.post(f"{PAGE}/take-back").status_code == 303

    assert row(database).state == "draft"
    assert desk.post(f"{PAGE}/send", month="2022-11").status_code == 409
    assert desk.get("/editions/2022-11").status_code == 404


@pytest.mark.parametrize("act", ["approve", "propose", "take-back", "overview"])
def test_while_it_is_sent_it_is_not_edited(desk_of, database, sign_up, approved, act):
    sign_up()
    desk = desk_of(Role.OWNER)
    desk.post(f"{PAGE}/send", month="2022-11")
    before = dump(database)

    refused = desk.post(f"{PAGE}/{act}", overview="Another one.")

    assert refused.status_code == 409
    assert "2022-11 is sending" in refused.text
    assert dump(database) == before


def test_send_pressed_fifty_times_at_once_sends_once(app, desk_of, database, sign_up, approved):
    for name in "abc":
        sign_up(f"{name}@example.org")
    desk = desk_of(Role.SENDER)
    token = desk.csrf()
    cookies = desk.client._cookies

    def press(_: int) -> int:
        client = app.test_client()
        client._cookies.update(cookies)
        client.environ_base["wsgi.url_scheme"] = "https"
        form = {"csrf_token": token, "month": "2022-11"}
        return client.post(f"{PAGE}/send", data=form, headers={"Referer": "https://updates.example.org"}).status_code

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(press, range(50)))

    # One that had to wait too long for the others is told to try again.
    assert set(statuses) <= {303, 503}
    assert 303 in statuses
    with database.reading() as session:
        assert len(session.scalars(select(Delivery)).all()) == 3
        assert session.scalars(select(Edition)).one().state == "sending"


def test_a_dry_run_tells_who_gets_it_and_how_long_it_takes(desk_of, sign_up, approved):
    sign_up("a@example.org", ("KZ",))
    sign_up("b@example.org", ("all",))
    sign_up("c@example.org", ("FR",))

    page = words(desk_of(Role.SENDER).get(f"{PAGE}/release").text)

    assert "As things stand now." in page
    assert "Get it 2 readers Skipped 1 follow nothing that is in it" in page
    assert "not known: no rate is set, and nothing was sent yet" in page
    assert "Readers by what they follow 1 place 1" in page


@pytest.mark.usefixtures("draft")
def test_a_dry_run_of_a_draft_is_made_on_request_and_kept(desk_of, sign_up, database, clock):
    sign_up("a@example.org", ("KZ",))
    desk = desk_of(Role.REVIEWER)
    assert "Make a dry run" in desk.get(f"{PAGE}/release").text

    assert desk.post(f"{PAGE}/dry-run").status_code == 303

    clock.pass_by(timedelta(hours=1))
    page = words(desk.get(f"{PAGE}/release").text)
    assert "Made on 1 Dec 2022, 09:00 UTC." in page
    assert "Get it 1 reader" in page


def test_with_many_subscribers_no_page_looks_at_them(desk_of, sign_up, approved, monkeypatch):
    sign_up("a@example.org", ("KZ",))
    monkeypatch.setattr(dry_run, "LIVE", 0)
    desk = desk_of(Role.SENDER)

    assert "A dry run</a> says how many these are" in desk.get(f"{PAGE}/send").text
    assert desk.post(f"{PAGE}/dry-run").status_code == 303
    assert "<b>1</b> reader gets this edition." in desk.get(f"{PAGE}/send").text


def test_an_edition_is_put_off_by_the_organisations_clock_and_called_off(desk_of, database, approved):
    desk = desk_of(Role.SENDER)

    last = desk.get(f"{PAGE}/send?when=time&at=2022-12-05T09:30").text
    assert "It begins on <b>5 Dec 2022, 09:30 UTC</b>, by itself." in last
    assert desk.post(f"{PAGE}/send", month="no", when="time", at="2022-12-05T09:30").status_code == 400
    assert row(database).send_at is None
    assert desk.post(f"{PAGE}/send", month="2022-11", when="time", at="2022-12-05T09:30").status_code == 303
    assert row(database).state == "approved"
    assert f"{row(database).send_at:%d %H:%M}" == "05 09:30"
    assert "5 Dec 2022, 09:30 UTC" in desk.get(PAGE).text

    assert desk.post(f"{PAGE}/call-off").status_code == 303
    assert row(database).send_at is None
    assert [act for act, _ in acts(database)][-2:] == ["edition.put_off", "edition.called_off"]


@pytest.mark.parametrize(
    ("at", "told"),
    [("2022-11-05T09:30", "This time is over"), ("", "Write day and time"), ("<b>", "Write day and time")],
)
def test_a_time_that_can_not_be_taken_is_told_beside_its_field_and_stays(desk_of, database, approved, at, told):
    desk = desk_of(Role.SENDER)

    for response in (
        desk.get(f"{PAGE}/send?when=time&at={at}"),
        desk.post(f"{PAGE}/send", month="2022-11", when="time", at=at),
    ):
        assert response.status_code == 400
        assert re.search(rf'id="at-error">{told}', response.text)
        assert f'value="{at.replace("<", "&lt;").replace(">", "&gt;")}"' in response.text
        assert "<b>" not in response.text.partition("</main>")[0].partition('id="when-title"')[2]
    assert row(database).state == "approved"


def test_an_edition_can_wait_for_the_schedule(desk_of, database, approved, clock):
    clock.pass_by(-timedelta(hours=2))
    desk = desk_of(Role.SENDER)

    assert "by the schedule, on 1 Dec 2022, 09:00 UTC" in desk.get(f"{PAGE}/release").text
    assert desk.post(f"{PAGE}/send", month="2022-11", when="schedule").status_code == 303

    assert row(database).send_at == START
    with database.writing() as session:
        assert [each.month for each in schedule.start_due(session, within=timedelta(hours=1), now=START)] == ["2022-11"]


def test_a_schedule_that_is_over_is_not_offered(desk_of, approved):
    desk = desk_of(Role.SENDER)

    assert 'value="schedule"' not in desk.get(f"{PAGE}/release").text
    assert desk.get(f"{PAGE}/send?when=schedule").status_code == 400


def test_links_are_asked_on_request_and_what_came_back_is_shown(app, desk_of, database, draft):
    app.extensions[FETCHER] = Fetcher(may_ask=lambda _: False)
    desk = desk_of(Role.REVIEWER)
    assert "Nobody has asked them yet." in desk.get(f"{PAGE}/checks").text

    assert desk.post(f"{PAGE}/checks/links").status_code == 303

    page = desk.get(f"{PAGE}/checks").text
    assert "1 link was asked on 1 Dec 2022, 09:00 UTC: 1 did not answer." in page
    assert "Kazakhstan, link 1: https://example.org/vote has a name that is for examples" in page
