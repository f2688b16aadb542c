"""How rows go to a sender: who is armed, who is skipped and why, who has to wait, who goes alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from sqlalchemy import delete, select, update

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.mail.recipient import Recipient
from newsletter.services import claims, deliveries, notices, signup, suppressions
from newsletter.services.claims import Claim
from newsletter.services.runs import EVERYTHING, NOTICES, Scope
from newsletter.storage.tables import Delivery, Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import (
    NOVEMBER,
    ORIGIN,
    TOKENS,
    arm,
    begin,
    counted,
    deliveries_of,
    everybody,
    readers_of,
    start_sending,
)

SECOND = int(NOW.timestamp())


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


def pause(session, until):
    """Let each of these readers take no mail until their time."""
    for reader, paused_until in until.items():
        session.get_one(Subscriber, reader).paused_until = paused_until
    session.flush()


def test_who_takes_no_mail_for_a_while_is_skipped_until_that_is_over(database, settings):
    second = timedelta(seconds=1)
    edition_id = start_sending(database, settings, ["KZ", "FR", "KZ", "KZ", "KZ"])
    with database.writing() as session:
        in_summer = (NOW + timedelta(days=180)).astimezone(timezone(timedelta(hours=9)))
        pause(session, {1: in_summer, 2: NOW + second, 3: NOW, 4: NOW - second})
        arming, _ = begin(session)
        armed = arm(session, arming, edition_id, has_news=lambda follows: "KZ" in follows)
        rows = deliveries_of(session, edition_id)

    assert readers_of(armed) == [3, 4, 5]
    told = [(row.state, row.detail, row.changed_at, row.due_at, row.attempt) for row in rows[:2]]
    assert told == [("skipped", "paused", SECOND, None, 0)] * 2


def test_who_has_left_or_is_suppressed_is_told_so_though_they_paused_first(sqlite, settings):
    edition_id = start_sending(sqlite, settings, ["KZ"] * 2)
    with sqlite.writing() as session:
        until = NOW + timedelta(days=30)
        pause(session, {1: until, 2: until})
        session.get_one(Subscriber, 1).state = "ended"
        suppressions.suppress(session, "reader2@example.org", SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)
        session.flush()
        arming, _ = begin(session)
        arm(session, arming, edition_id)

        assert [row.detail for row in deliveries_of(session, edition_id)] == ["ended", "suppressed"]


def test_who_pauses_while_deferred_is_skipped_when_it_is_due(database, settings):
    edition_id = start_sending(database, settings, ["KZ"])
    with database.writing() as session:
        session.execute(update(Delivery).values(state="deferred", due_at=SECOND, attempt=1))
        pause(session, {1: NOW + timedelta(days=30)})
        arming, _ = begin(session)
        assert claims.arm_due(session, arming, edition_id, has_news=everybody, limit=9).deliveries == []
        row = deliveries_of(session, edition_id)[0]

    assert (row.state, row.detail, row.due_at) == ("skipped", "paused", None)


def test_who_wants_text_alone_is_known_by_it(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 2)
    with database.writing() as session:
        session.get_one(Subscriber, 2).text_only = True
        session.flush()
        arming, _ = begin(session)
        armed = arm(session, arming, edition_id)

    assert [each.recipient.text_only for each in armed.deliveries] == [False, True]


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


def of_slot(asked, **waits):
    """A slot that lets these domains wait, for so many seconds, and notes who asks."""

    def slot(domain):
        asked.append(domain)
        return waits.get(domain.replace(".", "_"))

    return slot


def test_who_has_to_wait_for_their_destination_stays_pending_until_then(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4, domains=["example.org", "slow.example"])
    asked = []
    with database.writing() as session:
        arming, _ = begin(session)
        limited = replace(arming, slot=of_slot(asked, slow_example=SECOND + 60))
        armed = arm(session, limited, edition_id)
        rows = deliveries_of(session, edition_id)

    assert (readers_of(armed), armed.seen, armed.last_id) == ([1, 3], 4, 4)
    assert asked == ["example.org", "slow.example"] * 2
    waiting = [(row.state, row.owner, row.attempt, row.due_at, row.flagged) for row in rows[1::2]]
    assert waiting == [("pending", None, 0, SECOND + 60, False)] * 2

    with database.writing() as session:
        early = replace(arming, now=NOW + timedelta(seconds=59))
        assert arm(session, early, edition_id).seen == 0
        assert claims.arm_due(session, early, edition_id, has_news=everybody, limit=9).seen == 0
        due = replace(arming, now=NOW + timedelta(seconds=60))
        assert arm(session, due, edition_id).seen == 0
        again = claims.arm_due(session, due, edition_id, has_news=everybody, limit=9)
        rows = deliveries_of(session, edition_id)

    assert sorted(readers_of(again)) == [2, 4]
    assert {each.claim.attempt for each in again.deliveries} == {1}
    assert {(row.state, row.due_at) for row in rows} == {("armed", None)}


def test_who_comes_up_and_still_has_to_wait_gets_another_time(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 2)
    with database.writing() as session:
        deferred = session.get_one(Delivery, (edition_id, 2))
        deferred.state, deferred.due_at, deferred.attempt, deferred.detail = "deferred", SECOND, 3, "450 busy"
        session.get_one(Delivery, (edition_id, 1)).due_at = SECOND
        session.flush()
        arming, _ = begin(session)
        limited = replace(arming, slot=of_slot([], example_org=SECOND + 900))
        due = claims.arm_due(session, limited, edition_id, has_news=everybody, limit=9)
        rows = deliveries_of(session, edition_id)

    assert (readers_of(due), due.seen) == ([], 2)
    told = [(row.state, row.attempt, row.due_at, row.detail) for row in rows]
    assert told == [("pending", 0, SECOND + 900, None), ("deferred", 3, SECOND + 900, "450 busy")]


def test_who_is_skipped_takes_no_slot_from_others(sqlite, settings):
    edition_id = start_sending(sqlite, settings, ["KZ", "FR", "KZ"], domains=["a.example", "b.example", "c.example"])
    asked = []
    with sqlite.writing() as session:
        session.get_one(Subscriber, 1).state = "ended"
        session.flush()
        arming, _ = begin(session)
        limited = replace(arming, slot=of_slot(asked, a_example=SECOND + 60, b_example=SECOND + 60))
        armed = arm(session, limited, edition_id, has_news=lambda follows: "KZ" in follows)
        rows = deliveries_of(session, edition_id)

    assert (asked, readers_of(armed)) == (["c.example"], [3])
    assert [(row.state, row.due_at) for row in rows] == [("skipped", None), ("skipped", None), ("armed", None)]


def under_way_in_deaths(session, edition_id, reader, deaths):
    row = session.get_one(Delivery, (edition_id, reader))
    row.attempt, row.flagged = deaths, deaths > 0
    session.flush()


def test_what_may_have_brought_down_a_sender_twice_goes_alone_behind_those_before_it(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 5)
    with database.writing() as session:
        under_way_in_deaths(session, edition_id, 3, 2)
        arming, _ = begin(session)

        before = arm(session, arming, edition_id)
        assert readers_of(before) == [1, 2]
        assert (before.waits, before.is_alone) == (True, False)

        busy = arm(session, arming, edition_id, after=before.last_id, is_idle=False)
        assert (readers_of(busy), busy.waits, busy.is_alone) == ([], True, False)

        alone = arm(session, arming, edition_id, after=before.last_id)
        assert (readers_of(alone), alone.last_id) == ([3], 3)
        assert (alone.waits, alone.is_alone) == (True, True)
        assert alone.deliveries[0].claim.attempt == 3

        rest = arm(session, arming, edition_id, after=alone.last_id)
        assert (readers_of(rest), rest.waits, rest.is_alone) == ([4, 5], False, False)


def test_two_that_are_suspected_go_one_after_the_other(sqlite, settings):
    edition_id = start_sending(sqlite, settings, ["KZ"] * 3)
    with sqlite.writing() as session:
        for reader in (1, 2):
            under_way_in_deaths(session, edition_id, reader, 4)
        arming, _ = begin(session)
        found = [arm(session, arming, edition_id) for _ in range(3)]

    assert [readers_of(each) for each in found] == [[1], [2], [3]]
    assert [each.is_alone for each in found] == [True, True, False]


def test_one_that_is_suspected_goes_alone_when_its_time_has_come_too(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 3)
    with database.writing() as session:
        under_way_in_deaths(session, edition_id, 2, 2)
        for reader, due_at in {1: SECOND - 2, 2: SECOND - 1, 3: SECOND}.items():
            session.get_one(Delivery, (edition_id, reader)).due_at = due_at
        session.flush()
        arming, _ = begin(session)
        found = [
            claims.arm_due(session, arming, edition_id, has_news=everybody, limit=9, is_idle=is_idle)
            for is_idle in (False, False, True, True)
        ]

    assert [readers_of(each) for each in found] == [[1], [], [2], [3]]
    assert [each.is_alone for each in found] == [False, False, True, False]


def test_one_death_or_many_replies_make_nobody_suspected(sqlite, settings):
    edition_id = start_sending(sqlite, settings, ["KZ"] * 3)
    with sqlite.writing() as session:
        under_way_in_deaths(session, edition_id, 1, 1)
        session.get_one(Delivery, (edition_id, 2)).attempt = 9  # was deferred eight times
        session.flush()
        arming, _ = begin(session)
        armed = arm(session, arming, edition_id)

    assert (readers_of(armed), armed.waits, armed.is_alone) == ([1, 2, 3], False, False)


def test_a_part_of_the_readers_is_all_that_its_sender_arms(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 6)
    part = Scope(notices=False, edition_id=edition_id, first=3, last=4)
    with database.writing() as session:
        for reader in (1, 3, 6):
            row = session.get_one(Delivery, (edition_id, reader))
            row.state, row.due_at, row.attempt = "deferred", SECOND, 1
        session.flush()
        arming, _ = begin(session, part)
        pending = arm(session, arming, edition_id)
        due = claims.arm_due(session, arming, edition_id, has_news=everybody, limit=9)

    assert (readers_of(pending), readers_of(due)) == ([4], [3])


def test_what_an_owner_has_armed_is_found_again(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4)
    with database.writing() as session:
        notices.enqueue(session, NoticeKind.WELCOME, 1, now=NOW)
        session.flush()
        first, _ = begin(session)
        theirs = [each.claim for each in arm(session, first, edition_id, limit=2).deliveries]
        theirs += [each.claim for each in claims.arm_notices(session, first, limit=9)]
        second = replace(first, owner=first.owner + 1)
        others = [each.claim for each in arm(session, second, edition_id, limit=1).deliveries]

        assert sorted(claims.armed_by(session, first.owner)) == sorted(theirs)
        assert claims.armed_by(session, second.owner) == others
        assert claims.armed_by(session, second.owner + 1) == []


def sign_up(session, name, *subjects):
    address = Address.parse(f"{name}@example.org")
    signup.request(session, address, subjects, origin=ORIGIN, tokens=TOKENS, now=NOW)


def test_notices_are_armed_the_longest_due_first_with_what_was_asked(database):
    with database.writing() as session:
        for name, subjects in [("a", ["KZ"]), ("b", ["SD", "KZ"]), ("c", ["all"])]:
            sign_up(session, name, *subjects)
        signup.confirm(
            session, 3, origin=ORIGIN, tokens=TOKENS, now=NOW
        )  # so that c's question is needless, and a welcome waits
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
    assert len(statements) == 5  # what is due, and which alerts; what was asked; the armed, the skipped
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


def tell_at(session, address):
    """A notice of subscriber 1 that goes to another address than theirs."""
    notices.enqueue(session, NoticeKind.ADDRESS_CHANGED, 1, now=NOW).address = address
    session.flush()


def test_a_notice_with_an_address_of_its_own_goes_there(database):
    with database.writing() as session:
        sign_up(session, "a", "KZ")
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
        tell_at(session, "Old.Address@bücher.example")
    with database.writing() as session:
        arming, _ = begin(session)
        goes = {each.kind: each.recipient for each in claims.arm_notices(session, arming, limit=9)}

    assert goes == {
        NoticeKind.WELCOME: Recipient(1, "a@example.org", ("KZ",)),
        NoticeKind.ADDRESS_CHANGED: Recipient(1, "Old.Address@bücher.example", ("KZ",)),
    }


@pytest.mark.parametrize(
    ("suppressed", "skipped"),
    [
        pytest.param("a@example.org", NoticeKind.WELCOME, id="their own"),
        pytest.param("old.address@xn--bcher-kva.example", NoticeKind.ADDRESS_CHANGED, id="the old one"),
    ],
)
def test_only_the_address_that_a_notice_goes_to_must_not_be_suppressed(database, suppressed, skipped):
    with database.writing() as session:
        sign_up(session, "a", "KZ")
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
        tell_at(session, "Old.Address@bücher.example")
        suppressions.suppress(session, suppressed, SuppressionReason.HARD_BOUNCE, tokens=TOKENS, now=NOW)
        session.execute(delete(Notice).where(Notice.kind == NoticeKind.CONFIRMATION.value))
    with database.writing() as session:
        arming, _ = begin(session)
        armed = {each.kind for each in claims.arm_notices(session, arming, limit=9)}
        told = session.execute(select(Notice.kind, Notice.detail).where(Notice.state == "skipped")).all()

    assert armed == {NoticeKind.WELCOME, NoticeKind.ADDRESS_CHANGED} - {skipped}
    assert [tuple(row) for row in told] == [(skipped.value, "suppressed")]


def test_an_address_that_is_none_stops_nobody_elses_notice(sqlite):
    with sqlite.writing() as session:
        sign_up(session, "a", "KZ")
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
        tell_at(session, "no address")
    with sqlite.writing() as session:
        arming, _ = begin(session)
        kinds = [each.kind for each in claims.arm_notices(session, arming, limit=9)]

    assert kinds == [NoticeKind.WELCOME, NoticeKind.ADDRESS_CHANGED]


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
    def due(later=timedelta(0), scope=EVERYTHING):
        with database.reading() as session:
            return claims.is_anything_due(session, scope=scope, now=NOW + later)

    part = Scope(notices=False, edition_id=1, first=1, last=9)
    assert not due()
    with database.writing() as session:
        sign_up(session, "a", "KZ")
        session.flush()
        session.get_one(Notice, 1).due_at = SECOND + 1
    assert not due()
    second = timedelta(seconds=1)
    assert [due(second, scope) for scope in (EVERYTHING, NOTICES, part)] == [True, True, False]
    with database.writing() as session:
        session.execute(update(Notice).values(state="sent", due_at=None))
    assert start_sending(database, settings, []) == part.edition_id
    of_another = replace(part, edition_id=2)
    assert [due(scope=scope) for scope in (EVERYTHING, NOTICES, part, of_another)] == [True, False, True, False]
    with database.writing() as session:
        deliveries.pause(session, NOVEMBER)
    assert [due(scope=scope) for scope in (EVERYTHING, NOTICES, part)] == [False, False, False]
