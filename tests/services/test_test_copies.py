"""Test copies: asked for at the desk, for colleagues and a few more, as a reader gets the digest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.errors import InvalidInput
from newsletter.services import admins, claims, editions, suppressions, test_copies
from newsletter.services.test_copies import Order
from newsletter.storage.tables import CountryUpdate, Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, TOKENS, add_readers, begin, store_updates

KAZAKHSTAN = Order(("KZ",))


@pytest.fixture
def ada(database):
    """An admin; November's edition is a draft."""
    store_updates(database)
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
        return admins.add(session, Address.parse("ada@example.org"), Role.SENDER, "correct horse battery", now=NOW).id


def ask(database, ada, order=KAZAKHSTAN, addresses=("eve@example.org",)):
    with database.writing() as session:
        asked_by = admins.get(session, ada)
        return test_copies.ask(session, NOVEMBER, addresses, order, asked_by=asked_by, now=NOW)


def arm(database):
    with database.writing() as session:
        arming, _ = begin(session)
        return claims.arm_notices(session, arming, limit=9)


def reasons(database):
    with database.reading() as session:
        return session.scalars(select(Notice.detail).where(Notice.state == "skipped")).all()


def test_each_address_gets_one_as_the_reader_that_was_chosen(database, ada):
    order = Order(("KZ", "horn"), text_only=True)
    assert ask(database, ada, order, ["eve@example.org", "bob@example.org", "eve@example.org"]) == 2

    armed = arm(database)

    assert [each.recipient.address for each in armed] == ["eve@example.org", "bob@example.org"]
    for each in armed:
        assert (each.kind, each.recipient.subscriber_id) == (NoticeKind.TEST_COPY, 0)
        assert each.recipient.follows == order.follows
        assert (each.copy.text_only, each.copy.asked_by) == (True, "ada@example.org")
        assert each.copy.compiled is None


def test_of_an_approved_edition_it_is_made_of_what_was_frozen(database, settings, ada):
    with database.writing() as session:
        editions.approve(session, NOVEMBER, settings.publication, by="a test", now=NOW)
    ask(database, ada)

    (armed,) = arm(database)

    assert armed.copy.compiled is not None
    assert armed.copy.made_at == NOW


def test_it_is_skipped_when_there_is_nothing_to_copy_by_then(database, ada):
    ask(database, ada)
    with database.writing() as session:
        session.execute(delete(CountryUpdate))

    assert arm(database) == []
    assert reasons(database) == ["nothing_to_tell"]


def test_it_is_skipped_when_whoever_asked_may_not_log_in_any_more(database, ada):
    ask(database, ada)
    with database.writing() as session:
        admins.get(session, ada).closed_at = NOW

    assert arm(database) == []
    assert reasons(database) == ["ended"]


def test_what_holds_nothing_is_not_asked_for(database, ada):
    with pytest.raises(InvalidInput, match="nothing that this reader follows"):
        ask(database, ada, Order(("ML",)))


def test_a_reader_s_number_gives_what_they_follow_and_nothing_of_them_is_kept(database, ada):
    add_readers(database, ["KZ;SD", "all"])
    with database.writing() as session:
        session.get_one(Subscriber, 1).text_only = True
        session.get_one(Subscriber, 2).state = "ended"
        order = test_copies.of_reader(session, " 1 ")
        for nobody in ("2", "99", "", "x", "1" * 30, "²"):
            with pytest.raises(InvalidInput, match="nobody with this number"):
                test_copies.of_reader(session, nobody)
    ask(database, ada, order)

    assert order == Order(("KZ", "SD"), text_only=True)
    with database.reading() as session:
        row = session.scalars(select(Notice)).one()
        assert row.subscriber_id is None
        assert row.about == '{"follows": ["KZ", "SD"], "text_only": true}'


def test_addresses_are_read_as_people_type_them(database, ada):
    with database.writing() as session:
        read = test_copies.read_addresses(session, "a@example.org, b@example.org;\nA@example.org", tokens=TOKENS)
        assert [each.key for each in read] == ["a@example.org", "b@example.org"]
        with pytest.raises(InvalidInput, match="“nonsense”"):
            test_copies.read_addresses(session, "a@example.org nonsense", tokens=TOKENS)
        with pytest.raises(InvalidInput, match="at most 5"):
            test_copies.read_addresses(session, " ".join(f"a{n}@example.org" for n in range(6)), tokens=TOKENS)


def test_who_wants_no_mail_from_us_is_sent_no_copy_either(database, ada):
    with database.writing() as session:
        reason = SuppressionReason.COMPLAINT
        suppressions.suppress(session, "a@example.org", reason, tokens=TOKENS, now=NOW + timedelta(0))
        with pytest.raises(InvalidInput, match="suppressed"):
            test_copies.read_addresses(session, "a@example.org", tokens=TOKENS)
