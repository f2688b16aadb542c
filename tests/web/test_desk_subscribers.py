"""Subscribers at the desk: found, looked at, added, changed, suppressed, ended, erased, given out."""

from __future__ import annotations

import csv
import io
import logging
import re

import pytest
from sqlalchemy import select

from newsletter.domain.role import Role
from newsletter.domain.states import SuppressionReason
from newsletter.jobs.growth import count_growth
from newsletter.services import suppressions
from newsletter.storage.tables import AuditEvent, Consent, Notice, Subscriber
from tests.readers import add_readers
from tests.web.conftest import BASE_URL, START


@pytest.fixture
def desk(desk_of):
    return desk_of(Role.SENDER)


@pytest.fixture
def events(database):
    """What the audit log has noted: act and subject."""

    def find():
        with database.reading() as session:
            rows = session.execute(select(AuditEvent.act, AuditEvent.subject).order_by(AuditEvent.id))
            return [tuple(row) for row in rows if row.act.startswith(("subscriber", "import"))]

    return find


def listed(page):
    return re.findall(r'class="address" href="/admin/subscribers/\d+">([^<]+)<', page)


def search(desk, **typed):
    """The page that a search leads to."""
    response = desk.post("/admin/subscribers/search", **typed)
    assert response.status_code == 303, response.text
    return desk.get(response.headers["Location"]).text


def test_the_newest_come_first_and_all_are_reached_page_by_page(desk, database):
    add_readers(database, 120, now=START)
    found, path = [], "/admin/subscribers"
    while path:
        page = desk.get(path).text
        found += listed(page)
        more = re.search(r'href="([^"]+)">Next page', page)
        path = more[1].replace("&amp;", "&") if more else None

    assert found == [f"reader{number}@example.org" for number in range(120, 0, -1)]
    assert "120 subscribers" in desk.get("/admin/subscribers").text


def test_a_whole_address_leads_to_its_owner(desk, sign_up):
    reader = sign_up("ada@example.org")

    response = desk.post("/admin/subscribers/search", written=" ADA@example.org ")

    assert response.headers["Location"] == f"/admin/subscribers/{reader.id}"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"written": "ad"}, ["ada@bücher.example", "ada@example.org", "adam@example.org"]),
        ({"written": "ada@"}, ["ada@bücher.example", "ada@example.org"]),
        ({"written": "@example.org"}, ["bert@example.org", "ada@example.org", "adam@example.org"]),
        ({"written": "AD", "state": "pending"}, ["adam@example.org"]),
        ({"written": "x"}, []),
        ({"follows": "SD"}, ["ada@example.org"]),
        ({"follows": "SD", "state": "pending"}, []),
        ({"state": "pending"}, ["adam@example.org"]),
        ({"since": "2022-12-01", "before": "2022-12-01"}, None),
        ({"before": "2022-11-30"}, []),
        ({"day": "ended", "since": "2022-12-01"}, []),
    ],
)
def test_a_search_finds_who_fits(desk, sign_up, typed, expected):
    sign_up("adam@example.org", ("KZ",), confirm=False)
    sign_up("ada@example.org", ("KZ", "SD"))
    sign_up("ada@bücher.example", ("KZ",))
    sign_up("bert@example.org", ("ET",))
    everybody = ["bert@example.org", "ada@bücher.example", "ada@example.org", "adam@example.org"]

    found = listed(search(desk, **typed))

    assert sorted(found) == sorted(everybody if expected is None else expected)


def test_no_address_gets_into_a_link_or_a_log(desk, sign_up, caplog):
    sign_up("ada@example.org")
    caplog.set_level(logging.DEBUG)

    response = desk.post("/admin/subscribers/search", written="ada@exam")
    page = desk.get(response.headers["Location"]).text

    assert listed(page) == ["ada@example.org"]
    assert "ada" not in response.headers["Location"]
    assert not any("ada@" in link for link in re.findall(r'href="([^"]*)"', page))
    assert "ada@" not in caplog.text


def test_what_can_not_be_looked_for_is_told_beside_its_field_and_stays(desk):
    page = desk.post("/admin/subscribers/search", written="ad", since="soon", follows="XX")

    assert page.status_code == 400
    assert "Write the day as YYYY-MM-DD" in page.text
    assert "Choose from the list" in page.text
    assert 'value="ad"' in page.text
    assert desk.get("/admin/subscribers?q=made-up").status_code == 400


