"""Codes of a device, as RFC 6238 has them, and recovery codes: each opens once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.errors import InvalidInput
from newsletter.services import admins, second_factor
from newsletter.services.second_factor import RECOVERY_CODES, STEP_SECONDS
from newsletter.storage.tables import Admin
from tests.conftest import NOW
from tests.services.stock import at_once, dump

STEP = timedelta(seconds=STEP_SECONDS)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  #: of RFC 6238's test vectors: 12345678901234567890


@pytest.fixture
def ada(database):
    """An admin without a second factor."""
    with database.writing() as session:
        return admins.add(session, Address.parse("ada@example.org"), Role.OWNER, None, now=NOW).id


@pytest.fixture
def codes(database, ada):
    """Ada's recovery codes: her second factor is on since NOW."""
    with database.writing() as session:
        return second_factor.switch_on(session, admins.locked(session, ada), SECRET, code(NOW), now=NOW)


def code(at):
    return pyotp.TOTP(SECRET).at(at)


def accepted(database, admin_id, typed, at):
    with database.writing() as session:
        return second_factor.accept(session, admins.locked(session, admin_id), typed, now=at)


@pytest.mark.parametrize(
    ("second", "digits"), [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924")]
)
def test_the_codes_are_those_of_the_rfc(database, ada, second, digits):
    """RFC 6238, appendix B, as far as six digits go."""
    with database.writing() as session:
        session.get_one(Admin, ada).totp_secret = SECRET

    assert accepted(database, ada, digits, datetime.fromtimestamp(second, UTC))


def test_a_code_works_once_and_no_older_one_after_it(database, ada, codes):
    later = NOW + 2 * STEP

    assert not accepted(database, ada, code(NOW), NOW), "it switched the second factor on"
    assert accepted(database, ada, code(later), later)
    assert not accepted(database, ada, code(later), later)
    assert not accepted(database, ada, code(later - STEP), later)
    assert accepted(database, ada, code(later + STEP), later + STEP)


def test_a_code_that_many_type_at_once_lets_one_in(database, ada, codes):
    later = NOW + STEP

    assert at_once(4, lambda: accepted(database, ada, code(later), later)).count(True) == 1


@pytest.mark.parametrize(
    ("off", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)], ids=lambda value: f"{value}"
)
def test_a_devices_clock_may_be_off_by_one_step(database, ada, codes, off, is_right):
    later = NOW + 9 * STEP

    assert accepted(database, ada, code(later + off * STEP), later) is is_right


@pytest.mark.parametrize("typed", ["", "000000", "12345", "1234567", "abcdef", "１２３４５６", "\N{FIRE}" * 6, " "])
def test_what_is_no_code_opens_nothing(database, ada, codes, typed):
    assert not accepted(database, ada, typed, NOW + STEP)


def test_spaces_in_a_code_do_not_matter(database, ada, codes):
    later = NOW + STEP
    digits = code(later)

    assert accepted(database, ada, f" {digits[:3]} {digits[3:]} ", later)


def test_who_has_no_second_factor_is_let_in_by_no_code(database, ada):
    assert not accepted(database, ada, code(NOW), NOW)


def test_each_recovery_code_opens_once_however_it_is_typed(database, ada, codes):
    assert len(set(codes)) == RECOVERY_CODES
    first, second, *_ = codes

    assert accepted(database, ada, first, NOW)
    assert not accepted(database, ada, first, NOW)
    assert accepted(database, ada, f" {second.upper().replace('-', ' ')} ", NOW)
    with database.reading() as session:
        assert second_factor.recovery_codes_left(session, ada) == RECOVERY_CODES - 2
        assert not any(each in str(dump(database)) for each in codes)


def test_a_recovery_code_that_many_type_at_once_lets_one_in(database, ada, codes):
    assert at_once(4, lambda: accepted(database, ada, codes[0], NOW)).count(True) == 1


def test_recovery_codes_are_ones_own(database, ada, codes):
    with database.writing() as session:
        eve = admins.add(session, Address.parse("eve@example.org"), Role.OWNER, None, now=NOW).id
        session.get_one(Admin, eve).totp_secret = second_factor.new_secret()

    assert not accepted(database, eve, codes[0], NOW)


def test_new_recovery_codes_end_the_old(database, ada, codes):
    with database.writing() as session:
        new = second_factor.renew_recovery_codes(session, admins.locked(session, ada))

    assert not accepted(database, ada, codes[0], NOW)
    assert accepted(database, ada, new[0], NOW)


def test_it_is_switched_on_by_a_code_alone_that_shows_that_the_device_has_the_secret(database, ada):
    before = dump(database)

    for secret, typed in ((SECRET, "000000"), ("short", code(NOW)), ("", ""), ("a" * 32, code(NOW))):
        with pytest.raises(InvalidInput, match="does not fit"), database.writing() as session:
            second_factor.switch_on(session, admins.locked(session, ada), secret, typed, now=NOW)
    assert dump(database) == before


def test_switched_off_nothing_is_left_of_it(database, ada, codes):
    with database.writing() as session:
        second_factor.switch_off(session, admins.locked(session, ada))

    with database.reading() as session:
        assert not second_factor.is_on(admins.get(session, ada))
        assert second_factor.recovery_codes_left(session, ada) == 0
    assert SECRET not in str(dump(database))
    assert not accepted(database, ada, codes[0], NOW)


def test_what_the_qr_code_tells_names_the_site_and_the_admin():
    uri = second_factor.uri(SECRET, "ada@example.org", "Country: Updates & more")

    assert uri.startswith("otpauth://totp/Country%3A%20Updates%20%26%20more:ada%40example.org?secret=" + SECRET)
    assert second_factor.is_secret(second_factor.new_secret())
