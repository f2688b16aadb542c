"""Leaving says goodbye once, and can be taken back: exactly what was given up, once, by its own link only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.services import leaving, preferences, signup, suppressions
from newsletter.services.leaving import Undo
from newsletter.storage.tables import Consent, Notice, Subscriber, Subscription
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, at_once, dump

ADA = Address.parse("ada@example.org")
HOUR = timedelta(hours=1)
LEFT = NOW + 2 * HOUR


@pytest.fixture
def reader(database):
    """Has followed Kazakhstan, and follows Sudan and Central Asia now, with alerts; their id."""
    subscribe(database, "KZ")
    with database.writing() as session:
        ada = session.get_one(Subscriber, 1)
        preferences.change(session, ada, ("central-asia", "SD"), alerts_at_once=True, origin=ORIGIN, now=NOW + HOUR)
    return 1


def subscribe(database, *subjects, at=NOW, confirm=True):
    with database.writing() as session:
        signup.request(session, ADA, subjects, origin=ORIGIN, tokens=TOKENS, now=at)
        if confirm:
            signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=at)


def leave(database, *, at=LEFT):
    with database.writing() as session:
        ada = session.get(Subscriber, 1, with_for_update=True)
        leaving.leave(session, ada, origin=ORIGIN, tokens=TOKENS, now=at)


def undo(database, *, left_at=LEFT, at=LEFT + HOUR):
    with database.writing() as session:
        ada = session.get(Subscriber, 1, with_for_update=True)
        return leaving.undo(session, ada, left_at, origin=ORIGIN, tokens=TOKENS, now=at)


def suppress(database):
    with database.writing() as session:
        suppressions.suppress(session, ADA.key, SuppressionReason.COMPLAINT, tokens=TOKENS, now=LEFT)


def goodbyes(database):
    with database.reading() as session:
        query = select(Notice.created_at).where(Notice.kind == NoticeKind.GOODBYE.value)
        return list(session.scalars(query))


def live(database):
    with database.reading() as session:
        query = select(Subscription).where(Subscription.ended_at.is_(None)).order_by(Subscription.id)
        return [(each.subject, each.requested_at, each.confirmed_at) for each in session.scalars(query)]


def test_who_leaves_is_told_goodbye_once(database, reader):
    leave(database)
    at_once(3, lambda: leave(database, at=LEFT + HOUR))

    assert goodbyes(database) == [LEFT]


def test_who_never_confirmed_or_is_suppressed_gets_no_goodbye(database):
    subscribe(database, "KZ", confirm=False)
    leave(database)
    assert goodbyes(database) == []

    subscribe(database, "KZ", at=LEFT + HOUR)
    suppress(database)
    leave(database, at=LEFT + 2 * HOUR)
    assert goodbyes(database) == []


def test_undoing_brings_back_exactly_what_was_given_up_and_keeps_the_history(database, reader):
    leave(database)
    assert undo(database, left_at=LEFT.replace(microsecond=0)) is Undo.POSSIBLE

    back = LEFT + HOUR
    assert sorted(live(database)) == [("SD", back, back), ("central-asia", back, back)]
    with database.reading() as session:
        ada = session.get_one(Subscriber, 1)
        assert (ada.state, ada.follows, ada.ended_at) == ("active", "central-asia;SD", None)
        assert ada.alerts_at_once
        assert len(session.scalars(select(Subscription)).all()) == 5
        acts = session.scalars(select(Consent.act).order_by(Consent.id)).all()
        assert acts == ["requested", "confirmed", "changed", "ended", "restored"]


def test_undoing_twice_or_after_a_change_of_mind_changes_nothing(database, reader):
    leave(database)
    at_once(4, lambda: undo(database))
    with database.writing() as session:
        ada = session.get_one(Subscriber, 1)
        preferences.change(session, ada, ("ET",), alerts_at_once=False, origin=ORIGIN, now=LEFT + 2 * HOUR)
    before = dump(database)

    assert undo(database, at=LEFT + 3 * HOUR) is Undo.NEEDLESS
    assert dump(database) == before


def test_a_goodbye_undoes_its_own_leaving_only(database, reader):
    leave(database)
    undo(database)
    again = LEFT + 2 * HOUR
    leave(database, at=again)
    before = dump(database)

    assert undo(database, at=again) is Undo.OVERTAKEN
    assert dump(database) == before
    assert undo(database, left_at=again, at=again + HOUR) is Undo.POSSIBLE


def test_a_stranger_who_asks_in_their_name_neither_spoils_the_undo_nor_adds_to_it(database, reader):
    leave(database)
    subscribe(database, "all", "SD", at=LEFT + HOUR, confirm=False)

    assert undo(database, at=LEFT + 2 * HOUR) is Undo.POSSIBLE
    assert {subject for subject, *_ in live(database)} == {"central-asia", "SD"}
    assert all(confirmed for *_, confirmed in live(database))
    with database.reading() as session:
        assert session.get_one(Subscriber, 1).follows == "central-asia;SD"


def test_what_was_never_confirmed_can_not_be_brought_back(database):
    subscribe(database, "KZ", confirm=False)
    leave(database)
    before = dump(database)

    assert undo(database) is Undo.FORGOTTEN
    assert dump(database) == before


def test_who_is_suppressed_or_erased_since_stays_out(database, reader):
    leave(database)
    suppress(database)
    before = dump(database)
    assert undo(database) is Undo.SUPPRESSED
    assert dump(database) == before

    with database.writing() as session:
        session.delete(session.get_one(Subscriber, 1))
    assert undo(database) is Undo.FORGOTTEN


def test_who_comes_back_by_the_form_is_not_asked_for_alerts_they_once_wanted(database, reader):
    leave(database)
    subscribe(database, "SD", at=LEFT + HOUR)

    with database.reading() as session:
        assert not session.get_one(Subscriber, 1).alerts_at_once
