"""Who is erased is gone: from every table, from the bytes of the file and of its log, and from what is logged."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update

from newsletter.delivery.outcome import Outcome, Phase, Verdict
from newsletter.domain.address import Address
from newsletter.domain.states import DeliveryState, NoticeKind, SuppressionReason
from newsletter.errors import InvalidInput, LinkInvalid
from newsletter.jobs import forgetting
from newsletter.services import (
    address_changes,
    claims,
    erasure,
    forgotten,
    leaving,
    notices,
    preferences,
    results,
    signup,
    subscribers,
    suppressions,
)
from newsletter.services.subscribers import Row
from newsletter.storage import erasing
from newsletter.storage.tables import AddressChange, Consent, Delivery, Notice, Subscriber, Subscription, Suppression
from tests.conftest import NOW
from tests.services.stock import (
    NO_MAILBOX,
    OK,
    ORIGIN,
    TOKENS,
    add_readers,
    arm,
    begin,
    deliveries_of,
    dump,
    record,
    start_sending,
)

ADA = Address.parse("Ada.Lovelace@example.org")
DAY = timedelta(days=1)


def ask(database, address=ADA, *, at=NOW):
    with database.writing() as session:
        signup.request(session, address, ["KZ"], origin=ORIGIN, tokens=TOKENS, now=at)


def subscribe(database, address=ADA, *, at=NOW):
    ask(database, address, at=at)
    with database.writing() as session:
        found = subscribers.by_address(session, address.key)
        signup.confirm(session, found.id, origin=ORIGIN, tokens=TOKENS, now=at)
        return found.id


def erase(database, subscriber_id, *, at=NOW):
    with database.writing() as session:
        erasure.erase(session, session.get_one(Subscriber, subscriber_id), tokens=TOKENS, now=at)


def kept(database):
    """All that is kept, as text, as it can be searched."""
    return "\n".join(map(str, dump(database))).lower()


def bytes_of(database):
    assert database.path is not None
    files = [database.path, *(Path(f"{database.path}{end}") for end in ("-wal", "-shm", "-journal"))]
    return b"".join(file.read_bytes() for file in files if file.exists()).lower()


def a_busy_life(database, settings):
    """Subscribed, confirmed, written to, refused by the relay for a while, and on the way to a new address."""
    edition_id = start_sending(database, settings, ["SD"] * 3)
    reader = subscribe(database)
    with database.writing() as session:
        session.add(
            Delivery(edition_id=edition_id, subscriber_id=reader, state="deferred", detail="busy: ada.lovelace")
        )
    with database.writing() as session:
        arming, recording = begin(session)
        notices_ = claims.arm_notices(session, arming, limit=10)
    record(database, recording, *(Outcome(each.claim, Verdict.SENT, OK) for each in notices_))
    with database.writing() as session:
        found = session.get_one(Subscriber, reader)
        preferences.change(session, found, ["SD", "ET"], alerts_at_once=True, origin=ORIGIN, now=NOW)
        other = Address.parse("ADA.lovelace@other.example")
        address_changes.request(session, found, other, origin=ORIGIN, tokens=TOKENS, now=NOW)
    return edition_id, reader


def test_nothing_of_a_person_is_left_anywhere(database, settings, caplog):
    caplog.set_level(logging.DEBUG)
    edition_id, reader = a_busy_life(database, settings)
    assert "ada.lovelace" in kept(database)

    erase(database, reader)
    assert erasing.cut_log(database.engine)

    assert "lovelace" not in kept(database)
    assert "lovelace" not in caplog.text.lower()
    if database.path is not None:
        assert b"lovelace" not in bytes_of(database)
    with database.reading() as session:
        for table in (Subscription, Consent, Notice, AddressChange):
            assert session.scalars(select(table).where(table.subscriber_id == reader)).all() == []
        left = deliveries_of(session, edition_id)[-1]
        assert (left.subscriber_id, left.state, left.detail) == (reader, "deferred", None)
        assert [row.reason for row in session.scalars(select(Suppression))] == ["erased"]


def test_the_log_holds_the_address_until_it_is_cut(sqlite, settings):
    reader = a_busy_life(sqlite, settings)[1]
    erase(sqlite, reader)

    assert b"lovelace" in bytes_of(sqlite), "otherwise the test above would show nothing"


@pytest.fixture
def crowd(sqlite):
    """1,500 readers whose rows have grown, in a tree that has split; every tenth is erased. The names of these."""
    names = [f"{number * 7919 % 3001:05}-reader" for number in range(1500)]
    rows = [dict.fromkeys(("address", "address_key"), f"{name}@example.org") for name in names]
    with sqlite.writing() as session:
        session.execute(insert(Subscriber), [row | {"state": "pending", "created_at": NOW} for row in rows])
    with sqlite.writing() as session:
        session.execute(update(Subscriber).values(state="active", confirmed_at=NOW, follows="KZ;SD;ET;central-asia"))
    with sqlite.writing() as session:
        for found in session.scalars(select(Subscriber).where(Subscriber.id % 10 == 0)).all():
            erasure.erase(session, found, tokens=TOKENS, now=NOW)
    return names[9::10]


def found_of(names, database):
    data = bytes_of(database)
    return [name for name in names if name.encode() in data]


def test_of_many_who_came_and_grew_and_went_hardly_one_is_left_at_once(sqlite, crowd):
    """Rows that grow are moved: were only the connection that erases careful, one in seven would be left."""
    assert erasing.cut_log(sqlite.engine)

    assert len(found_of(crowd, sqlite)) <= 1


def test_a_small_file_is_written_anew_within_the_hour_and_holds_none_of_them(sqlite, crowd):
    erasing.cut_log(sqlite.engine)
    before = sqlite.path.stat().st_size

    forgetting.run(sqlite, TOKENS, now=NOW + forgetting.EVERY)

    assert sqlite.path.stat().st_size < before
    assert found_of(crowd, sqlite) == []
    kept_names = [address.partition("@")[0] for address in addresses(sqlite)]
    assert found_of(kept_names, sqlite) == kept_names
    assert len(kept_names) == 1350


@pytest.mark.usefixtures("crowd")
def test_a_large_file_is_not_and_neither_is_one_of_which_nobody_was_erased_lately(sqlite, monkeypatch):
    erasing.cut_log(sqlite.engine)
    before = sqlite.path.stat().st_size

    forgetting.run(sqlite, TOKENS, now=NOW + 3 * forgetting.EVERY)
    monkeypatch.setattr(erasing, "SMALL_BYTES", before - 1)
    forgetting.run(sqlite, TOKENS, now=NOW + forgetting.EVERY)

    assert sqlite.path.stat().st_size == before


def addresses(database):
    with database.reading() as session:
        return session.scalars(select(Subscriber.address)).all()


def test_postgresql_vacuums_what_was_erased(postgresql):
    reader = subscribe(postgresql)
    before = vacuums(postgresql)
    forgetting.run(postgresql, TOKENS, now=NOW)
    assert vacuums(postgresql) == before, "nothing was forgotten"

    erase(postgresql, reader)
    forgetting.run(postgresql, TOKENS, now=NOW + forgetting.EVERY)

    assert vacuums(postgresql) == {name: count + 1 for name, count in before.items()}


def vacuums(database):
    names = ["subscriber", "address_change", "subscription", "consent", "notice", "delivery"]
    query = text("SELECT relname, vacuum_count FROM pg_stat_user_tables WHERE relname = ANY(:names) ORDER BY 1")
    with database.reading() as session:
        return dict(session.execute(query, {"names": names}).all())


def test_a_log_that_somebody_reads_is_cut_later(sqlite):
    reader = subscribe(sqlite)
    with sqlite.reading() as session:
        session.scalars(select(Subscriber)).all()
        erase(sqlite, reader)
        assert not erasing.cut_log(sqlite.engine)

    assert erasing.cut_log(sqlite.engine)
    assert b"lovelace" not in bytes_of(sqlite)


def test_who_was_erased_gets_nothing_by_the_form_and_by_no_import(database):
    erase(database, subscribe(database))
    before = dump(database)

    ask(database, Address.parse("ADA.LOVELACE@EXAMPLE.org"))

    assert dump(database) == before
    row = Row(ADA, ("KZ",), "en", NOW, "an old list")
    with database.writing() as session, pytest.raises(InvalidInput, match="this address is suppressed"):
        subscribers.take_in(session, row, tokens=TOKENS, source="list.csv", now=NOW)
    assert dump(database) == before


def test_when_an_admin_lifts_it_they_can_subscribe_again(database):
    first = subscribe(database)
    erase(database, first)
    with database.writing() as session:
        assert suppressions.lift(session, ADA.key, tokens=TOKENS) is SuppressionReason.ERASED

    assert subscribe(database) > first, "no old link leads to them"
    with database.reading() as session, pytest.raises(LinkInvalid):
        preferences.subscriber_of_link(session, first)


def test_only_that_they_were_erased_is_kept_whatever_was_before(database):
    reader = subscribe(database)
    with database.writing() as session:
        suppressions.suppress(session, ADA.key, SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)

    erase(database, reader, at=NOW + DAY)

    with database.reading() as session:
        assert [(row.reason, row.at) for row in session.scalars(select(Suppression))] == [("erased", NOW + DAY)]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        pytest.param((Verdict.SENT, OK, Phase.DOT), "sent", id="taken by the relay"),
        pytest.param((Verdict.NEVER, NO_MAILBOX, Phase.RCPT), "failed", id="no such mailbox"),
        pytest.param((Verdict.UNKNOWN, None, Phase.DOT), "deferred", id="nobody knows"),
    ],
)
def test_what_a_sender_has_in_its_hands_comes_back_to_nobody(database, settings, outcome, state):
    edition_id = start_sending(database, settings, ["KZ"] * 2)
    with database.writing() as session:
        arming, recording = begin(session)
        first, _ = arm(session, arming, edition_id).deliveries
    erase(database, 1)
    verdict, reply, phase = outcome

    assert record(database, recording, Outcome(first.claim, verdict, reply, phase=phase)) == 1

    with database.reading() as session:
        row = deliveries_of(session, edition_id)[0]
        assert (row.state, row.detail) == (state, None), "the relay's words may name the reader"
        assert [row.reason for row in session.scalars(select(Suppression))] == ["erased"]


def test_what_was_still_to_be_sent_is_skipped(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 2)
    erase(database, 1)
    with database.writing() as session:
        arming, _ = begin(session)
        armed = arm(session, arming, edition_id)

    assert [each.claim.row_id for each in armed.deliveries] == [2]
    with database.reading() as session:
        skipped = deliveries_of(session, edition_id)[0]
        assert (skipped.state, skipped.detail) == (DeliveryState.SKIPPED, "ended")


def test_a_notice_in_a_senders_hands_leaves_nothing_behind(database):
    reader = subscribe(database)
    with database.writing() as session:
        arming, recording = begin(session)
        armed = claims.arm_notices(session, arming, limit=10)
    erase(database, reader)

    with database.writing() as session:
        told = [(each.claim, Outcome(each.claim, Verdict.NEVER, NO_MAILBOX, phase=Phase.RCPT)) for each in armed]
        assert results.record(session, told, recording) == 0
    assert "lovelace" not in kept(database)


@pytest.mark.parametrize("written", ["Äda@example.org", "äda@EXAMPLE.org", "ÄDA@example.org"])
def test_another_ones_mail_to_the_address_goes_however_it_was_written(database, written):
    subscribe(database, Address.parse("Äda@example.org"))
    eve = subscribe(database, Address.parse("eve@example.org"))
    with database.writing() as session:
        notices.enqueue(session, NoticeKind.ADDRESS_CHANGED, eve, now=NOW).address = written

    erase(database, 1)

    assert "äda" not in kept(database)


def test_others_are_untouched_but_for_what_names_the_address(database):
    subscribe(database)
    eve = subscribe(database, Address.parse("eve@example.org"))
    with database.writing() as session:
        found = session.get_one(Subscriber, eve)
        notices.enqueue(session, NoticeKind.ADDRESS_CHANGED, eve, now=NOW).address = ADA.text
        address_changes.request(session, found, ADA, origin=ORIGIN, tokens=TOKENS, now=NOW)

    erase(database, 1)

    assert "lovelace" not in kept(database)
    with database.reading() as session:
        assert session.get_one(Subscriber, eve).state == "active"
        assert session.scalars(select(Notice.kind).order_by(Notice.id)).all() == ["confirmation", "welcome"]


def test_who_left_long_ago_can_be_erased_still(database):
    add_readers(database, ["KZ"])
    reader = subscribe(database)
    with database.writing() as session:
        leaving.leave(session, session.get_one(Subscriber, reader), origin=ORIGIN, tokens=TOKENS, now=NOW)
    forgetting.run(database, TOKENS, now=NOW + 29 * DAY)
    again = subscribe(database, at=NOW + 30 * DAY)

    erase(database, again, at=NOW + 30 * DAY)

    with database.reading() as session:
        assert forgotten.find(session, ADA.key, tokens=TOKENS) is None
        assert session.scalars(select(Subscriber.id)).all() == [1]
        assert suppressions.is_suppressed(session, ADA.key, tokens=TOKENS)


def test_who_is_forgotten_is_suppressed_by_the_hash_that_is_left(database):
    reader = subscribe(database)
    with database.writing() as session:
        leaving.leave(session, session.get_one(Subscriber, reader), origin=ORIGIN, tokens=TOKENS, now=NOW)
    forgetting.run(database, TOKENS, now=NOW + 29 * DAY)

    erase(database, reader, at=NOW + 30 * DAY)

    with database.reading() as session:
        assert suppressions.is_suppressed(session, ADA.key, tokens=TOKENS)
        assert session.scalars(select(Subscriber)).all() == []
