"""A new address: asked at, taken by its owner, told to the old one; and nobody learns whose it is by asking for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.errors import SubscriptionEnded
from newsletter.services import address_changes, leaving, preferences, signup, suppressions
from newsletter.services.address_changes import Changing
from newsletter.storage.tables import Consent, Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, at_once, counted, dump

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NEW = "Ada@new.example.org"


@pytest.fixture
def ada(database):
    """An active subscriber; their id."""
    return subscribe(database, "ada@example.org")


def subscribe(database, address, *, confirm=True, at=NOW):
    with database.writing() as session:
        parsed = Address.parse(address)
        signup.request(session, parsed, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=at)
        found = session.scalars(select(Subscriber.id).where(Subscriber.address_key == parsed.key)).one()
        if confirm:
            signup.confirm(session, found, origin=ORIGIN, tokens=TOKENS, now=at)
        return found


def ask(database, subscriber_id, address=NEW, *, at=NOW):
    with database.writing() as session:
        subscriber = preferences.subscriber_of_link(session, subscriber_id)
        parsed = Address.parse(address)
        address_changes.request(session, subscriber, parsed, origin=ORIGIN, tokens=TOKENS, now=at)


def questions(database):
    """The ids of the questions, and where they go."""
    with database.reading() as session:
        kind = NoticeKind.ADDRESS_CHANGE.value
        query = select(Notice.id, Notice.address).where(Notice.kind == kind).order_by(Notice.id)
        return [tuple(row) for row in session.execute(query)]


def question(database):
    """The id of the newest one."""
    return questions(database)[-1][0]


def confirm(database, notice_id, *, at=NOW + HOUR):
    with database.writing() as session:
        return address_changes.confirm(session, notice_id, origin=ORIGIN, tokens=TOKENS, now=at)


def is_sent(database, notice_id):
    with database.reading() as session:
        return notice_id in address_changes.askable(session, [notice_id])


def stored(database, subscriber_id):
    with database.reading() as session:
        found = session.get_one(Subscriber, subscriber_id)
        return found.address, found.address_key


def test_the_owner_of_the_new_address_confirms_it_and_the_old_one_is_told(database, ada):
    ask(database, ada)
    assert questions(database) == [(question(database), NEW)]
    assert is_sent(database, question(database))
    assert stored(database, ada) == ("ada@example.org", "ada@example.org")

    assert confirm(database, question(database)) is Changing.POSSIBLE

    assert stored(database, ada) == (NEW, NEW.lower())
    with database.reading() as session:
        told = session.scalars(select(Notice).order_by(Notice.id.desc())).first()
        assert (told.kind, told.subscriber_id, told.address) == ("address_changed", ada, "ada@example.org")
        acts = session.scalars(select(Consent.act).order_by(Consent.id)).all()
        assert acts[-2:] == ["address_asked", "address_changed"]


def test_confirming_twice_changes_nothing_more(database, ada):
    ask(database, ada)
    found = at_once(3, lambda: confirm(database, question(database)))

    assert sorted(each.name for each in found) == ["DONE", "DONE", "POSSIBLE"]
    before = dump(database)
    assert confirm(database, question(database)) is Changing.DONE
    assert dump(database) == before


def test_a_new_question_ends_the_one_before(database, ada):
    ask(database, ada)
    first = question(database)
    ask(database, ada, "ada@third.example.org", at=NOW + HOUR)

    assert not is_sent(database, first)
    assert confirm(database, first) is Changing.OVERTAKEN
    assert confirm(database, question(database)) is Changing.POSSIBLE
    assert stored(database, ada)[0] == "ada@third.example.org"


def take(database, how):
    """Make the new address one that can't be had."""
    if how == "suppressed":
        with database.writing() as session:
            suppressions.suppress(session, NEW.lower(), SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)
        return
    bea = subscribe(database, NEW)
    if how == "ended":
        with database.writing() as session:
            bea_ = preferences.subscriber_of_link(session, bea)
            leaving.leave(session, bea_, origin=ORIGIN, tokens=TOKENS, now=NOW)


