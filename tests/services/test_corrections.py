"""A correction: written at the desk, published by another person, and mailed to whoever got the wrong update."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter.domain.month import Month
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.errors import Conflict, EditionStateError, InvalidInput
from newsletter.services import claims, correction_mail, corrections, editions, editorial, revisions, suppressions
from newsletter.services.approval import Approval
from newsletter.storage.tables import Delivery, Edition, Notice, Subscriber, Subscription
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, TOKENS, an_update, at_once, begin, start_sending, subscribe_readers

HOUR = timedelta(hours=1)
RIGHT = "Kazakhstan had a calm month."
WRONG = "We told of the wrong town."


@pytest.fixture
def over(database, settings):
    """November was sent to readers 1 to 6, but for the last, whose delivery failed."""
    edition_id = start_sending(database, settings, ["KZ", "all", "central-asia", "SD", "KZ;SD", "KZ"])
    with database.writing() as session:
        session.execute(update(Delivery).values(state="sent"))
        session.execute(update(Delivery).where(Delivery.subscriber_id == 6).values(state="failed"))
        session.execute(update(Edition).values(state="sent", ended_at=NOW))
        subscribe_readers(session, at=NOW)
    return edition_id


def write(session, headline=RIGHT):
    """Put a headline right in the open correction."""
    edition = editions.get(session, NOVEMBER)
    stands = corrections.entry_of(corrections.open_one(session, edition), "KZ").update
    seen = corrections.fingerprint(stands)
    return corrections.change(session, NOVEMBER, replace(stands, headline=headline), seen=seen)


def publish(database):
    with database.writing() as session:
        corrections.begin(session, NOVEMBER)
        write(session)
        corrections.describe(session, NOVEMBER, WRONG)
        return corrections.publish(session, NOVEMBER, by="rev@example.org", now=NOW + HOUR).number


def headlines(session, number=None):
    told = revisions.contents(session, editions.get(session, NOVEMBER), number)
    return {each.place.code: each.update.headline for each in told.entries}


def test_what_is_published_is_what_the_web_shows_and_what_was_sent_stays(database, over):
    with database.reading() as session:
        frozen = editions.get(session, NOVEMBER).compiled.sha256

    assert publish(database) == 2

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert headlines(session)["KZ"] == editorial.get(session, "KZ", NOVEMBER).headline == RIGHT
        assert headlines(session, 1)["KZ"] == "KZ had a quiet month."
        assert edition.compiled.sha256 == frozen
        (told,) = revisions.published(session, edition)
        assert (told.number, told.at, told.note, told.places) == (2, NOW + HOUR, WRONG, ("KZ",))
        assert [each.number for each in revisions.of_place(session, "KZ", NOVEMBER)] == [2]
        assert revisions.of_place(session, "SD", NOVEMBER) == []


def test_nobody_outside_sees_it_before_it_is_published(database, settings, over):
    with database.writing() as session:
        corrections.begin(session, NOVEMBER)
        write(session)

    with database.reading() as session:
        assert headlines(session)["KZ"] == editorial.get(session, "KZ", NOVEMBER).headline == "KZ had a quiet month."
        assert revisions.published(session, editions.get(session, NOVEMBER)) == []


def test_a_second_correction_starts_from_the_first(database, over):
    publish(database)
    with database.writing() as session:
        assert corrections.begin(session, NOVEMBER).number == 3
        write(session, "Better still.")
        corrections.describe(session, NOVEMBER, "The day was wrong, too.")
        corrections.publish(session, NOVEMBER, by="rev@example.org", now=NOW + 2 * HOUR)

    with database.reading() as session:
        assert [headlines(session, number)["KZ"] for number in (2, 3)] == [RIGHT, "Better still."]


def test_what_was_imported_since_is_in_it(database, over):
    with database.writing() as session:
        editorial.store(session, an_update("SD", headline="Imported since."), now=NOW + HOUR)
        edition = editions.get(session, NOVEMBER)
        assert list(corrections.changed(session, edition, corrections.begin(session, NOVEMBER))) == ["SD"]


def test_it_takes_words_a_change_and_where_it_is_so_set_another_person(database, over):
    two = {"now": NOW, "rule": Approval.TWO}
    with database.writing() as session:
        corrections.begin(session, NOVEMBER)
        with pytest.raises(EditionStateError, match="nothing is corrected yet"):
            corrections.publish(session, NOVEMBER, by="ada@example.org", now=NOW)
        write(session)
        with pytest.raises(EditionStateError, match="say what was wrong"):
            corrections.propose(session, NOVEMBER, by="ada@example.org", now=NOW)
        with pytest.raises(InvalidInput, match="say what was wrong"):
            corrections.describe(session, NOVEMBER, " \n ")
        corrections.describe(session, NOVEMBER, WRONG)
        with pytest.raises(EditionStateError, match="propose it first"):
            corrections.publish(session, NOVEMBER, by="ada@example.org", **two)
        corrections.propose(session, NOVEMBER, by="ada@example.org", now=NOW)
        with pytest.raises(EditionStateError, match="somebody else"):
            corrections.publish(session, NOVEMBER, by="ada@example.org", **two)
        write(session, "Changed after it was proposed.")
        with pytest.raises(EditionStateError, match="propose it first"):
            corrections.publish(session, NOVEMBER, by="bob@example.org", **two)
        corrections.propose(session, NOVEMBER, by="ada@example.org", now=NOW)
        assert corrections.publish(session, NOVEMBER, by="bob@example.org", **two).by == "bob@example.org"


def test_of_two_who_change_the_same_update_the_second_is_told(database, over):
    with database.writing() as session:
        stands = corrections.entry_of(corrections.begin(session, NOVEMBER), "KZ").update
        write(session)
        with pytest.raises(Conflict, match="somebody else"):
            corrections.change(session, NOVEMBER, stands, seen=corrections.fingerprint(stands))


@pytest.mark.parametrize("state", ["draft", "approved", "sending", "paused"])
def test_only_what_has_ended_is_corrected(database, over, state):
    with database.writing() as session:
        session.execute(update(Edition).values(state=state))
        with pytest.raises(EditionStateError):
            corrections.begin(session, NOVEMBER)


def test_it_is_mailed_to_whoever_got_the_wrong_update_and_follows_it(database, over):
    number = publish(database)
    with database.writing() as session:
        session.execute(update(Subscriber).where(Subscriber.id == 5).values(state="ended", ended_at=NOW))
        found = correction_mail.reach(session, NOVEMBER, number, now=NOW)
        assert (found.readers, found.paused, found.left) == (3, 0, 1)
        assert correction_mail.tell(session, NOVEMBER, number, now=NOW + HOUR) == 3

    with database.reading() as session:
        assert session.scalars(select(Notice.subscriber_id).order_by(Notice.id)).all() == [1, 2, 3]


def test_whoever_chose_the_place_since_was_never_sent_it_and_is_not_told(database, over):
    number = publish(database)
    with database.writing() as session:
        session.get_one(Subscriber, 4).follows = "KZ;SD"
        session.add(Subscription(subscriber_id=4, place_code="KZ", requested_at=NOW + HOUR, confirmed_at=NOW + HOUR))
        first = session.scalars(select(Subscription).where(Subscription.subscriber_id == 1)).one()
        first.ended_at = NOW + HOUR  # and has chosen it again
        session.add(Subscription(subscriber_id=1, place_code="KZ", requested_at=NOW + HOUR, confirmed_at=NOW + HOUR))
        session.flush()
        correction_mail.tell(session, NOVEMBER, number, now=NOW + 2 * HOUR)

    with database.reading() as session:
        assert session.scalars(select(Notice.subscriber_id).order_by(Notice.id)).all() == [1, 2, 3, 5]


def test_nobody_is_told_twice(database, over):
    number = publish(database)

    def mail():
        try:
            with database.writing() as session:
                return correction_mail.tell(session, NOVEMBER, number, now=NOW + HOUR)
        except EditionStateError:
            return None

    assert sorted(at_once(4, mail), key=str) == [4, None, None, None]
    with database.reading() as session:
        assert len(session.scalars(select(Notice.id)).all()) == 4


def arm(database):
    with database.writing() as session:
        arming, _ = begin(session)
        return claims.arm_notices(session, replace(arming, now=NOW + 2 * HOUR), limit=9)


def test_whoever_left_paused_is_suppressed_or_follows_it_no_more_is_skipped(database, over):
    number = publish(database)
    with database.writing() as session:
        correction_mail.tell(session, NOVEMBER, number, now=NOW + HOUR)
        session.get_one(Subscriber, 1).state = "ended"
        session.get_one(Subscriber, 2).paused_until = NOW + 9 * HOUR
        session.get_one(Subscriber, 3).follows = "SD"
        suppressions.suppress(
            session, "reader5@example.org", SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW + HOUR
        )

    assert arm(database) == []
    with database.reading() as session:
        found = session.scalars(select(Notice.detail).order_by(Notice.subscriber_id)).all()
    assert found == ["ended", "paused", "nothing_to_tell", "suppressed"]


def test_it_tells_what_was_wrong_and_how_it_is_right(database, over):
    number = publish(database)
    with database.writing() as session:
        correction_mail.tell(session, NOVEMBER, number, now=NOW + HOUR)

    armed = arm(database)

    assert {each.kind for each in armed} == {NoticeKind.CORRECTION}
    assert {each.correction.note for each in armed} == {WRONG}
    assert [[each.headline for each in row.correction.updates] for row in armed] == [[RIGHT]] * 4
    assert [row.recipient.follows for row in armed] == [("KZ",), ("all",), ("central-asia",), ("KZ",)]


def test_of_a_place_that_a_reader_follows_a_correction_tells_and_of_no_other(database, over):
    with database.writing() as session:
        corrections.begin(session, NOVEMBER)
        write(session)
        edition = editions.get(session, NOVEMBER)
        sudan = corrections.entry_of(corrections.open_one(session, edition), "SD").update
        right = replace(sudan, headline="Sudan, put right.")
        corrections.change(session, NOVEMBER, right, seen=corrections.fingerprint(sudan))
        corrections.describe(session, NOVEMBER, WRONG)
        corrections.publish(session, NOVEMBER, by="rev@example.org", now=NOW)
        assert correction_mail.tell(session, NOVEMBER, 2, now=NOW + HOUR) == 5

    told = {row.recipient.subscriber_id: sorted(each.place for each in row.correction.updates) for row in arm(database)}

    assert told == {1: ["KZ"], 2: ["KZ", "SD"], 3: ["KZ"], 4: ["SD"], 5: ["KZ", "SD"]}


def test_other_notices_do_not_wait_for_corrections(database, over):
    number = publish(database)
    with database.writing() as session:
        correction_mail.tell(session, NOVEMBER, number, now=NOW)
        waiting = {"state": "pending", "created_at": NOW, "due_at": int((NOW + HOUR).timestamp())}
        session.add(Notice(subscriber_id=1, kind="welcome", **waiting))

    with database.writing() as session:
        arming, _ = begin(session)
        (first,) = claims.arm_notices(session, replace(arming, now=NOW + 2 * HOUR), limit=1)

    assert first.kind is NoticeKind.WELCOME


def test_months_that_were_never_sent_have_no_revision(database, over):
    with database.reading() as session:
        assert revisions.of_place(session, "KZ", Month(2022, 10)) == []
