"""One's own account: password, second factor, logins."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pyotp
import pytest
from sqlalchemy import select

from newsletter.domain.role import Role
from newsletter.storage.tables import Admin, AdminSession, AuditEvent
from newsletter.web.desk.browsers import browser
from tests.web.conftest import PASSWORD, Desk, dump

NEW = "another long password"


@pytest.fixture
def desk(desk_of):
    return desk_of(Role.AUTHOR)


def another(app) -> Desk:
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    found = Desk(client)
    assert found.log_in("author@example.org").status_code == 303
    return found


def switch_on(desk, clock):
    """The secret and the recovery codes."""
    page = desk.get("/admin/account/second-factor").text
    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)[1]
    shown = desk.post("/admin/account/second-factor", secret=secret, code=pyotp.TOTP(secret).at(clock()))
    assert shown.status_code == 200
    return secret, re.findall(r"<code>([a-z0-9-]{19})</code>", shown.text)


def test_a_password_is_changed_by_who_knows_the_old_one_and_ends_all_other_logins(app, desk, database):
    other = another(app)
    stolen = desk.client.get_cookie("newsletter_admin", path="/admin").value

    assert desk.post("/admin/account/password", password=PASSWORD, new_password=NEW).status_code == 303

    assert "Your password is changed" in desk.get("/admin/account").text
    assert other.get("/admin/account").status_code == 302
    assert desk.client.get_cookie("newsletter_admin", path="/admin").value != stolen
    with database.reading() as session:
        assert len(session.scalars(select(AdminSession)).all()) == 1
    assert other.log_in("author@example.org").status_code == 403
    assert other.log_in("author@example.org", NEW).status_code == 303


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"password": "not the password", "new_password": NEW}, "This is not your password"),
        ({"password": "", "new_password": NEW}, "This is not your password"),
        ({"password": PASSWORD, "new_password": "short"}, "The password needs at least 12 characters"),
        ({"password": PASSWORD, "new_password": "x" * 201}, "The password may have at most 200 characters"),
    ],
)
def test_a_password_that_can_not_be_changed_is_told_beside_its_field(app, desk, typed, words):
    response = desk.post("/admin/account/password", **typed)

    assert response.status_code == 400
    assert re.search(rf'class="error"[^>]*>{words}', response.text)
    assert another(app).get("/admin/account").status_code == 200


def test_a_second_factor_is_shown_as_a_picture_and_as_words_and_its_codes_once(desk, database, clock):
    page = desk.get("/admin/account/second-factor").text
    svg = ElementTree.fromstring(re.search(r"<svg.*?</svg>", page, re.DOTALL)[0])
    assert svg.findall(".//{*}path") or svg.findall(".//path")
    assert "style=" not in re.search(r"<svg.*?</svg>", page, re.DOTALL)[0], "the page's policy allows no inline style"

    secret, codes = switch_on(desk, clock)

    assert len(set(codes)) == 10
    account = desk.get("/admin/account").text
    assert "<b>10</b> recovery codes are left" in account
    assert secret not in account
    assert not any(code in account for code in codes)
    assert desk.get("/admin/account/second-factor").location == "/admin/account"


def test_a_wrong_code_switches_nothing_on_and_the_device_can_stay_as_it_is(desk, database):
    page = desk.get("/admin/account/second-factor").text
    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)[1]
    before = dump(database)

    refused = desk.post("/admin/account/second-factor", secret=secret, code="000000")

    assert refused.status_code == 400
    assert "This code does not fit" in refused.text
    assert f'name="secret" value="{secret}"' in refused.text
    assert dump(database) == before
    assert desk.post("/admin/account/second-factor", secret="<script>", code="1").status_code == 400


def test_switching_off_asks_for_password_and_code(desk, database, clock):
    secret, codes = switch_on(desk, clock)

    for password, code in ((PASSWORD, "000000"), ("wrong password", codes[0]), (PASSWORD, "")):
        refused = desk.post("/admin/account/second-factor/off", password=password, code=code)
        assert refused.status_code == 400
        assert "<details open>" in refused.text
    with database.reading() as session:
        assert session.scalars(select(Admin.totp_secret)).one() == secret

    assert desk.post("/admin/account/second-factor/off", password=PASSWORD, code=codes[0]).status_code == 303
    with database.reading() as session:
        assert session.scalars(select(Admin.totp_secret)).one() is None


def test_new_recovery_codes_take_password_and_code_and_end_the_old(app, desk, clock):
    _, codes = switch_on(desk, clock)

    assert desk.post("/admin/account/recovery-codes", password=PASSWORD, code="000000").status_code == 400
    shown = desk.post("/admin/account/recovery-codes", password=PASSWORD, code=codes[0])
    new = re.findall(r"<code>([a-z0-9-]{19})</code>", shown.text)

    assert len(new) == 10
    assert desk.post("/admin/account/recovery-codes", password=PASSWORD, code=codes[1]).status_code == 400


def test_whoever_sits_at_an_open_desk_can_not_guess_the_password_there(desk, database, clock):
    for _ in range(5):
        desk.post("/admin/account/password", password="wrong password", new_password=NEW)

    refused = desk.post("/admin/account/password", password=PASSWORD, new_password=NEW)

    assert refused.status_code == 400
    with database.reading() as session:
        assert session.scalars(select(Admin.locked_until)).one() > clock()


def test_ones_logins_are_listed_and_can_be_ended_one_by_one_and_all_at_once(app, desk):
    others = [another(app) for _ in range(3)]
    page = desk.get("/admin/account").text
    handles = re.findall(r"/admin/account/logins/([0-9a-f]{16})/end", page)
    assert len(handles) == 3
    assert page.count("(this one)") == 1

    assert desk.post(f"/admin/account/logins/{handles[0]}/end").status_code == 303
    assert [each.get("/admin/account").status_code for each in others].count(302) == 1
    assert desk.post("/admin/account/logins/end-others").status_code == 303
    assert [each.get("/admin/account").status_code for each in others] == [302, 302, 302]
    assert desk.get("/admin/account").status_code == 200


def test_what_one_does_to_ones_account_is_in_the_audit_log(desk, database, clock):
    _, codes = switch_on(desk, clock)
    desk.post("/admin/account/recovery-codes", password=PASSWORD, code=codes[0])
    desk.post("/admin/account/password", password=PASSWORD, new_password=NEW)
    desk.post("/admin/account/logins/end-others")

    with database.reading() as session:
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        assert [each.act for each in events] == [
            "login",
            "second_factor.on",
            "recovery_codes.renewed",
            "password.changed",
            "login.others_ended",
        ]
        assert {(each.actor, each.subject, each.ip) for each in events} == {
            ("author@example.org", "admin 1", "127.0.0.1")
        }


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36", "Chrome on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/141.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Firefox/1", "Firefox"),
        ("<script>" + "x" * 99, "<script>" + "x" * 32),
        (None, "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_called_as_people_call_them(agent, words):
    assert browser(agent) == words
