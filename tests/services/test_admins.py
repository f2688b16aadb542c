"""Who may log in, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.errors import Conflict, InvalidInput, LoginFailed
from newsletter.services import admins
from newsletter.services.admins import SESSION_LIFETIME, SHORTEST_PASSWORD
from newsletter.storage.tables import Admin, AdminSession
from tests.conftest import NOW
from tests.services.stock import at_once, dump

PASSWORD = "correct horse battery"


@pytest.fixture
def owner(database):
    """An admin whose domain is beyond ASCII."""
    with database.writing() as session:
        return admins.add(session, Address.parse("Ada@Bücher.example"), Role.OWNER, PASSWORD, now=NOW).id


def log_in(database, address="ada@bücher.example", password=PASSWORD, at=NOW):
    with database.reading() as session:
        credentials = admins.credentials(session, address)
    admin_id = credentials.check(password)
    with database.writing() as session:
        return admins.begin_session(session, admin_id, now=at)


def admin_of(database, token, at=NOW):
    with database.reading() as session:
        admin = admins.of_token(session, token, now=at)
        return admin and admin.id


def test_an_admin_is_kept_with_a_hash_and_not_with_the_password(database, owner):
    with database.reading() as session:
        admin = session.get_one(Admin, owner)
        assert (admin.address, admin.role, admin.created_at) == ("Ada@bücher.example", "owner", NOW)
        assert admin.password_hash.startswith("$argon2id$")
        assert PASSWORD not in str(dump(database))


def test_a_short_password_is_refused(sqlite):
    with sqlite.writing() as session, pytest.raises(InvalidInput, match="at least 12 characters"):
        admins.add(session, Address.parse("a@example.org"), Role.AUTHOR, "x" * (SHORTEST_PASSWORD - 1), now=NOW)


def test_an_address_is_taken_once(database, owner):
    before = dump(database)

    with pytest.raises(Conflict), database.writing() as session:
        admins.add(session, Address.parse("ADA@xn--bcher-kva.example"), Role.AUTHOR, PASSWORD, now=NOW)
    assert dump(database) == before


def test_an_address_that_is_added_by_many_at_once_is_taken_once(database):
    def try_to_add():
        try:
            with database.writing() as session:
                return admins.add(session, Address.parse("a@example.org"), Role.AUTHOR, PASSWORD, now=NOW).id
        except Conflict:
            return None

    assert len([each for each in at_once(4, try_to_add) if each is not None]) == 1


@pytest.mark.parametrize("address", ["ada@bücher.example", " ADA@BÜCHER.EXAMPLE ", "ada@xn--bcher-kva.example"])
def test_however_the_address_is_written_its_owner_comes_in(database, owner, address):
    assert admin_of(database, log_in(database, address)) == owner


@pytest.mark.parametrize(
    ("address", "password"),
    [
        pytest.param("ada@bücher.example", "correct horse batterx", id="wrong password"),
        pytest.param("ada@bücher.example", "", id="no password"),
        pytest.param("eve@example.org", PASSWORD, id="nobody's address"),
        pytest.param("eve@example.org", "nobody has this password", id="the password of nobody"),
        pytest.param("no address", PASSWORD, id="no address"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_nobody_else_comes_in_and_all_are_told_the_same(sqlite, address, password):
    with sqlite.writing() as session:
        admins.add(session, Address.parse("ada@bücher.example"), Role.OWNER, PASSWORD, now=NOW)
    before = dump(sqlite)

    with pytest.raises(LoginFailed, match=r"^no admin has this address and password$"):
        log_in(sqlite, address, password)
    assert dump(sqlite) == before


def test_a_password_hash_that_is_damaged_lets_nobody_in(sqlite):
    with sqlite.writing() as session:
        admins.add(session, Address.parse("a@example.org"), Role.OWNER, PASSWORD, now=NOW).password_hash = "damaged"

    with pytest.raises(LoginFailed):
        log_in(sqlite, "a@example.org")


def test_a_session_lasts_its_time_and_its_row_goes_with_the_next_login(database, owner):
    token = log_in(database)
    end = NOW + SESSION_LIFETIME

    assert admin_of(database, token, end - timedelta(seconds=1)) == owner
    assert admin_of(database, token, end) is None
    assert admin_of(database, "forged") is None
    assert token not in str(dump(database))

    log_in(database, at=end + timedelta(seconds=1))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AdminSession)) == 1


def test_logging_out_ends_this_session_and_no_other(database, owner):
    here, elsewhere = log_in(database), log_in(database)
    with database.writing() as session:
        admins.log_out(session, here)
        admins.log_out(session, here)

    assert admin_of(database, here) is None
    assert admin_of(database, elsewhere) == owner


def test_who_is_deleted_is_logged_out(database, owner):
    token = log_in(database)
    with database.writing() as session:
        session.delete(session.get_one(Admin, owner))

    assert admin_of(database, token) is None
