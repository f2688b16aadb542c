"""How rows go to a sender: who is armed, who is skipped and why, and what a dead sender leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.mail.recipient import Recipient
from newsletter.services import claims, deliveries, notices, runs, signup, suppressions
from newsletter.services.claims import Claim
from newsletter.storage.tables import Delivery, Notice, SenderRun, Subscriber
from tests.conftest import NOW
from tests.services.stock import (
    NOVEMBER,
    ORIGIN,
    TOKENS,
    begin,
    counted,
    deliveries_of,
    everybody,
    start_sending,
)

SECOND = int(NOW.timestamp())


def arm(session, arming, edition_id, *, after=0, limit=100, has_news=everybody):
    return claims.arm_pending(session, arming, edition_id, between=(after, runs.LAST), has_news=has_news, limit=limit)


def readers_of(armed):
    return [each.claim.row_id for each in armed.deliveries]


def test_pending_rows_are_armed_in_order_within_the_limit_from_behind_a_reader(database, settings):
    edition_id = start_sending(database, settings, ["KZ", "SD;KZ", "all", "KZ", "KZ"])
    with database.writing() as session:
        arming, _ = begin(session)
        armed = arm(session, arming, edition_id, after=1, limit=3)

        assert readers_of(armed) == [2, 3, 4]
        assert (armed.seen, armed.last_id) == (3, 4)
        assert armed.deliveries[0].claim == Claim(edition_id, 2, attempt=1)
        assert armed.deliveries[0].recipient == Recipient(2, "reader2@example.org", ("SD", "KZ"))
        rows = deliveries_of(session, edition_id)
        assert [row.state for row in rows] == ["pending", "armed", "armed", "armed", "pending"]
        assert {row.owner for row in rows if row.state == "armed"} == {arming.owner}
        assert [row.attempt for row in rows] == [0, 1, 1, 1, 0]

        rest = arm(session, arming, edition_id)
        assert readers_of(rest) == [1, 5]
        assert arm(session, arming, edition_id) == claims.Armed([], seen=0, last_id=0)


def test_a_limit_counts_the_skipped_too_and_tells_where_to_look_on(database, settings):
    edition_id = start_sending(database, settings, ["KZ", "FR", "FR", "KZ"])
    with database.writing() as session:
        arming, _ = begin(session)
        armed = arm(session, arming, edition_id, limit=3, has_news=lambda follows: "KZ" in follows)

    assert (readers_of(armed), armed.seen, armed.last_id) == ([1], 3, 3)


def test_who_is_not_to_be_written_to_is_skipped_with_the_reason(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 6)
    with database.writing() as session:
        session.get_one(Subscriber, 2).state = "ended"
        suppressions.suppress(session, "reader3@example.org", SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)
        session.get_one(Subscriber, 4).follows = "FR"
        session.delete(session.get_one(Subscriber, 5))
        session.get_one(Subscriber, 6).state = "pending"
    with database.writing() as session:
        arming, _ = begin(session)
        armed = arm(session, arming, edition_id, has_news=lambda follows: "KZ" in follows)
        rows = deliveries_of(session, edition_id)

    assert readers_of(armed) == [1]
    told = [(row.state, row.detail, row.changed_at) for row in rows[1:]]
    reasons = ["ended", "suppressed", "nothing_to_tell", "ended", "ended"]
    assert told == [("skipped", reason, SECOND) for reason in reasons]
    assert all((row.owner, row.attempt) == (None, 0) for row in rows[1:])


def test_only_deferred_rows_that_are_due_are_armed_the_longest_due_first(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 5)
    due = {1: SECOND - 10, 2: SECOND + 1, 3: SECOND, 4: SECOND - 20}
    with database.writing() as session:
        for reader, due_at in due.items():
            row = session.get_one(Delivery, (edition_id, reader))
            row.state, row.due_at, row.attempt = "deferred", due_at, 2
    with database.writing() as session:
        arming, _ = begin(session)
        first = claims.arm_due(session, arming, edition_id, has_news=everybody, limit=2)
        rest = claims.arm_due(session, arming, edition_id, has_news=everybody, limit=9)
        rows = deliveries_of(session, edition_id)

    assert readers_of(first) == [4, 1]
    assert first.deliveries[0].claim == Claim(edition_id, 4, attempt=3)
    assert readers_of(rest) == [3]
    assert [(row.state, row.due_at) for row in rows] == [
        ("armed", None),
        ("deferred", SECOND + 1),
        ("armed", None),
        ("armed", None),
        ("pending", None),
    ]


def test_who_leaves_while_deferred_is_skipped_when_it_is_due(database, settings):
    edition_id = start_sending(database, settings, ["KZ"])
    with database.writing() as session:
        session.execute(update(Delivery).values(state="deferred", due_at=SECOND, attempt=1))
        session.get_one(Subscriber, 1).state = "ended"
        arming, _ = begin(session)
        assert claims.arm_due(session, arming, edition_id, has_news=everybody, limit=9).deliveries == []
        row = deliveries_of(session, edition_id)[0]

    assert (row.state, row.detail, row.due_at) == ("skipped", "ended", None)


def test_a_new_sender_takes_back_what_a_dead_one_had_armed_and_flags_it(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4)
    with database.writing() as session:
        notices.enqueue(session, NoticeKind.WELCOME, 1, now=NOW)
        notices.enqueue(session, NoticeKind.WELCOME, 2, now=NOW + timedelta(hours=1))
    with database.writing() as session:
        arming, _ = begin(session)
        arm(session, arming, edition_id, limit=2)
        assert len(claims.arm_notices(session, arming, limit=9)) == 1
    with database.writing() as session:
        owner = runs.begin(session, runs.EVERYTHING, now=NOW + timedelta(minutes=5))
        rows = deliveries_of(session, edition_id)
        waiting = session.scalars(select(Notice).order_by(Notice.id).execution_options(populate_existing=True)).all()
        notice_facts = [(each.state, each.owner, each.flagged, each.attempt, each.due_at) for each in waiting]

    assert owner > arming.owner
    told = [(row.state, row.owner, row.flagged, row.attempt) for row in rows]
    assert told == [("pending", None, True, 1)] * 2 + [("pending", None, False, 0)] * 2
    assert notice_facts == [("pending", None, True, 1, SECOND + 300), ("pending", None, False, 0, SECOND + 3600)]
    with database.writing() as session:
        again = arm(session, replace(arming, owner=owner), edition_id)
        assert [each.claim.attempt for each in again.deliveries] == [2, 2, 1, 1]


def test_what_a_dead_sender_had_armed_of_a_cancelled_edition_is_skipped_and_flagged(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 2)
    with database.writing() as session:
        arming, _ = begin(session)
        arm(session, arming, edition_id, limit=1)
    with database.writing() as session:
        deliveries.cancel(session, NOVEMBER, now=NOW)
    with database.writing() as session:
        runs.begin(session, runs.EVERYTHING, now=NOW)
        rows = deliveries_of(session, edition_id)

    told = [(row.state, row.detail, row.flagged) for row in rows]
    assert told == [("skipped", "cancelled", True), ("skipped", "cancelled", False)]


def test_a_run_has_a_beginning_and_an_end(database):
    with database.writing() as session:
        first, second = (runs.begin(session, runs.EVERYTHING, now=NOW) for _ in range(2))
        runs.end(session, second, now=NOW + timedelta(hours=1))
    with database.reading() as session:
        runs = session.scalars(select(SenderRun).order_by(SenderRun.id)).all()

    assert [(run.id, run.started_at, run.ended_at) for run in runs] == [
        (first, NOW, None),
        (second, NOW, NOW + timedelta(hours=1)),
    ]


def sign_up(session, name, *subjects):
    address = Address.parse(f"{name}@example.org")
    signup.request(session, address, subjects, origin=ORIGIN, tokens=TOKENS, now=NOW)


def test_notices_are_armed_the_longest_due_first_with_what_was_asked(database):
    with database.writing() as session:
        for name, subjects in [("a", ["KZ"]), ("b", ["SD", "KZ"]), ("c", ["all"])]:
            sign_up(session, name, *subjects)
        signup.confirm(session, 3, origin=ORIGIN, now=NOW)  # so that c's question is needless, and a welcome waits
        notices.enqueue(session, NoticeKind.MANAGE_LINK, 3, now=NOW + timedelta(hours=1))
        session.flush()
        session.get_one(Notice, 2).due_at = SECOND - 5
    with counted(database) as statements, database.writing() as session:
        arming, _ = begin(session)
        statements.clear()
        armed = claims.arm_notices(session, arming, limit=9)

    assert [(each.claim, each.kind) for each in armed] == [
        (Claim(0, 2, 1), NoticeKind.CONFIRMATION),
        (Claim(0, 1, 1), NoticeKind.CONFIRMATION),
        (Claim(0, 4, 1), NoticeKind.WELCOME),
    ]
    assert [each.recipient.follows for each in armed] == [("SD", "KZ"), ("KZ",), ("all",)]
    assert {each.created_at for each in armed} == {NOW}
    assert len(statements) == 4  # what is due, what was asked; the armed, the skipped
    with database.reading() as session:
        facts = session.execute(select(Notice.state, Notice.owner, Notice.due_at, Notice.detail).order_by(Notice.id))
        owner = arming.owner
        assert [tuple(fact) for fact in facts] == [
            ("armed", owner, None, None),
            ("armed", owner, None, None),
            ("skipped", None, None, "ended"),
            ("armed", owner, None, None),
            ("pending", None, SECOND + 3600, None),
        ]


_KINDS = [NoticeKind.CONFIRMATION, NoticeKind.WELCOME, NoticeKind.MANAGE_LINK]  #: of the others: test_due_notices


@pytest.mark.parametrize("state", ["pending", "active", "ended", "suppressed"])
def test_a_question_goes_to_who_has_not_answered_and_the_rest_to_who_has(sqlite, state):
    with sqlite.writing() as session:
        sign_up(session, "a", "KZ")
        for kind in _KINDS:
            notices.enqueue(session, kind, 1, now=NOW)
        if state == "suppressed":
            suppressions.suppress(session, "a@example.org", SuppressionReason.BY_ADMIN, tokens=TOKENS, now=NOW)
        else:
            session.get_one(Subscriber, 1).state = state
    with sqlite.writing() as session:
        arming, _ = begin(session)
        kinds = {each.kind for each in claims.arm_notices(session, arming, limit=9)}
        details = set(session.scalars(select(Notice.detail).where(Notice.state == "skipped")))

    wanted = {"pending": {NoticeKind.CONFIRMATION}, "active": set(_KINDS) - {NoticeKind.CONFIRMATION}}
    assert kinds == wanted.get(state, set())
    assert details == {"suppressed" if state == "suppressed" else "ended"}


def test_notices_are_armed_within_the_limit(sqlite):
    with sqlite.writing() as session:
        for name in "abcde":
            sign_up(session, name, "KZ")
    with sqlite.writing() as session:
        arming, _ = begin(session)
        assert [each.claim.row_id for each in claims.arm_notices(session, arming, limit=2)] == [1, 2]
        assert [each.claim.row_id for each in claims.arm_notices(session, arming, limit=9)] == [3, 4, 5]
        assert claims.arm_notices(session, arming, limit=9) == []


def test_something_is_due_while_an_edition_is_sent_or_a_notice_waits(database, settings):
    def due(later=timedelta(0)):
        with database.reading() as session:
            return claims.is_anything_due(session, now=NOW + later)

    assert not due()
    with database.writing() as session:
        sign_up(session, "a", "KZ")
        session.flush()
        session.get_one(Notice, 1).due_at = SECOND + 1
    assert not due()
    assert due(timedelta(seconds=1))
    with database.writing() as session:
        session.execute(update(Notice).values(state="sent", due_at=None))
    start_sending(database, settings, [])
    assert due()
    with database.writing() as session:
        deliveries.pause(session, NOVEMBER)
    assert not due()
