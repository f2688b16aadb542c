"""Who may log in: added, given a role, closed; and what is kept of a password."""

from __future__ import annotations

import pytest

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.errors import Conflict, InvalidInput, NotFound
from newsletter.services import admin_sessions, admins, passwords
from newsletter.services.admin_sessions import Place
from newsletter.services.admins import State
from newsletter.services.passwords import LONGEST, SHORTEST
from newsletter.storage.tables import Admin
from tests.conftest import NOW
from tests.services.stock import at_once, dump

PASSWORD = "correct horse battery"


def add(database, address, role=Role.OWNER, password=PASSWORD):
    with database.writing() as session:
        return admins.add(session, Address.parse(address), role, password, now=NOW).id


@pytest.fixture
def owner(database):
    """An admin whose domain is beyond ASCII."""
    return add(database, "Ada@Bücher.example")


def is_right(database, address, password):
    with database.reading() as session:
        credentials = admins.credentials(session, address)
    return credentials.accept(password)


def test_an_admin_is_kept_with_a_hash_and_not_with_the_password(database, owner):
    with database.reading() as session:
        admin = session.get_one(Admin, owner)
        assert (admin.address, admin.role, admin.created_at) == ("Ada@bücher.example", "owner", NOW)
        assert admin.password_hash.startswith("$argon2id$")
        assert PASSWORD not in str(dump(database))


@pytest.mark.usefixtures("no_hurry")
def test_a_hash_takes_the_memory_and_the_rounds_that_slow_down_whoever_stole_it():
    assert "$m=19456,t=2,p=1$" in passwords.hashed(PASSWORD)


@pytest.mark.parametrize(
    ("password", "words"), [("x" * (SHORTEST - 1), "at least 12 characters"), ("x" * (LONGEST + 1), "at most 200")]
)
def test_a_password_that_is_too_short_or_too_long_is_refused(sqlite, password, words):
    with pytest.raises(InvalidInput, match=words):
        add(sqlite, "a@example.org", password=password)


@pytest.mark.parametrize("password", ["x" * SHORTEST, "ä" * LONGEST, "pass word with\ttab \N{FIRE}"])
def test_a_password_may_be_any_words(sqlite, password):
    add(sqlite, "a@example.org", password=password)

    assert is_right(sqlite, "a@example.org", password)
    assert not is_right(sqlite, "a@example.org", password + "x")


def test_an_address_is_taken_once(database, owner):
    before = dump(database)

    with pytest.raises(Conflict):
        add(database, "ADA@xn--bcher-kva.example", Role.AUTHOR)
    assert dump(database) == before


def test_an_address_that_is_added_by_many_at_once_is_taken_once(database):
    def try_to_add():
        try:
            return add(database, "a@example.org", Role.AUTHOR)
        except Conflict:
            return None

    assert len([each for each in at_once(4, try_to_add) if each is not None]) == 1


@pytest.mark.parametrize("address", ["ada@bücher.example", " ADA@BÜCHER.EXAMPLE ", "ada@xn--bcher-kva.example"])
def test_however_the_address_is_written_the_password_is_right(database, owner, address):
    assert is_right(database, address, PASSWORD)


@pytest.mark.parametrize(
    ("address", "password"),
    [
        pytest.param("ada@bücher.example", "correct horse batterx", id="wrong password"),
        pytest.param("ada@bücher.example", "", id="no password"),
        pytest.param("eve@example.org", PASSWORD, id="nobody's address"),
        pytest.param("eve@example.org", "nobody has this password", id="the password of nobody"),
        pytest.param("no address", PASSWORD, id="no address"),
        pytest.param("", "", id="nothing"),
        pytest.param("invited@example.org", "", id="who has no password yet"),
        pytest.param("invited@example.org", "nobody has this password", id="the same, by the password of nobody"),
    ],
)
def test_no_other_password_is_right(sqlite, address, password):
    add(sqlite, "ada@bücher.example")
    add(sqlite, "invited@example.org", password=None)

    assert not is_right(sqlite, address, password)