@pytest.mark.parametrize(
    ("how", "found"),
    [("active", Changing.TAKEN), ("ended", Changing.TAKEN), ("suppressed", Changing.SUPPRESSED)],
)
def test_an_address_that_can_not_be_had_is_not_taken(database, ada, how, found):
    take(database, how)
    ask(database, ada)
    before = dump(database)

    assert is_sent(database, question(database)) is (how == "suppressed")  # which services.claims looks up
    assert confirm(database, question(database)) is found
    assert dump(database) == before


def test_asking_takes_the_same_statements_whoever_owns_the_address(database, ada):
    take(database, "active")
    taken = {}
    for number, address in enumerate((NEW, "ada@example.org", "nobody@example.org")):
        with counted(database) as statements:
            ask(database, ada, address, at=NOW + number * HOUR)
        taken[address] = [each for each in statements if not each.startswith(("SAVEPOINT", "RELEASE"))]

    assert taken["ada@example.org"] == taken["nobody@example.org"] == taken[NEW]
    assert len(taken[NEW]) > 3


def test_ones_own_address_is_not_asked_at(database, ada):
    ask(database, ada, "ADA@example.org")

    assert not is_sent(database, question(database))
    assert confirm(database, question(database)) is Changing.DONE
    assert stored(database, ada)[0] == "ada@example.org"


def test_who_only_typed_an_address_into_the_form_does_not_keep_its_owner_out(database, ada):
    ask(database, ada)
    subscribe(database, NEW, confirm=False)

    assert is_sent(database, question(database))
    assert confirm(database, question(database)) is Changing.POSSIBLE
    assert stored(database, ada)[1] == NEW.lower()


def test_of_two_who_take_an_address_at_once_one_gets_it(database, ada):
    bea = subscribe(database, "bea@example.org")
    ask(database, ada)
    ask(database, bea, at=NOW + HOUR)
    waiting = [number for number, _ in questions(database)]

    found = at_once(2, lambda: confirm(database, waiting.pop(), at=NOW + 2 * HOUR))

    assert set(found) == {Changing.POSSIBLE, Changing.TAKEN}
    assert [stored(database, each)[1] for each in (ada, bea)].count(NEW.lower()) == 1


def test_an_address_is_written_to_once_in_a_quarter_of_an_hour_and_thrice_a_day_whoever_asks(database, ada):
    others = [subscribe(database, f"other{number}@example.org") for number in range(3)]
    moments = [NOW, NOW + timedelta(minutes=14), NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR]
    for asker, at in zip([ada, *others, ada], moments, strict=True):
        ask(database, asker, NEW if asker == ada else NEW.upper(), at=at)
    assert len(questions(database)) == 3

    ask(database, others[0], at=NOW + DAY + timedelta(minutes=1))
    assert len(questions(database)) == 4


def test_a_subscriber_asks_at_three_addresses_a_day_and_the_last_question_stands(database, ada):
    for number in range(5):
        ask(database, ada, f"victim{number}@example.org", at=NOW + number * HOUR)

    assert [address for _, address in questions(database)] == [f"victim{number}@example.org" for number in range(3)]
    assert confirm(database, question(database), at=NOW + 6 * HOUR) is Changing.POSSIBLE
    assert stored(database, ada)[0] == "victim2@example.org"


def test_who_has_left_neither_asks_nor_confirms(database, ada):
    ask(database, ada)
    with database.writing() as session:
        leaving.leave(session, session.get_one(Subscriber, ada), origin=ORIGIN, tokens=TOKENS, now=NOW)
    before = dump(database)

    assert confirm(database, question(database)) is Changing.ENDED
    with pytest.raises(SubscriptionEnded):
        ask(database, ada, at=NOW + HOUR)
    assert dump(database) == before


def test_the_page_shows_what_it_waits_for_until_it_is_confirmed_or_too_old(database, ada):
    def waiting(at):
        with database.reading() as session:
            return address_changes.waiting(session, session.get_one(Subscriber, ada), now=at, lifetime=7 * DAY)

    ask(database, ada)
    assert waiting(NOW + DAY) == NEW
    assert waiting(NOW + 7 * DAY + HOUR) is None
    confirm(database, question(database))
    assert waiting(NOW + DAY) is None
