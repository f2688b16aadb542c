"""Tries to log in: five wrong ones lock, for longer each time, and nothing tells whether an address is an admin's."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address

import pyotp
import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.services import admins, logins, second_factor
from newsletter.services.logins import FREE_TRIES, MOST_BY_IP, MOST_BY_NETWORK, MOST_NOTED, Attempts
from newsletter.services.passwords import Credentials
from newsletter.storage.tables import Admin, AuditEvent
from tests.conftest import NOW
from tests.services.stock import TOKENS, at_once, counted

MINUTE = timedelta(minutes=1)
IP = ip_address("192.0.2.7")


@pytest.fixture
def ada(database):
    with database.writing() as session:
        added = admins.add(session, Address.parse("ada@example.org"), Role.OWNER, None, now=NOW)
        added.password_hash = "hash"  # what is checked is told to the service
        return added.id


def tries(at=NOW, ip=IP):
    return Attempts(ip, TOKENS, at)


def by_password(database, admin_id, *, is_right, at=NOW, ip=IP):
    with database.writing() as session:
        credentials = Credentials(admin_id, "hash")
        return tries(at, ip).by_password(session, credentials, is_right=is_right) is not None


def standing(database, admin_id):
    with database.reading() as session:
        admin = session.get_one(Admin, admin_id)
        return admin.failures, admin.locked_until


@pytest.mark.parametrize(
    ("failures", "locked_for"),
    [(0, 0), (1, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (12, 60), (1000, 60)],
)
def test_a_lock_is_longer_after_each_wrong_try(failures, locked_for):
    assert logins.lock(failures) == locked_for * MINUTE


def test_the_fifth_wrong_try_locks_and_then_even_the_right_password_is_wrong(database, ada):
    for _ in range(FREE_TRIES):
        assert not by_password(database, ada, is_right=False)

    assert standing(database, ada) == (FREE_TRIES, NOW + MINUTE)
    assert not by_password(database, ada, is_right=True, at=NOW + MINUTE - timedelta(seconds=1))
    assert standing(database, ada) == (FREE_TRIES, NOW + MINUTE), "tries at a locked account lock it for no longer"
    assert by_password(database, ada, is_right=True, at=NOW + MINUTE)
    assert standing(database, ada) == (0, None)


def test_who_tries_many_at_once_has_no_more_tries(database, ada):
    """All were looked at before the first was written; a right password comes too late."""
    for _ in range(FREE_TRIES - 1):
        by_password(database, ada, is_right=False)

    assert at_once(8, lambda: by_password(database, ada, is_right=False)) == [False] * 8
    assert standing(database, ada)[0] == FREE_TRIES
    assert not by_password(database, ada, is_right=True)


def test_a_password_that_was_changed_meanwhile_is_wrong(database, ada):
    with database.writing() as session:
        found = tries().by_password(session, Credentials(ada, "an older hash"), is_right=True)

    assert found is None
    assert standing(database, ada)[0] == 1


def test_wrong_codes_count_as_well_and_a_right_password_does_not_forget_them(database, ada):
    secret = second_factor.new_secret()
    with database.writing() as session:
        session.get_one(Admin, ada).totp_secret = secret

    for _ in range(FREE_TRIES):
        assert by_password(database, ada, is_right=True)
        with database.writing() as session:
            assert tries().by_code(session, ada, "000000") is None

    assert not by_password(database, ada, is_right=True)
    with database.writing() as session:
        assert tries().by_code(session, ada, pyotp.TOTP(secret).at(NOW)) is None, "the account is locked"
    later = NOW + MINUTE
    with database.writing() as session:
        assert tries(later).by_code(session, ada, pyotp.TOTP(secret).at(later)) is not None
    assert standing(database, ada) == (0, None)


def test_a_recovery_code_is_not_used_up_at_a_locked_account(database, ada):
    with database.writing() as session:
        admin = session.get_one(Admin, ada)
        admin.totp_secret = second_factor.new_secret()
        codes = second_factor.renew_recovery_codes(session, admin)
        admin.failures, admin.locked_until = FREE_TRIES, NOW + MINUTE

    with database.writing() as session:
        assert tries().by_code(session, ada, codes[0]) is None
    with database.writing() as session:
        assert tries(NOW + MINUTE).by_code(session, ada, codes[0]) is not None


def test_a_closed_account_lets_nobody_in(database, ada):
    with database.writing() as session:
        session.get_one(Admin, ada).closed_at = NOW

    assert not by_password(database, ada, is_right=True)


def are_too_many(database, ip, at=NOW):
    with database.reading() as session:
        return tries(at, ip_address(ip)).are_too_many(session)


def test_one_network_has_only_so_many_wrong_tries_an_hour_at_all_accounts(database, ada):
    for _ in range(MOST_BY_IP):
        assert not are_too_many(database, "2001:db8::1")
        by_password(database, None, is_right=False, ip=ip_address("2001:db8::1"))

    assert are_too_many(database, "2001:db8::2"), "a machine of the same /64"
    assert not are_too_many(database, "2001:db8:0:1::1")
    assert not are_too_many(database, "192.0.2.7")
    assert not are_too_many(database, "2001:db8::1", NOW + timedelta(hours=1))


def test_a_larger_network_shares_a_limit(sqlite):
    for number in range(MOST_BY_NETWORK):
        by_password(sqlite, None, is_right=False, ip=ip_address(f"198.51.100.{number % 200}"))

    assert are_too_many(sqlite, "198.51.100.250")
    assert not are_too_many(sqlite, "198.51.101.1")


def test_a_right_password_counts_for_no_network(database, ada):
    for _ in range(MOST_BY_IP + 1):
        assert by_password(database, ada, is_right=True)

    assert not are_too_many(database, str(IP))


def test_a_wrong_try_does_the_same_whether_the_account_is_there_or_not(database, ada):
    """What tells addresses apart by time: statements, and a commit that writes or does not."""
    written = []
    for admin_id in (ada, None):
        with counted(database) as statements:
            by_password(database, admin_id, is_right=False)
        written.append([each.split()[0] for each in statements if "admin SET" not in each])

    assert written[0] == written[1]


def test_wrong_tries_are_noted_with_where_they_came_from_and_shown_to_whom_they_concern(database, ada):
    by_password(database, ada, is_right=False)
    by_password(database, None, is_right=False, ip=None)

    with database.reading() as session:
        (mine,) = logins.failed_lately(session, ada, most=9)
        assert (mine.actor, mine.ip, mine.at, mine.subject) == ("unknown", str(IP), NOW, f"admin {ada}")
        assert len(session.scalars(select(AuditEvent)).all()) == 2


def test_a_flood_of_wrong_tries_does_not_fill_the_audit_log_for_ever(sqlite):
    for number in range(MOST_NOTED + 5):
        by_password(sqlite, None, is_right=False, ip=ip_address(f"203.0.{number}.1") if number < 256 else None)

    with sqlite.reading() as session:
        assert len(session.scalars(select(AuditEvent.id)).all()) == MOST_NOTED