def test_a_password_hash_that_is_damaged_lets_nobody_in(sqlite):
    admin_id = add(sqlite, "a@example.org")
    with sqlite.writing() as session:
        session.get_one(Admin, admin_id).password_hash = "damaged"

    assert not is_right(sqlite, "a@example.org", PASSWORD)


def test_a_new_password_opens_a_locked_account_and_ends_its_logins(database, owner):
    with database.writing() as session:
        token = admin_sessions.begin(session, owner, Place(), now=NOW)
        admin = admins.locked(session, owner)
        admin.failures, admin.locked_until = 9, NOW
        assert admins.set_password(session, admin, passwords.hashed("another long password")) == 1

    assert is_right(database, "ada@bücher.example", "another long password")
    assert not is_right(database, "ada@bücher.example", PASSWORD)
    with database.reading() as session:
        assert admin_sessions.of_token(session, token, now=NOW) is None
        assert (session.get_one(Admin, owner).failures, session.get_one(Admin, owner).locked_until) == (0, None)


def test_the_last_owner_stays_one(database, owner):
    author = add(database, "author@example.org", Role.AUTHOR)

    for act in (
        lambda session: admins.close(session, owner, by=author, now=NOW),
        lambda session: admins.change_role(session, owner, Role.SENDER, by=author),
        lambda session: admins.close(session, owner, by=None, now=NOW),
    ):
        with pytest.raises(Conflict, match="last owner"), database.writing() as session:
            act(session)

    second = add(database, "second@example.org")
    with database.writing() as session:
        admins.close(session, second, by=owner, now=NOW)
    with pytest.raises(Conflict, match="last owner"), database.writing() as session:
        admins.close(session, owner, by=None, now=NOW)


def test_nobody_closes_themselves_or_changes_their_own_role(database, owner):
    add(database, "second@example.org")

    for act in (
        lambda session: admins.close(session, owner, by=owner, now=NOW),
        lambda session: admins.change_role(session, owner, Role.AUTHOR, by=owner),
    ):
        with pytest.raises(Conflict, match="ask another owner"), database.writing() as session:
            act(session)


def test_two_owners_who_close_each_other_at_once_leave_one(database, owner):
    second = add(database, "second@example.org")
    pairs = iter([(owner, second), (second, owner)])

    def close():
        closed, by = next(pairs)
        try:
            with database.writing() as session:
                admins.close(session, closed, by=by, now=NOW)
        except Conflict:
            return False
        return True

    assert sorted(at_once(2, close)) == [False, True]


def test_who_is_closed_is_out_and_may_be_let_in_again(database, owner):
    author = add(database, "author@example.org", Role.AUTHOR)
    with database.writing() as session:
        token = admin_sessions.begin(session, author, Place(), now=NOW)
        assert admins.state(admins.close(session, author, by=owner, now=NOW)) is State.CLOSED
        admins.close(session, author, by=owner, now=NOW)

    with database.writing() as session:
        assert admin_sessions.of_token(session, token, now=NOW) is None
        assert admins.state(admins.reopen(session, author)) is State.OPEN
        assert admins.change_role(session, author, Role.REVIEWER, by=owner).role == "reviewer"


def test_an_admin_who_is_not_there_is_not_found(sqlite):
    for act in (admins.get, admins.locked, admins.reopen):
        with pytest.raises(NotFound), sqlite.writing() as session:
            act(session, 99)


def test_those_who_may_log_in_are_listed_first_and_by_address(database, owner):
    others = [add(database, f"{name}@example.org", Role.AUTHOR) for name in ("zoe", "bob", "amy")]
    with database.writing() as session:
        admins.close(session, others[2], by=owner, now=NOW)

    with database.reading() as session:
        assert [each.id for each in admins.everybody(session)] == [owner, others[1], others[0], others[2]]


def test_a_provider_means_who_has_its_name_or_at_first_a_verified_address(database, owner):
    with database.writing() as session:
        assert admins.of_identity(session, "s-1", None) is None
        found = admins.of_identity(session, "s-1", "ADA@bücher.example")
        found.oidc_subject = "s-1"

    with database.reading() as session:
        assert admins.of_identity(session, "s-1", "new@example.org").id == owner
        assert admins.of_identity(session, "s-2", "ada@bücher.example") is None
