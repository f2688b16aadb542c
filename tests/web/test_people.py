"""Who works at the desk, as an owner looks after them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from newsletter.domain.role import Role
from newsletter.services import second_factor
from newsletter.storage.tables import Admin, AuditEvent, Notice
from tests.web.conftest import dump

HOSTILE = '"<script>alert(1)</script>"@example.org'


@pytest.fixture
def desk(desk_of):
    return desk_of(Role.OWNER)


def admin(database, address):
    with database.reading() as session:
        found = session.scalars(select(Admin).where(Admin.address == address)).one()
        session.expunge(found)
        return found


def test_somebody_is_invited_by_a_mail_and_listed(desk, database):
    response = desk.post("/admin/people", address="new@example.org", role="reviewer")

    assert response.location == "/admin/people"
    page = desk.get("/admin/people").text
    assert "An invitation is on its way to new@example.org." in page
    assert "… invited" in page
    invited = admin(database, "new@example.org")
    assert (invited.role, invited.password_hash) == ("reviewer", "")
    with database.reading() as session:
        notice = session.scalars(select(Notice)).one()
        assert (notice.kind, notice.admin_id, notice.state) == ("invitation", invited.id, "pending")
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (event.actor, event.act, event.subject) == ("owner@example.org", "admin.invited", f"admin {invited.id}")

    person = desk.get(f"/admin/people/{invited.id}").text
    assert "Invite them again" in person
    assert desk.post(f"/admin/people/{invited.id}/link").status_code == 303
    with database.reading() as session:
        assert session.scalars(select(Notice.kind)).all() == ["invitation", "invitation"]


@pytest.mark.parametrize(
    ("address", "role", "status", "words"),
    [
        ("nobody", "author", 400, "Enter an e-mail address"),
        ("new@example.org", "emperor", 400, "Choose one of the roles"),
        ("new@example.org", "", 400, "Choose one of the roles"),
        ("OWNER@example.org", "author", 409, "There is an admin with this address already"),
    ],
)
def test_who_can_not_be_invited_is_told_beside_the_field_and_what_was_typed_stays(
    desk, database, address, role, status, words
):
    before = dump(database)

    response = desk.post("/admin/people", address=address, role=role)

    assert response.status_code == status
    assert re.search(rf'class="error"[^>]*>{words}', response.text)
    assert f'value="{address}"' in response.text
    assert dump(database) == before


def test_a_role_is_changed_and_noted(desk, desk_of, database):
    author = desk_of(Role.AUTHOR)
    person = admin(database, "author@example.org").id

    assert desk.post(f"/admin/people/{person}/role", role="sender").location == f"/admin/people/{person}"

    assert "author@example.org is a sender now." in desk.get(f"/admin/people/{person}").text
    assert author.get("/admin/editions/2022-11/send").status_code != 403
    with database.reading() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (event.act, event.detail) == ("admin.role", "author -> sender")


def test_an_account_is_closed_with_its_address_typed_and_opened_again(desk, desk_of, database):
    author = desk_of(Role.AUTHOR)
    person = admin(database, "author@example.org").id
    url = f"/admin/people/{person}"

    refused = desk.post(f"{url}/close", address="someone else")
    assert refused.status_code == 400
    assert "Type author@example.org to confirm" in refused.text
    assert author.get("/admin/account").status_code == 200

    assert desk.post(f"{url}/close", address=" Author@example.org ").status_code == 303
    assert author.get("/admin/account").status_code == 302
    assert "✕ closed" in desk.get(url).text
    assert desk.post(f"{url}/link").status_code == 409
    assert desk.post(f"{url}/reopen").status_code == 303
    assert author.log_in("author@example.org").status_code == 303


def test_an_owner_can_neither_close_nor_demote_themselves(desk, database):
    person = admin(database, "owner@example.org").id
    page = desk.get(f"/admin/people/{person}").text
    assert "This is you" in page
    assert "Close the account" not in page

    assert desk.post(f"/admin/people/{person}/close", address="owner@example.org").status_code == 409
    assert desk.post(f"/admin/people/{person}/role", role="author").status_code == 409
    assert admin(database, "owner@example.org").role == "owner"


def test_another_persons_login_can_be_ended_and_their_lost_second_factor_taken_away(desk, desk_of, database):
    author = desk_of(Role.AUTHOR)
    person = admin(database, "author@example.org").id
    with database.writing() as session:
        found = session.get_one(Admin, person)
        found.totp_secret = second_factor.new_secret()
        second_factor.renew_recovery_codes(session, found)
    page = desk.get(f"/admin/people/{person}").text
    assert "Take away their second factor" in page
    (handle,) = re.findall(rf"/admin/people/{person}/logins/([0-9a-f]{{16}})/end", page)

    assert desk.post(f"/admin/people/{person}/logins/{handle}/end").status_code == 303
    assert author.get("/admin/account").status_code == 302
    assert desk.post(f"/admin/people/{person}/second-factor/off").status_code == 303
    assert author.log_in("author@example.org").location == "/admin/"


def test_somebody_who_is_locked_out_is_mailed_a_link(desk, desk_of, database, clock):
    author = desk_of(Role.AUTHOR)
    person = admin(database, "author@example.org").id
    for _ in range(5):
        author.log_in("author@example.org", "wrong password")
    assert "⏸ locked" in desk.get("/admin/people").text

    assert desk.post(f"/admin/people/{person}/link").status_code == 303
    with database.reading() as session:
        assert session.scalars(select(Notice.kind)).all() == ["password_reset"]


def test_a_person_who_is_not_there_is_not_found(desk):
    assert desk.get("/admin/people/999").status_code == 404
    for act in ("role", "close", "reopen", "link", "second-factor/off", f"logins/{'0' * 16}/end"):
        assert desk.post(f"/admin/people/999/{act}", role="author").status_code == 404, act


def test_an_address_that_is_hostile_is_shown_as_text(desk, database, clock):
    with database.writing() as session:
        session.add(Admin(address=HOSTILE, address_key=HOSTILE, role="author", password_hash="x", created_at=clock()))
    person = admin(database, HOSTILE).id

    for page in ("/admin/people", f"/admin/people/{person}"):
        assert "<script>alert" not in desk.get(page).text
        assert "&lt;script&gt;alert(1)" in desk.get(page).text
