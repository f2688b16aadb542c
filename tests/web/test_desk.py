"""The desk: who may do what, and an edition on its way."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from newsletter.domain.role import Act, Role, may
from newsletter.domain.states import DeliveryState
from newsletter.services import editions, guard
from newsletter.services.admin_sessions import LIFETIME as SESSION_LIFETIME
from newsletter.storage.home import home
from newsletter.storage.tables import Delivery, Edition, SendingGuard
from tests.readers import count_states
from tests.web.conftest import NOVEMBER, PASSWORD, START, dump
from tests.web.doors import OPEN, routes

PAGE = "/admin/editions/2022-11"


def state(database):
    with database.reading() as session:
        return editions.get(session, NOVEMBER).state


def test_a_wrong_password_is_told_beside_the_form_and_the_address_stays(desk_of):
    desk = desk_of(Role.OWNER)

    response = desk.log_in("owner@example.org", "let me in")

    assert response.status_code == 403
    assert "No admin has this address and password" in response.text
    assert 'value="owner@example.org"' in response.text
    assert "let me in" not in response.text


def test_a_login_lasts_twelve_hours_and_ends_on_both_sides(desk_of, clock):
    desk = desk_of(Role.AUTHOR)
    cookie = desk.client.get_cookie("newsletter_admin", path="/admin")
    assert (cookie.http_only, cookie.secure, cookie.same_site, cookie.path) == (True, True, "Lax", "/admin")

    assert desk.get("/admin/").status_code == 200
    clock.pass_by(SESSION_LIFETIME - timedelta(seconds=1))
    assert desk.get("/admin/").status_code == 200
    clock.pass_by(timedelta(seconds=1))
    assert desk.get("/admin/").status_code == 302


def test_a_logged_out_cookie_opens_nothing(desk_of):
    desk = desk_of(Role.AUTHOR)
    token = desk.client.get_cookie("newsletter_admin", path="/admin").value

    assert desk.post("/admin/logout").status_code == 303
    desk.client.set_cookie("newsletter_admin", token, path="/admin")
    assert desk.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("following", "leads_to"),
    [
        ("/admin/editions/2022-11", "/admin/editions/2022-11"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example/", "/admin/"),
        ("/admin/\\evil.example", "/admin/"),
        ("", "/admin/"),
    ],
)
def test_a_login_leads_back_into_the_desk_and_nowhere_else(desk_of, following, leads_to):
    desk = desk_of(Role.OWNER)

    response = desk.post("/admin/login", address="owner@example.org", password=PASSWORD, next=following)

    assert response.location.removesuffix("/") == leads_to.removesuffix("/")


def test_an_edition_goes_from_nothing_to_its_readers(desk_of, database, sign_up):
    sign_up("a@example.org", ("KZ",))
    sign_up("b@example.org", ("FR",))
    desk = desk_of(Role.OWNER)

    assert "Assemble November 2022" in desk.get("/admin/").text
    assert desk.post("/admin/editions", month="2022-11").location == PAGE
    draft = desk.get(PAGE)
    assert "Check and approve" in draft.text
    assert "Left out as drafts" not in draft.text
    seen = re.findall(r'name="seen" value="([^"]+)"', desk.get(f"{PAGE}/checks").text)
    assert desk.post(f"{PAGE}/approve", seen=seen).status_code == 303
    question = desk.get(f"{PAGE}/send").text
    assert "<b>1</b> reader gets this edition" in question
    assert "1 subscriber is skipped" in question

    assert desk.post(f"{PAGE}/send", month="2022-10").status_code == 400
    assert state(database) == "approved"
    for _ in range(3):
        assert desk.post(f"{PAGE}/send", month="2022-11").status_code == 303
    assert state(database) == "sending"
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert count_states(session, edition.id)[DeliveryState.PENDING] == 2
        assert (edition.approved_by, edition.send_started_by) == ("owner@example.org", "owner@example.org")


def test_an_edition_that_is_sent_shows_how_far_it_is_and_can_be_paused_resumed_cancelled(
    desk_of, database, sign_up, approved
):
    for name in ("a", "b", "c", "d"):
        sign_up(f"{name}@example.org")
    desk = desk_of(Role.SENDER)
    desk.post(f"{PAGE}/send", month="2022-11")
    with database.writing() as session:
        rows = session.query(Delivery).all()
        for row in rows[:3]:
            row.state = "sent"

    page = desk.get(PAGE).text
    assert '<progress max="4" value="3"' in page
    assert "75 %" in page
    assert 'http-equiv="refresh"' in page

    assert desk.post(f"{PAGE}/pause").status_code == 303
    paused = desk.get(PAGE).text
    assert "Paused by sender@example.org" in paused
    assert 'http-equiv="refresh"' not in paused
    assert desk.post(f"{PAGE}/resume").status_code == 303
    assert state(database) == "sending"

    refused = desk.post(f"{PAGE}/cancel", month="no")
    assert refused.status_code == 400
    assert "Type 2022-11 to confirm" in refused.text
    assert desk.post(f"{PAGE}/cancel", month="2022-11").status_code == 303
    assert state(database) == "cancelled"


@pytest.mark.parametrize("act", ["approve", "pause", "resume"])
def test_what_does_not_fit_the_state_is_refused_in_words(desk_of, approved, act):
    response = desk_of(Role.OWNER).post(f"{PAGE}/{act}")

    assert response.status_code == 409
    assert "The edition for 2022-11 is approved" in response.text


def test_a_month_that_is_none_is_refused_beside_its_field(desk_of, database):
    response = desk_of(Role.OWNER).post("/admin/editions", month="November")

    assert response.status_code == 400
    assert "Write the month as YYYY-MM" in response.text
    assert 'value="November"' in response.text
    with database.reading() as session:
        assert session.query(Edition).count() == 0


def test_an_edition_that_is_not_there_is_not_found(desk_of):
    desk = desk_of(Role.OWNER)

    assert desk.get("/admin/editions/2020-01").status_code == 404
    assert desk.post("/admin/editions/2020-01/approve").status_code == 404


def test_what_changed_since_last_month_is_named(desk_of, approved):
    page = desk_of(Role.AUTHOR).get(PAGE).text
    changes = page[page.index("Since October 2022") :]

    assert (
        changes.index("New alerts") < changes.index("Another trend") < changes.index("Had an update, and have none now")
    )
    assert "Kashmir" in changes


def test_an_author_is_shown_no_button_that_they_may_not_press(desk_of, approved):
    desk = desk_of(Role.AUTHOR)

    for path in ("/admin/", PAGE):
        page = desk.get(path).text
        assert "/send" not in page
        assert page.count("<form") == 1  # log out


def test_one_action_is_the_only_filled_button(desk_of, database, approved):
    with database.writing() as session:
        editions.ensure(session, NOVEMBER.previous, now=START)
    page = desk_of(Role.OWNER).get("/admin/").text

    assert page.count('class="button"') == 1
    assert may(Role.OWNER, Act.SEND)


def test_the_preview_shows_the_digest_of_one_subscriber(desk_of, sign_up, approved):
    sign_up("reader@example.org", ("KZ",))
    desk = desk_of(Role.SENDER)

    page = desk.get(f"{PAGE}/preview?as=reader@example.org").text
    assert page.count('<iframe sandbox=""') == 2
    assert "Kazakhstan" in page
    body = desk.get(f"{PAGE}/preview/body?as=reader@example.org")
    assert "KZ had a unchanged month." in body.text
    assert "SD had" not in body.text
    assert body.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_the_preview_shows_chosen_places_by_code_or_name_in_each_part(desk_of, approved):
    desk = desk_of(Role.AUTHOR)

    text = desk.get(f"{PAGE}/preview?places=kz, Sudan&part=text").text
    assert "KZ had a unchanged month." in text
    assert "SD had a deteriorated month." in text
    assert "ET had" not in text
    assert "List-Unsubscribe-Post" in desk.get(f"{PAGE}/preview?places=KZ&part=source").text
    assert desk.get(f"{PAGE}/preview?part=none").status_code == 404


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("as=nobody@example.org", "Nobody with this address"),
        ("as=nobody", "Enter an e-mail address"),
        ("places=atlantis", "is neither"),
        ("places=FR", "would get no digest"),
    ],
)
def test_a_preview_for_nobody_says_why_beside_the_field(desk_of, approved, query, words):
    response = desk_of(Role.SENDER).get(f"{PAGE}/preview?{query}")

    assert response.status_code == 400
    assert words in response.text
    assert "<iframe" not in response.text


REASON = "This database is in another place than when mail was last sent from it: it may be a restored backup."


@pytest.fixture
def halted(database):
    """A sender has found the database in another place."""
    with database.writing() as session:
        session.merge(SendingGuard(id=1, home="file 0", halted_at=START, reason=REASON))


@pytest.mark.usefixtures("halted")
def test_every_page_of_the_desk_says_that_nothing_is_sent_and_no_other_page_does(app, desk_of, client, approved):
    desk = desk_of(Role.SENDER)
    pages = [route.path for route in routes(app) if route.is_safe and route.endpoint not in OPEN]
    pages = [
        path
        for path in pages
        if desk.get(path).status_code == 200 and desk.get(path).mimetype == "text/html" and not path.endswith("/body")
    ]
    assert len(pages) >= 4

    for path in pages:
        page = desk.get(path).text
        assert REASON in page, path
        assert page.count('action="/admin/accept"') == 1, path
    for path in ("/", "/editions/2022-11", "/admin/login"):
        assert REASON not in client.get(path).text


@pytest.mark.usefixtures("halted")
def test_a_restored_database_is_accepted_with_a_word(desk_of, database):
    desk = desk_of(Role.SENDER)
    before = dump(database)

    refused = desk.post("/admin/accept", word="yes")
    assert refused.status_code == 400
    assert 'id="accept-error">Type “accept” to confirm' in refused.text
    assert dump(database) == before

    assert desk.post("/admin/accept", word=" Accept ").location == "/admin/"

    page = desk.get("/admin/").text
    assert "Mail goes out from this database." in page
    assert REASON not in page
    with database.reading() as session:
        assert guard.halted(session) is None
        assert session.get_one(SendingGuard, 1).home == home(database, session)
    assert desk.post("/admin/accept", word="accept").status_code == 303
    assert "Nothing stood in the way of sending." in desk.get("/admin/").text


@pytest.mark.parametrize("who", ["1", "reader@example.org", "nobody@example.org"])
def test_who_may_not_see_subscribers_learns_of_none_by_a_preview(desk_of, sign_up, approved, who):
    sign_up("reader@example.org", ("KZ",))

    page = desk_of(Role.REVIEWER).get(f"{PAGE}/preview?as={who}&part=source")
    assert page.status_code == 400
    assert "Your role doesn’t see subscribers" in page.text
    assert "To: reader@example.org" not in page.text


@pytest.mark.usefixtures("halted")
@pytest.mark.parametrize("role", [Role.AUTHOR, Role.REVIEWER])
def test_who_may_not_send_is_told_who_decides(desk_of, database, role):
    desk = desk_of(role)

    page = desk.get("/admin/").text

    assert "A sender or an owner decides." in page
    assert "/admin/accept" not in page
    assert desk.post("/admin/accept", word="accept").status_code == 403
    with database.reading() as session:
        assert guard.halted(session) == REASON
