"""Logging in: two steps where there is a second factor, wrong tries slowed down, and passwords by a mailed link."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.mail.links import Purpose
from newsletter.services import admins, invitations, second_factor
from newsletter.services.logins import FREE_TRIES, MOST_HIDDEN
from newsletter.storage.tables import Admin, AdminSession, AuditEvent, Notice, RateWindow
from newsletter.web import create_app
from newsletter.web.database import db
from tests.web.conftest import PASSWORD, Desk, dump

OWNER = "owner@example.org"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture
def stranger(app):
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    return Desk(client)


@pytest.fixture
def owner(database, clock):
    with database.writing() as session:
        return admins.add(session, Address.parse(OWNER), Role.OWNER, PASSWORD, now=clock()).id


@pytest.fixture
def recovery_codes(database, owner, clock):
    """The owner's: their second factor is on."""
    with database.writing() as session:
        admin = session.get_one(Admin, owner)
        admin.totp_secret = SECRET
        return second_factor.renew_recovery_codes(session, admin)


def acts(database):
    with database.reading() as session:
        return list(session.scalars(select(AuditEvent.act).order_by(AuditEvent.id)))


def test_with_a_second_factor_the_password_alone_opens_nothing(stranger, recovery_codes, clock):
    half_way = stranger.log_in(OWNER)
    assert (half_way.status_code, half_way.location) == (303, "/admin/login/code")
    assert stranger.client.get_cookie("newsletter_admin", path="/admin") is None
    assert stranger.get("/admin/").status_code == 302

    code = pyotp.TOTP(SECRET).at(clock())
    assert stranger.post("/admin/login/code", code=code).status_code == 303
    assert stranger.get("/admin/").status_code == 200


def test_after_the_code_one_is_where_one_wanted_to_be(stranger, recovery_codes, clock):
    stranger.post("/admin/login", address=OWNER, password=PASSWORD, next="/admin/people")

    response = stranger.post("/admin/login/code", code=pyotp.TOTP(SECRET).at(clock()))

    assert response.location == "/admin/people"


def test_a_recovery_code_lets_in_once_and_says_how_many_are_left(stranger, recovery_codes, database):
    stranger.log_in(OWNER)
    assert stranger.post("/admin/login/code", code=recovery_codes[3]).status_code == 303
    assert "9 are left" in stranger.get("/admin/account").text
    assert acts(database) == ["recovery_code.used", "login"]

    stranger.post("/admin/logout")
    stranger.log_in(OWNER)
    refused = stranger.post("/admin/login/code", code=recovery_codes[3])
    assert refused.status_code == 403
    assert "does not fit, or was used" in refused.text
    assert recovery_codes[3] not in refused.text


def test_the_half_way_is_over_after_ten_minutes_or_with_a_new_password(
    stranger, recovery_codes, clock, database, owner
):
    stranger.log_in(OWNER)
    clock.pass_by(timedelta(minutes=11))
    assert stranger.get("/admin/login/code").location == "/admin/login"
    assert stranger.post("/admin/login/code", code=recovery_codes[0]).location == "/admin/login"

    stranger.log_in(OWNER)
    with database.writing() as session:
        session.get_one(Admin, owner).password_hash = "another"
    assert stranger.post("/admin/login/code", code=recovery_codes[0]).status_code == 403
    assert stranger.get("/admin/").status_code == 302


def test_without_the_first_step_there_is_no_second(stranger, recovery_codes):
    assert stranger.get("/admin/login/code").location == "/admin/login"
    assert stranger.post("/admin/login/code", code=recovery_codes[0]).location == "/admin/login"
    assert stranger.get("/admin/").status_code == 302


def test_five_wrong_tries_lock_in_the_same_words_whether_the_account_is_there_or_not(stranger, owner, clock):
    pages = set()
    for address in (OWNER, "eve@example.org"):
        for _ in range(FREE_TRIES + 2):
            response = stranger.log_in(address, "wrong password")
            assert response.status_code == 403
            pages.add(re.sub(r'value="[^"]*"', "", response.text))
    assert len(pages) == 1, "csrf tokens and addresses apart"
    assert "After five wrong tries" in pages.pop()

    assert stranger.log_in(OWNER).status_code == 403
    clock.pass_by(timedelta(hours=1))
    assert stranger.log_in(OWNER).status_code == 303


def test_who_logs_in_sees_on_their_page_that_others_have_tried(stranger, owner):
    stranger.log_in(OWNER, "wrong password")
    stranger.log_in(OWNER)

    page = stranger.get("/admin/account").text
    assert "Wrong tries to log in as you" in page
    assert "1 Dec 2022" in page


def test_too_many_wrong_tries_from_one_network_are_told_before_any_password_is_looked_at(
    stranger, owner, database, clock
):
    stranger.log_in(OWNER, "wrong password")
    with database.writing() as session:
        for window in session.scalars(select(RateWindow).where(RateWindow.name == "login")):
            window.count = MOST_HIDDEN

    refused = stranger.log_in(OWNER)

    assert refused.status_code == 429
    assert "Try again in 60 minutes" in refused.text
    clock.pass_by(timedelta(hours=1))
    assert stranger.log_in(OWNER).status_code == 303


