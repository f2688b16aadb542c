"""Logins that last: for their time, and until they are ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.services import admin_sessions, admins
from newsletter.services.admin_sessions import LIFETIME, SEEN_EVERY, Place
from newsletter.storage.tables import Admin, AdminSession
from tests.conftest import NOW
from tests.services.stock import dump

HERE = Place("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")


@pytest.fixture
def owner(database):
    with database.writing() as session:
        return admins.add(session, Address.parse("ada@example.org"), Role.OWNER, None, now=NOW).id


def begin(database, admin_id, place=HERE, at=NOW):
    with database.writing() as session:
        return admin_sessions.begin(session, admin_id, place, now=at)


def admin_of(database, token, at=NOW):
    with database.reading() as session:
        row = admin_sessions.of_token(session, token, now=at)
        return row and row.admin.id


def test_a_login_lasts_its_time_and_its_row_goes_with_the_next_one(database, owner):
    token = begin(database, owner)
    end = NOW + LIFETIME

    assert admin_of(database, token, end - timedelta(seconds=1)) == owner
    assert admin_of(database, token, end) is None
    assert admin_of(database, "forged") is None
    assert token not in str(dump(database))

    begin(database, owner, at=end + timedelta(seconds=1))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AdminSession)) == 1


def test_logging_out_ends_this_login_and_no_other(database, owner):
    here, elsewhere = begin(database, owner), begin(database, owner)
    with database.writing() as session:
        admin_sessions.end(session, here)
        admin_sessions.end(session, here)

    assert admin_of(database, here) is None
    assert admin_of(database, elsewhere) == owner


def test_who_is_deleted_is_logged_out(database, owner):
    token = begin(database, owner)
    with database.writing() as session:
        session.delete(session.get_one(Admin, owner))

    assert admin_of(database, token) is None


def test_logins_are_listed_with_where_they_are_used_the_one_used_last_first(database, owner):
    begin(database, owner)
    later = begin(database, owner, Place("2001:db8::1", "a\x00b" + "c" * 300), at=NOW + timedelta(hours=1))

    with database.reading() as session:
        first, second = admin_sessions.of_admin(session, owner, now=NOW + timedelta(hours=1))
        assert (first.ip, first.agent) == ("2001:db8::1", "ab" + "c" * 198)
        assert (second.ip, second.agent) == (HERE.ip, HERE.agent)
        assert later not in admin_sessions.handle(first)
        assert len(admin_sessions.of_admin(session, owner, now=NOW + LIFETIME)) == 1


def test_one_of_ones_own_logins_is_ended_by_its_handle_and_nobody_elses(database, owner):
    with database.writing() as session:
        other = admins.add(session, Address.parse("eve@example.org"), Role.AUTHOR, None, now=NOW).id
    token = begin(database, owner)
    with database.reading() as session:
        handle = admin_sessions.handle(admin_sessions.of_admin(session, owner, now=NOW)[0])

    with database.writing() as session:
        assert not admin_sessions.end_by_handle(session, other, handle)
        assert not admin_sessions.end_by_handle(session, owner, handle[:8])
        assert not admin_sessions.end_by_handle(session, owner, "%" * 16)
        assert not admin_sessions.end_by_handle(session, owner, "")
    assert admin_of(database, token) == owner
    with database.writing() as session:
        assert admin_sessions.end_by_handle(session, owner, handle)
    assert admin_of(database, token) is None


def test_all_others_can_be_ended_at_once(database, owner):
    this, *others = (begin(database, owner) for _ in range(3))
    with database.writing() as session:
        row = admin_sessions.of_token(session, this, now=NOW)
        assert admin_sessions.end_all(session, owner, but=row.token_sha256) == 2

    assert admin_of(database, this) == owner
    assert [admin_of(database, each) for each in others] == [None, None]


def test_a_login_is_seen_every_few_minutes(database, owner):
    token = begin(database, owner)
    later = NOW + SEEN_EVERY
    with database.writing() as session:
        row = admin_sessions.of_token(session, token, now=NOW)
        assert not admin_sessions.is_worth_noting(row, now=later - timedelta(seconds=1))
        assert admin_sessions.is_worth_noting(row, now=later)
        admin_sessions.see(session, row.token_sha256, now=later)

    with database.reading() as session:
        assert admin_sessions.of_token(session, token, now=later).seen_at == later