def test_the_page_of_one_person_shows_what_happened_to_them(desk, sign_up):
    reader = sign_up("ada@example.org", ("KZ", "SD"))

    page = desk.get(f"/admin/subscribers/{reader.id}").text

    for told in ("ada@example.org", "Active", "Kazakhstan", "Sudan", "confirmed", "/confirm", "Welcome", "History"):
        assert told in page
    assert desk.get("/admin/subscribers/999").status_code == 404


def test_somebody_is_added_and_asked_by_mail(desk, database, events):
    form = {"email": "ada@example.org", "follow": "KZ", "consent": "by phone"}

    response = desk.post("/admin/subscribers/add", how="ask", **form)

    assert response.status_code == 303
    with database.reading() as session:
        ada = session.scalars(select(Subscriber)).one()
        assert ada.state == "pending"
        assert session.scalars(select(Notice.kind)).all() == ["confirmation"]
        assert session.scalars(select(Consent.text)).all() == ["by phone"]
        assert session.scalars(select(Consent.source)).all() == ["desk"]
    assert events() == [("subscriber.added", f"subscriber {ada.id}")]
    again = desk.post("/admin/subscribers/add", how="ask", **form)
    assert again.status_code == 400
    assert "This address is here already" in again.text


def test_somebody_is_added_at_once_where_the_proof_is_enough(desk, subscriber):
    response = desk.post(
        "/admin/subscribers/add", email="ada@example.org", follow="KZ", consent="paper form", how="at_once"
    )

    number = int(response.headers["Location"].rpartition("/")[2])
    assert (subscriber(number).state, subscriber(number).follows) == ("active", "KZ")


def test_without_a_word_on_the_consent_nobody_is_added_and_what_was_typed_stays(desk, database):
    page = desk.post("/admin/subscribers/add", email="ada@example.org", follow="KZ", how="at_once")

    assert page.status_code == 400
    assert "Say where and how they agreed" in page.text
    assert 'value="ada@example.org"' in page.text
    assert 'value="KZ" checked' in page.text
    with database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []


def test_who_is_suppressed_is_not_added(desk, database, settings):
    with database.writing() as session:
        reason = SuppressionReason.COMPLAINT
        suppressions.suppress(session, "ada@example.org", reason, tokens=settings.tokens, now=START)

    for how in ("ask", "at_once"):
        page = desk.post("/admin/subscribers/add", email="ada@example.org", follow="KZ", consent="x", how=how)
        assert "This address is suppressed" in page.text


def test_what_they_follow_is_changed_with_how_they_asked(desk, sign_up, subscriber, database, events):
    number = sign_up("ada@example.org", ("KZ",)).id
    path = f"/admin/subscribers/{number}/follow"

    assert 'value="KZ" checked' in desk.get(path).text
    assert "Say how they asked" in desk.post(path, follow="SD").text
    assert subscriber(number).follows == "KZ"
    assert desk.post(path, follow="SD", why="by mail").status_code == 303

    assert subscriber(number).follows == "SD"
    with database.reading() as session:
        last = session.scalars(select(Consent).order_by(Consent.id.desc())).first()
        assert (last.act, last.source, last.text) == ("changed", "desk", "by mail")
    assert events() == [("subscriber.changed", f"subscriber {number}")]


def test_an_address_is_suppressed_and_the_suppression_lifted(desk, sign_up, database, settings, events):
    reader = sign_up("ada@example.org")
    path = f"/admin/subscribers/{reader.id}"

    def is_suppressed():
        with database.reading() as session:
            return suppressions.is_suppressed(session, "ada@example.org", tokens=settings.tokens)

    desk.post(f"{path}/suppress")
    assert is_suppressed()
    assert "the desk suppressed it" in desk.get(path).text
    desk.post(f"{path}/lift")
    assert not is_suppressed()
    assert [act for act, _ in events()] == ["subscriber.suppressed", "subscriber.suppression_lifted"]


def test_a_subscription_is_ended_with_a_reason(desk, sign_up, subscriber):
    number = sign_up("ada@example.org").id

    assert "Say why" in desk.post(f"/admin/subscribers/{number}/end").text
    assert subscriber(number).state == "active"
    desk.post(f"/admin/subscribers/{number}/end", why="asked by mail")

    assert subscriber(number).state == "ended"
    assert "asked by mail" in desk.get(f"/admin/subscribers/{number}").text


