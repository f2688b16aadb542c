"""The audit log, looked through and taken along."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest

from newsletter.domain.role import Role
from newsletter.services import audit
from newsletter.services.audit import Actor
from tests.web.conftest import START

EVENTS = 120


@pytest.fixture
def desk(desk_of, database):
    """An owner's; the log holds 120 events, two an hour, before their login."""
    with database.writing() as session:
        for number in range(EVENTS):
            actor = Actor("ed@example.org", "192.0.2.7") if number % 3 else audit.SCHEDULE
            act = "edition.sent" if number % 2 else "update.saved"
            at = START - timedelta(minutes=30 * (EVENTS - number))
            audit.record(session, actor, act, f"edition 2022-{number % 12 + 1:02}", f"number {number}", now=at)
            session.flush()
    return desk_of(Role.OWNER)


def numbers(page):
    return [int(each) for each in re.findall(r"number (\d+)", page)]


def test_the_newest_come_first_and_older_ones_by_a_link(desk):
    seen, path = [], "/admin/audit"
    while path:
        page = desk.get(path).text
        seen += numbers(page)
        found = re.search(r'<a rel="next" href="([^"]+)"', page)
        path = found and found[1].replace("&amp;", "&")

    assert seen == list(range(EVENTS))[::-1]


@pytest.mark.parametrize(
    ("query", "is_such"),
    [
        ("actor=schedule", lambda number: number % 3 == 0),
        ("act=edition.sent", lambda number: number % 2 == 1),
        ("subject=edition+2022-03", lambda number: number % 12 == 2),
        ("actor=ed%40example.org&act=update.saved", lambda number: number % 3 and number % 2 == 0),
        ("since=2022-12-01", lambda number: number >= EVENTS - 18),
        ("until=2022-11-29", lambda number: number < EVENTS - 66),
        ("since=2022-11-30&until=2022-11-30", lambda number: EVENTS - 66 <= number < EVENTS - 18),
        ("actor=nobody", lambda _: False),
    ],
)
def test_the_log_is_filtered_on_the_page_and_in_what_is_taken_along(desk, query, is_such):
    expected = [number for number in range(EVENTS) if is_such(number)][::-1]

    page = desk.get(f"/admin/audit?{query}")
    assert page.status_code == 200
    assert numbers(page.text) == expected[:50]
    assert ("No event is like that" in page.text) is (not expected)
    assert numbers(desk.get(f"/admin/audit.csv?{query}").text) == expected
    assert [
        numbers(each["detail"])[0] for each in desk.get(f"/admin/audit.json?{query}").json if each["act"] != "login"
    ] == expected


@pytest.mark.parametrize("typed", ["yesterday", "2022-02-30", "9999-12-31", "x" * 999])
def test_a_day_that_is_none_is_told_beside_its_field(desk, typed):
    response = desk.client.get("/admin/audit", query_string={"until": typed})

    assert response.status_code == 400
    assert "Write the day as YYYY-MM-DD" in response.text
    assert f'value="{typed[:320]}"' in response.text
    assert desk.client.get("/admin/audit.csv", query_string={"until": typed}).status_code == 400


def test_what_is_taken_along_says_all_that_is_known(desk):
    as_csv = desk.get("/admin/audit.csv")
    assert as_csv.headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    assert as_csv.mimetype == "text/csv"
    login, newest, *_, oldest = csv.DictReader(io.StringIO(as_csv.text, newline=""))
    assert (login["act"], login["actor"]) == ("login", "owner@example.org")
    assert newest == {
        "at": "2022-12-01T08:30:00Z",
        "actor": "ed@example.org",
        "act": "edition.sent",
        "subject": "edition 2022-12",
        "ip": "192.0.2.7",
        "detail": "number 119",
    }
    assert (oldest["actor"], oldest["ip"]) == ("schedule", "")

    as_json = json.loads(desk.get("/admin/audit.json").text)
    assert len(as_json) == EVENTS + 1
    assert as_json[1] == newest


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_no_formula(desk, database, cell):
    with database.writing() as session:
        audit.record(session, Actor(cell), cell, cell, cell, now=START + timedelta(days=1))

    first = next(csv.DictReader(io.StringIO(desk.get("/admin/audit.csv").text, newline="")))
    for name in ("actor", "act", "subject", "detail"):
        assert first[name] == f"'{cell}", name
    assert desk.get("/admin/audit.json").json[0]["detail"] == cell


def test_what_is_hostile_in_the_log_is_shown_as_text(desk, database):
    words = '<script>alert(1)</script>"{{ 7 * 7 }}'
    with database.writing() as session:
        audit.record(session, Actor(words), words[:40], words, words, now=START + timedelta(days=1))

    page = desk.client.get("/admin/audit", query_string={"actor": words, "act": words, "subject": words}).text
    assert "<script>alert" not in page
    assert "<script>alert" not in desk.get("/admin/audit").text
    assert "49" not in re.findall(r"<td>(.*?)</td>", desk.get("/admin/audit").text)[0]


def test_an_empty_log_has_a_page(desk_of):
    desk = desk_of(Role.OWNER)

    assert desk.get("/admin/audit?act=nothing").status_code == 200
    assert desk.get("/admin/audit.json?act=nothing").json == []
    assert desk.get("/admin/audit.csv?act=nothing").text == "at,actor,act,subject,ip,detail\r\n"
    assert desk.get("/admin/audit?before=x").status_code == 200
