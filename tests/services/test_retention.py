"""What is forgotten when its time is over, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, insert, select

from newsletter.domain.address import Address
from newsletter.domain.formats.typed import Typed
from newsletter.domain.month import Month
from newsletter.domain.states import OPEN_STATES, DeliveryState
from newsletter.jobs import forgetting
from newsletter.mail.links import Tokens
from newsletter.services import (
    address_changes,
    forgotten,
    leaving,
    limits,
    old_deliveries,
    preferences,
    progress,
    retention,
    signup,
    subscribers,
    unsaved,
)
from newsletter.storage.tables import (
    Admin,
    Consent,
    Delivery,
    Edition,
    EditionTotal,
    Notice,
    RateWindow,
    Subscriber,
    Subscription,
)
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, add_readers, at_once, dump

ADA = Address.parse("ada@example.org")
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def ask(database, *, at=NOW, address=ADA, subject="KZ"):
    with database.writing() as session:
        signup.request(session, address, [subject], origin=ORIGIN, tokens=TOKENS, now=at)


def confirm(database, *, at=NOW):
    with database.writing() as session:
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=at)


def leave(database, *, at=NOW):
    with database.writing() as session:
        preferences.end(session, session.get_one(Subscriber, 1), "unsubscribed", origin=ORIGIN, now=at)


def purge(database, *, at):
    with database.reading() as session:
        is_due = retention.is_purge_due(session, now=at)
    with database.writing() as session:
        count = retention.purge_pending(session, at)
    assert is_due == bool(count)
    return count


def test_who_never_confirmed_is_forgotten_with_all_that_belongs_to_them(database):
    before = dump(database)
    ask(database)

    assert purge(database, at=NOW + 7 * DAY) == 0
    assert purge(database, at=NOW + 7 * DAY + SECOND) == 1
    assert dump(database) == before
    assert purge(database, at=NOW + 8 * DAY) == 0


def test_a_link_that_is_still_good_is_not_taken_away(database):
    ask(database)
    ask(database, at=NOW + 6 * DAY)

    assert purge(database, at=NOW + 13 * DAY) == 0
    assert purge(database, at=NOW + 13 * DAY + SECOND) == 1


def test_asking_on_and_on_neither_keeps_an_address_nor_its_owner_out(database):
    for days in range(9):
        ask(database, at=NOW + days * DAY, subject=("KZ", "SD")[days % 2])
    assert purge(database, at=NOW + 9 * DAY + SECOND) == 1  # the third and last question went out on day 2

    ask(database, at=NOW + 10 * DAY)

    with database.reading() as session:
        assert session.scalars(select(Notice.kind)).all() == ["confirmation"]


def test_who_had_left_and_does_not_confirm_has_left_again(database):
    ask(database)
    confirm(database)
    leave(database, at=NOW + DAY)
    ask(database, at=NOW + 30 * DAY, subject="SD")
    with database.reading() as session:
        acts = session.scalars(select(Consent.act)).all()

    assert purge(database, at=NOW + 37 * DAY) == 0
    later = NOW + 37 * DAY + SECOND
    assert purge(database, at=later) == 1
    assert purge(database, at=later + DAY) == 0

    with database.reading() as session:
        found = session.scalars(select(Subscriber)).one()
        assert (found.state, found.confirmed_at, found.ended_at) == ("ended", NOW, NOW + DAY)
        history = session.execute(select(Subscription.ended_at, Subscription.reason).order_by(Subscription.id)).all()
        assert history == [(NOW + DAY, "unsubscribed"), (later, "not confirmed")]
        assert session.scalars(select(Consent.act)).all() == acts


def test_asking_in_the_name_of_who_has_left_keeps_their_address_no_longer(database):
    ask(database)
    confirm(database)
    leave(database, at=NOW + DAY)
    for days in range(2, 29, 9):
        ask(database, at=NOW + days * DAY)
        assert purge(database, at=NOW + (days + 8) * DAY) == 1

    with database.reading() as session:
        found = session.scalars(select(Subscriber)).one()
        assert (found.state, found.ended_at) == ("ended", NOW + DAY)
        assert not session.scalars(select(Notice.id).where(Notice.kind == "confirmation")).all()


def test_a_stranger_who_asks_uses_up_no_question_of_who_comes_back(database):
    ask(database)
    confirm(database)
    leave(database, at=NOW + DAY)
    for days in (2, 3, 4):
        ask(database, at=NOW + days * DAY)
    assert purge(database, at=NOW + 12 * DAY) == 1

    ask(database, at=NOW + 13 * DAY)

    with database.reading() as session:
        kinds = session.scalars(select(Notice.kind).where(Notice.created_at > NOW + 12 * DAY)).all()
        assert kinds == ["confirmation"]


def test_a_question_that_was_held_back_still_has_its_time(database):
    ask(database)
    confirm(database)
    leave(database, at=NOW + 30 * DAY)
    with database.writing() as session:
        session.get_one(Subscriber, 1).state = "pending"

    assert purge(database, at=NOW + 37 * DAY) == 0


@pytest.mark.parametrize("leaves", [False, True], ids=["active", "ended"])
def test_nobody_else_is_touched(database, leaves):
    ask(database)
    confirm(database)
    if leaves:
        leave(database)
    before = dump(database)

    assert purge(database, at=NOW + 400 * DAY) == 0
    assert dump(database) == before


def test_the_look_for_who_never_confirmed_does_not_go_through_all_subscribers(sqlite):
    asked = []
    event.listen(sqlite.engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
    with sqlite.reading() as session:
        retention.is_purge_due(session, now=NOW)
        [(statement, values)] = [each for each in asked if "subscriber" in each[0]]
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

    assert "SEARCH subscriber USING" in str(plan)
    assert "SCAN" not in str(plan)


def test_a_flood_is_forgotten_in_parts(database, monkeypatch):
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    add_readers(database, ["KZ"])
    for number in range(3):
        ask(database, address=Address.parse(f"nobody{number}@example.org"))

    assert [purge(database, at=NOW + 8 * DAY) for _ in range(3)] == [2, 1, 0]
    with database.reading() as session:
        assert session.scalars(select(Subscriber.state)).all() == ["active"]


def test_who_asks_again_while_they_are_forgotten_is_asked(database):
    later = NOW + 8 * DAY
    for round_ in range(10):
        address = Address.parse(f"ada{round_}@example.org")
        ask(database, address=address)
        acts = [lambda at: purge_only(database, at), lambda at, address=address: ask(database, at=at, address=address)]
        at_once(2, lambda acts=acts: acts.pop()(later))

        with database.reading() as session:
            query = select(Notice.created_at).join(Subscriber, Subscriber.id == Notice.subscriber_id)
            assert later in session.scalars(query.where(Subscriber.address_key == address.key)).all()


def purge_only(database, at):
    with database.writing() as session:
        retention.purge_pending(session, at)


def forget(database, name, *, at):
    """Let one rule forget what it may; how much it was."""
    [rule] = [rule for rule in retention.RULES if rule.name == name]
    with database.reading() as session:
        due = retention.due(session, now=at)[rule]
        assert retention.is_due(session, rule, now=at) == bool(due)
    with database.writing() as session:
        count = rule.forget(session, TOKENS, at)
    assert count == min(due, retention.MOST_AT_ONCE)
    return count


def left_by(database, *, at=NOW, reason=""):
    ask(database)
    with database.writing() as session:
        found = subscribers.by_address(session, ADA.key)
        signup.confirm(session, found.id, origin=ORIGIN, tokens=TOKENS, now=at)
        leaving.leave(session, found, reason=reason, origin=ORIGIN, tokens=TOKENS, now=at)
        return found.id


def test_the_address_of_who_has_left_is_kept_for_28_days(database):
    left_by(database, at=NOW + DAY, reason="ada@example.org gets too much")

    assert forget(database, "addresses", at=NOW + 29 * DAY) == 0
    assert forget(database, "addresses", at=NOW + 29 * DAY + SECOND) == 1
    assert forget(database, "addresses", at=NOW + 99 * DAY) == 0

    assert "ada@" not in str(dump(database))


def test_what_they_agreed_to_stays_and_is_found_by_who_knows_the_address(database):
    reader = left_by(database, reason="too much mail")
    forget(database, "addresses", at=NOW + 29 * DAY)

    with database.reading() as session:
        found = forgotten.find(session, ADA.key, tokens=TOKENS)
        assert found is not None
        assert (found.id, found.address, found.state, found.confirmed_at) == (reader, "", "ended", NOW)
        acts = session.execute(
            select(Consent.act, Consent.text).where(Consent.subscriber_id == reader).order_by(Consent.id)
        ).all()
        assert [act for act, _ in acts] == ["requested", "confirmed", "ended"]
        assert {words for _, words in acts} == {ORIGIN.text}
        assert session.scalars(select(Subscription.reason)).all() == ["unsubscribed"]
        assert forgotten.find(session, ADA.key, tokens=Tokens("another secret key")) is None
        assert forgotten.find(session, "eve@example.org", tokens=TOKENS) is None


def test_who_comes_back_and_leaves_again_has_one_history(database):
    left_by(database)
    forget(database, "addresses", at=NOW + 29 * DAY)
    later = left_by(database, at=NOW + 40 * DAY)
    assert forget(database, "addresses", at=NOW + 70 * DAY) == 1

    with database.reading() as session:
        assert [each.id for each in session.scalars(select(Subscriber))] == [later]
        assert len(session.scalars(select(Consent).where(Consent.subscriber_id == later)).all()) == 6
        assert len(session.scalars(select(Subscription).where(Subscription.subscriber_id == later)).all()) == 2


def test_who_asks_again_meanwhile_keeps_their_address(database):
    left_by(database)
    ask(database, at=NOW + 28 * DAY)

    assert forget(database, "addresses", at=NOW + 29 * DAY) == 0


def test_who_asks_again_while_they_are_forgotten_is_a_subscriber_of_their_own(database):
    later = NOW + 29 * DAY
    for round_ in range(10):
        address = Address.parse(f"ada{round_}@example.org")
        with database.writing() as session:
            values = {"address": address.text, "address_key": address.key, "state": "ended"}
            session.add(Subscriber(**values, created_at=NOW, ended_at=NOW))
        acts = [lambda: forget_only(database, later), lambda address=address: ask(database, at=later, address=address)]
        at_once(2, lambda acts=acts: acts.pop()())

        with database.reading() as session:
            assert session.scalar(select(Subscriber.state).where(Subscriber.address_key == address.key)) == "pending"


def forget_only(database, at):
    with database.writing() as session:
        forgotten.forget(session, tokens=TOKENS, now=at, most=500)


def test_what_the_relay_said_of_them_goes_with_the_address(database):
    reader = left_by(database)
    with database.writing() as session:
        session.add(Edition(id=1, month="2022-10", state="sent", created_at=NOW, send_started_at=NOW))
        for subscriber_id, state, detail in [(reader, "failed", "550 ada?"), (99, "failed", "550"), (98, "sent", None)]:
            session.add(Delivery(edition_id=1, subscriber_id=subscriber_id, state=state, detail=detail))
    forget(database, "addresses", at=NOW + 29 * DAY)

    with database.reading() as session:
        details = dict(session.execute(select(Delivery.subscriber_id, Delivery.detail)).all())
        assert details == {reader: None, 99: "550", 98: None}


def test_ips_are_kept_for_30_days_and_the_ledger_for_longer(database):
    ask(database)
    confirm(database, at=NOW + 10 * DAY)

    assert forget(database, "ips", at=NOW + 30 * DAY) == 0
    assert forget(database, "ips", at=NOW + 30 * DAY + SECOND) == 1
    with database.reading() as session:
        rows = session.execute(select(Consent.act, Consent.ip, Consent.text).order_by(Consent.id)).all()
        assert rows == [("requested", None, ORIGIN.text), ("confirmed", ORIGIN.ip, ORIGIN.text)]


def test_a_new_address_that_nobody_confirmed_is_kept_for_a_week_and_so_is_where_the_question_went(database):
    ask(database)
    confirm(database)
    with database.writing() as session:
        found = session.get_one(Subscriber, 1)
        other = Address.parse("other@example.org")
        address_changes.request(session, found, other, origin=ORIGIN, tokens=TOKENS, now=NOW)
        question = session.scalars(select(Notice).where(Notice.address.is_not(None))).one()
        question.state, question.due_at = "sent", None

    for name in ("changes", "notice-addresses"):
        assert forget(database, name, at=NOW + 7 * DAY) == 0
        assert forget(database, name, at=NOW + 7 * DAY + SECOND) == 1
    assert "other@" not in str(dump(database))
    with database.reading() as session:
        assert session.get_one(Subscriber, 1).address == ADA.text


@pytest.mark.parametrize("state", DeliveryState)
def test_a_notice_that_is_done_with_is_kept_for_90_days(sqlite, state):
    ask(sqlite)
    with sqlite.writing() as session:
        notice = session.scalars(select(Notice)).one()
        notice.state, notice.due_at, notice.detail, notice.address = state.value, None, "said", ADA.text

    is_open = state in OPEN_STATES
    assert forget(sqlite, "notices", at=NOW + 90 * DAY) == 0
    assert forget(sqlite, "notice-addresses", at=NOW + 90 * DAY) == (0 if is_open else 1)
    assert forget(sqlite, "notices", at=NOW + 90 * DAY + SECOND) == (0 if is_open else 1)


def an_old_edition(database, states, *, month="2021-11", state="sent"):
    with database.writing() as session:
        edition = Edition(month=month, state=state, created_at=NOW, send_started_at=NOW, ended_at=NOW)
        session.add(edition)
        session.flush()
        rows = [{"edition_id": edition.id, "subscriber_id": at, "state": each} for at, each in enumerate(states, 1)]
        session.execute(insert(Delivery), [row | {"attempt": 0, "flagged": False} for row in rows])
        return edition.id


def looked_at(database, edition_id, *, at):
    with database.reading() as session:
        return progress.look(session, session.get_one(Edition, edition_id), now=at)


def test_deliveries_are_kept_for_a_year_and_their_counts_for_ever(database, monkeypatch):
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 4)
    edition_id = an_old_edition(database, ["sent", "failed", "sent", "skipped", "sent", "failed", "sent"])
    running = an_old_edition(database, ["pending", "sent"], month="2021-12", state="sending")
    year = NOW + 365 * DAY
    before = looked_at(database, edition_id, at=NOW)

    assert forget(database, "deliveries", at=year) == 0
    assert [forget_all(database, at=year + SECOND) for _ in range(3)] == [4, 3, 0]

    with database.reading() as session:
        assert session.scalars(select(Delivery.edition_id)).all() == [running, running]
        totals = dict(session.execute(select(EditionTotal.state, EditionTotal.count)).all())
        assert totals == {"sent": 4, "failed": 2, "skipped": 1}
    after = looked_at(database, edition_id, at=NOW)
    assert after.count.deliveries == before.count.deliveries
    assert (after.words, after.line, after.percent) == (before.words, before.line, 100)


def forget_all(database, *, at):
    with database.writing() as session:
        return old_deliveries.forget(session, now=at, most=retention.MOST_AT_ONCE)


def test_between_two_batches_the_numbers_are_the_same(database):
    edition_id = an_old_edition(database, ["sent", "failed", "sent", "skipped", "sent"], state="cancelled")
    before = looked_at(database, edition_id, at=NOW).count.deliveries

    for _ in range(3):
        with database.writing() as session:
            old_deliveries.forget(session, now=NOW + 366 * DAY, most=2)
        assert looked_at(database, edition_id, at=NOW).count.deliveries == before


def test_what_was_held_for_a_year_was_given_up(database):
    edition_id = an_old_edition(database, ["held", "failed", "sent"])
    forget(database, "deliveries", at=NOW + 366 * DAY)

    assert looked_at(database, edition_id, at=NOW).words == "1 sent, 2 failed"


def test_two_processes_count_no_delivery_twice(database):
    edition_id = an_old_edition(database, ["sent"] * 40)

    def act():
        with database.writing() as session:
            return old_deliveries.forget(session, now=NOW + 366 * DAY, most=10)

    at_once(4, act)

    assert looked_at(database, edition_id, at=NOW).count.deliveries[DeliveryState.SENT] == 40


def test_how_often_something_was_asked_for_is_forgotten_in_two_days(database):
    second = int(NOW.timestamp())
    with database.writing() as session:
        session.add_all(RateWindow(name="x", key=str(at), began_at=second + at, count=1) for at in (-1, 0))

    assert forget(database, "limits", at=NOW + limits.KEPT) == 1
    assert forget(database, "limits", at=NOW + 2 * DAY) == 1


def test_all_is_forgotten_in_short_transactions_and_nothing_else_is(database, monkeypatch):
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    add_readers(database, ["KZ"])
    edition_id = an_old_edition(database, ["sent"] * 5)
    for number in range(5):
        ask(database, address=Address.parse(f"nobody{number}@example.org"))

    found = {rule.name: number for rule, number in forgetting.run(database, TOKENS, now=NOW + 366 * DAY).items()}

    assert {name: number for name, number in found.items() if number} == {"requests": 5, "deliveries": 5} | (
        {"limits": found["limits"]} if found["limits"] else {}
    )
    with database.reading() as session:
        assert not any(retention.due(session, now=NOW + 366 * DAY).values())
        assert session.scalars(select(Subscriber.state)).all() == ["active"]
    assert looked_at(database, edition_id, at=NOW).words == "5 sent"


def test_it_stops_when_it_is_told_to(database):
    ask(database)
    before = dump(database)

    found = forgetting.run(database, TOKENS, now=NOW + 366 * DAY, is_over=lambda: True)

    assert not any(found.values())
    assert dump(database) == before


def test_what_an_editor_typed_and_never_saved_is_kept_for_90_days(database):
    with database.writing() as session:
        session.add(
            Admin(
                id=1,
                address="ed@example.org",
                address_key="ed@example.org",
                role="author",
                password_hash="",
                created_at=NOW,
            )
        )
        session.flush()
        left = unsaved.Unsaved(Typed(headline="Half a sent"), 0, NOW)
        unsaved.keep(session, 1, "KZ", Month(2022, 11), left)

    assert forget(database, "unsaved", at=NOW + 90 * DAY) == 0
    assert forget(database, "unsaved", at=NOW + 90 * DAY + SECOND) == 1
    with database.reading() as session:
        assert unsaved.get(session, 1, "KZ", Month(2022, 11)) is None