def test_somebody_is_erased_once_the_word_is_typed(desk, sign_up, database, settings, events):
    number = sign_up("ada@example.org").id
    path = f"/admin/subscribers/{number}"

    wrong = desk.post(f"{path}/erase", word="yes")
    assert wrong.status_code == 400
    assert "Type erase to confirm" in wrong.text
    assert desk.post(f"{path}/erase", word="erase").status_code == 303

    assert desk.get(path).status_code == 404
    with database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
        assert suppressions.is_suppressed(session, "ada@example.org", tokens=settings.tokens)
    assert events() == [("subscriber.erased", f"subscriber {number}")]


def test_all_that_is_known_of_somebody_is_given_out(desk, sign_up, events):
    number = sign_up("ada@example.org").id

    response = desk.post(f"/admin/subscribers/{number}/export")

    assert response.json["subscriber"]["address"] == "ada@example.org"
    assert response.headers["Content-Disposition"] == f"attachment; filename=subscriber-{number}.json"
    assert events() == [("subscriber.exported", f"subscriber {number}")]


def test_all_subscribers_are_given_out_as_a_table_without_formulas(desk, sign_up, events):
    sign_up("=ada@example.org")
    sign_up("zoë@example.org", ("all",))

    response = desk.post("/admin/subscribers/export")

    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [(row["email"], row["follows"]) for row in rows] == [("'=ada@example.org", "KZ"), ("zoë@example.org", "all")]
    assert response.headers["Content-Disposition"] == "attachment; filename=subscribers-2022-12-01.csv"
    assert events() == [("subscribers.exported", "subscribers")]


def test_growth_is_drawn_and_told_in_a_table(desk, sign_up, database, clock):
    assert "Nothing is counted yet" in desk.get("/admin/subscribers/growth").text
    sign_up("ada@example.org")
    sign_up("bert@example.org")
    number = sign_up("eve@example.org").id
    desk.post(f"/admin/subscribers/{number}/end", why="asked")
    count_growth(database, now=clock())

    page = desk.get("/admin/subscribers/growth").text

    assert "<polyline" in page
    cells = re.findall(r'<td class="num" data-label="[^"]+">([^<]+)<', page)
    assert cells == ["3", "1", "2"]


def test_nothing_typed_by_a_reader_or_an_admin_is_run(desk, sign_up):
    number = sign_up("a'b@example.org").id
    hostile = "<script>alert(1)</script>"

    desk.post(f"/admin/subscribers/{number}/follow", follow="SD", why=hostile)
    page = desk.get(f"/admin/subscribers/{number}").text

    assert hostile not in page
    assert "&lt;script&gt;alert(1)" in page
    assert hostile not in desk.post("/admin/subscribers/search", written=hostile, since="x").text


@pytest.mark.parametrize("path", ["", "/add", "/growth", "/imports", "/1", "/1/follow", "/imports/1"])
def test_an_author_sees_no_subscribers(desk_of, path):
    author = desk_of(Role.AUTHOR)

    assert author.get(f"/admin/subscribers{path}").status_code == 403
    assert author.client.post(f"/admin/subscribers{path}", headers={"Referer": BASE_URL}).status_code in (400, 403, 405)


@pytest.mark.parametrize(
    "path",
    [
        "/admin/subscribers?after=10000000000000000000000",
        "/admin/subscribers?after=3000000000",
        "/admin/subscribers/3000000000",
        "/admin/subscribers/imports/3000000000",
        "/admin/people/10000000000000000000000",
        "/admin/audit?before=3000000000",
        "/admin/audit?subject=%00",
        "/admin/editions/2022-11/corrections/10000000000000000000000/mail",
    ],
)
def test_a_number_that_no_row_can_have_and_nul_are_answered(desk_of, path):
    assert desk_of(Role.OWNER).get(path).status_code in (200, 404)


@pytest.mark.parametrize("written", ["\U0010ffff", "ada\ud7ff", "a\0da"])
def test_letters_at_the_ends_of_unicode_are_looked_for(desk_of, written):
    assert desk_of(Role.OWNER).post("/admin/subscribers/search", written=written).status_code in (200, 303)