def test_a_password_is_checked_with_no_transaction_open(stranger, owner, database, monkeypatch):
    """It takes 30 ms of a processor: with the write lock held, every sign-up would wait for it."""
    verify, checked = PasswordHasher.verify, []

    def while_another_writes(*given):  # type: ignore[no-untyped-def]
        with database.writing() as session:
            session.get_one(Admin, owner).failures = 0
        checked.append(True)
        return verify(*given)

    monkeypatch.setattr(PasswordHasher, "verify", while_another_writes)

    assert stranger.log_in(OWNER).status_code == 303
    new = {"password": PASSWORD, "new_password": "another long password"}
    assert stranger.post("/admin/account/password", **new).status_code == 303
    assert len(checked) == 2


def test_a_login_notes_where_it_is_and_when_it_was_last_seen(stranger, owner, database, clock):
    stranger.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"
    stranger.log_in(OWNER)

    def seen_at():
        with database.reading() as session:
            row = session.scalars(select(AdminSession)).one()
            assert row.agent.startswith("Mozilla/5.0 (Windows")
            return row.seen_at

    begun = clock()
    clock.pass_by(timedelta(minutes=4))
    stranger.get("/admin/")
    assert seen_at() == begun
    clock.pass_by(timedelta(minutes=1))
    stranger.get("/admin/")
    assert seen_at() == clock()
    clock.pass_by(timedelta(minutes=6))
    stranger.post("/admin/account/logins/end-others")
    assert seen_at() == clock()


def link(settings, database, purpose, at):
    with database.reading() as session:
        notice = session.scalars(select(Notice).where(Notice.kind == purpose.value)).one()
    make = settings.publication.links.invitation if purpose is Purpose.INVITATION else None
    make = make or settings.publication.links.password_reset
    return make(notice.id, at=at).removeprefix(settings.base_url)


def test_an_invitation_leads_from_the_mail_into_the_desk(stranger, settings, database, clock):
    with database.writing() as session:
        invitations.invite(session, Address.parse(OWNER), Role.OWNER, tokens=settings.tokens, now=clock())
    path = link(settings, database, Purpose.INVITATION, clock())
    before = dump(database)

    form = stranger.get(path)
    assert form.status_code == 200
    assert f'value="{OWNER}"' in form.text
    assert form.headers["Cache-Control"] == "no-store"
    assert dump(database) == before, "whoever looks through mail follows links"

    short = stranger.post(path, password="short")
    assert short.status_code == 400
    assert "The password needs at least 12 characters" in short.text
    assert stranger.post(path, password=PASSWORD).location == "/admin/login"
    assert "Your password is set" in stranger.get("/admin/login").text
    assert stranger.log_in(OWNER).status_code == 303

    for again in (stranger.get(path), stranger.post(path, password="another long password")):
        assert again.status_code == 410
        assert "This link doesn’t work any more" in again.text
    assert acts(database) == ["invitation.taken_up", "login"]


def test_who_has_forgotten_the_password_gets_a_link_and_everybody_the_same_answer(
    stranger, owner, recovery_codes, settings, database, clock
):
    answers = {
        stranger.post("/admin/forgotten", address=each).text for each in (OWNER, "eve@example.org", "no address")
    }
    assert len(answers) == 1
    assert "If an admin has this address" in answers.pop()
    path = link(settings, database, Purpose.PASSWORD_RESET, clock())

    for _ in range(FREE_TRIES):
        stranger.log_in(OWNER, "wrong password")
    assert stranger.post(path, password="another long password").status_code == 303

    assert stranger.log_in(OWNER, "another long password").location == "/admin/login/code"
    assert stranger.get("/admin/").status_code == 302, "a mailbox is no second factor"


def test_a_link_is_forged_old_or_of_another_kind(stranger, settings, owner, database, clock):
    stranger.post("/admin/forgotten", address=OWNER)
    path = link(settings, database, Purpose.PASSWORD_RESET, clock())

    for wrong in (f"{path}x", "/admin/reset/forged", path.replace("reset", "invitation")):
        assert stranger.get(wrong).status_code == 410
        assert stranger.post(wrong, password="another long password").status_code == 410
    clock.pass_by(timedelta(hours=1, seconds=1))
    assert stranger.get(path).status_code == 410


@pytest.fixture
def strict_app(make_settings, database, clock, inbox):
    made = create_app(make_settings(second_factor="required"), clock=clock, inbox=inbox)
    yield made
    with made.app_context():
        db.engine.dispose()


def test_where_a_second_factor_is_required_who_has_none_can_only_set_it_up(strict_app, owner, clock):
    client = strict_app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    desk = Desk(client)
    assert desk.log_in(OWNER).status_code == 303

    for path in ("/admin/", "/admin/account", "/admin/people"):
        assert desk.get(path).location == "/admin/account/second-factor"
    assert desk.post("/admin/people", address="x@example.org", role="owner").status_code == 403
    page = desk.get("/admin/account/second-factor").text
    assert "Everybody at this desk logs in with a code" in page

    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)[1]
    code = pyotp.TOTP(secret).at(clock())
    assert desk.post("/admin/account/second-factor", secret=secret, code=code).status_code == 200
    assert desk.get("/admin/people").status_code == 200
    assert "Switch it off" not in desk.get("/admin/account").text
