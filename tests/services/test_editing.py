"""Updates written at the desk: on top of what was seen, marked, carried over, brought back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy import update as sql_update

from newsletter.domain.formats.typed import Typed
from newsletter.domain.update import Alert, Development, Trend, UpdateState
from newsletter.errors import Conflict, EditionStateError, NotFound
from newsletter.services import editing, editions, editorial, unsaved, versions
from newsletter.services.editorial import Change
from newsletter.services.unsaved import AT_WORK, Unsaved
from newsletter.storage.tables import Admin, Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, add_readers, an_update, at_once, dump

OCTOBER = NOVEMBER.previous
ADA, BEN = "ada@example.org", "ben@example.org"
FIRST = an_update("KZ", state=UpdateState.DRAFT)
SECOND = replace(FIRST, headline="Other words.")


def save(database, update, seen, by=ADA, at=NOW):
    with database.writing() as session:
        return editing.save(session, update, seen=seen, by=by, now=at)


def row(database, place="KZ"):
    with database.reading() as session:
        found = editorial.find(session, place, NOVEMBER)
        if found:
            session.expunge(found)
        return found


def history(database):
    with database.reading() as session:
        return [
            (each.number, each.update.headline, each.saved_by, each.saved_at)
            for each in versions.history(session, "KZ", NOVEMBER)
        ]


def test_each_save_is_a_version_with_who_and_when(database):
    later = NOW + timedelta(hours=1)

    assert save(database, FIRST, seen=0) is Change.ADDED
    assert save(database, SECOND, seen=1, by=BEN, at=later) is Change.CHANGED

    assert history(database) == [(2, "Other words.", BEN, later), (1, FIRST.headline, ADA, NOW)]
    assert (row(database).version, row(database).changed_by) == (2, BEN)


def test_saving_what_stands_there_makes_no_version(database):
    alerts = (Alert.RESOLUTION_OPPORTUNITY, Alert.CONFLICT_RISK)
    save(database, replace(FIRST, alerts=alerts), seen=0)
    before = dump(database)

    assert save(database, replace(FIRST, alerts=alerts[::-1]), seen=1, by=BEN) is Change.SAME
    assert dump(database) == before


def test_an_import_is_a_version_too_and_so_is_what_it_replaces(database):
    with database.writing() as session:
        editorial.store(session, FIRST, now=NOW)
    save(database, SECOND, seen=1)
    with database.writing() as session:
        editorial.store(session, replace(FIRST, headline="Imported."), now=NOW)

    assert [each[:3] for each in history(database)] == [
        (3, "Imported.", None),
        (2, "Other words.", ADA),
        (1, FIRST.headline, None),
    ]


def test_an_update_from_before_there_were_versions_keeps_its_words(database):
    with database.writing() as session:
        editorial.store(session, FIRST, now=NOW)
        session.connection().exec_driver_sql("DELETE FROM update_version")
    assert history(database) == [(1, FIRST.headline, None, NOW)]

    save(database, SECOND, seen=1, at=NOW + timedelta(days=1))

    assert [each[:2] for each in history(database)] == [(2, "Other words."), (1, FIRST.headline)]


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_who_saw_another_version_changes_nothing(database, seen):
    save(database, FIRST, seen=0)
    save(database, SECOND, seen=1, by=BEN)
    before = dump(database)

    with pytest.raises(Conflict, match="somebody else has saved KZ 2022-11 since"):
        save(database, replace(FIRST, headline="Mine."), seen=seen)
    assert dump(database) == before


@pytest.mark.parametrize("seen", [0, 1])
def test_of_many_who_save_at_once_one_is_first_and_the_others_are_told(database, seen):
    if seen:
        save(database, FIRST, seen=0)

    def act():
        try:
            return save(database, SECOND, seen=seen)
        except Conflict:
            return None

    results = at_once(6, act)

    assert results.count(None) == 5
    assert row(database).version == seen + 1
    assert len(history(database)) == seen + 1


def test_an_alert_goes_out_when_its_draft_becomes_ready_and_once(database):
    update = replace(FIRST, alerts=(Alert.CONFLICT_RISK,))
    add_readers(database, ["all"])
    with database.writing() as session:
        session.execute(sql_update(Subscriber).values(alerts_at_once=True))
    save(database, update, seen=0)
    with database.writing() as session:
        assert session.scalars(select(Notice)).all() == []
        editing.mark_ready(session, "KZ", NOVEMBER, seen=1, by=ADA, now=NOW)
    with database.writing() as session:
        editing.save(session, replace(update, state=UpdateState.READY, headline="New."), seen=2, by=ADA, now=NOW)
        assert len(session.scalars(select(Notice)).all()) == 1


def review(database, by, seen, at=NOW):
    with database.writing() as session:
        editing.review(session, "KZ", NOVEMBER, seen=seen, by=by, now=at)


def test_somebody_else_reviews_and_any_change_takes_it_back(database):
    ready = replace(FIRST, state=UpdateState.READY)
    save(database, ready, seen=0)

    with pytest.raises(Conflict, match="you changed Kazakhstan last"):
        review(database, ADA, seen=1)
    review(database, BEN, seen=1)
    assert (row(database).reviewed_by, row(database).reviewed_at, row(database).version) == (BEN, NOW, 1)

    save(database, replace(ready, headline="Other."), seen=1, by=BEN)
    assert (row(database).reviewed_by, row(database).reviewed_at) == (None, None)


def test_an_import_takes_a_review_back(database):
    save(database, replace(FIRST, state=UpdateState.READY), seen=0)
    review(database, BEN, seen=1)

    with database.writing() as session:
        editorial.store(session, replace(SECOND, state=UpdateState.READY), now=NOW)
    assert row(database).reviewed_at is None
    assert row(database).changed_by is None


def test_only_the_version_that_was_read_is_reviewed_and_no_draft(database):
    save(database, FIRST, seen=0)
    with pytest.raises(Conflict, match="Kazakhstan is a draft"):
        review(database, BEN, seen=1)
    save(database, replace(SECOND, state=UpdateState.READY), seen=1)
    with pytest.raises(Conflict, match="changed since you read it"):
        review(database, BEN, seen=1)
    assert row(database).reviewed_at is None


def test_there_is_nothing_to_review_or_to_mark_where_there_is_no_update(sqlite):
    with sqlite.writing() as session, pytest.raises(NotFound):
        editing.review(session, "KZ", NOVEMBER, seen=0, by=BEN, now=NOW)
    with sqlite.writing() as session, pytest.raises(NotFound):
        editing.mark_ready(session, "KZ", NOVEMBER, seen=0, by=BEN, now=NOW)


def test_what_changed_nothing_is_carried_over_as_a_draft_that_says_so(database):
    october = replace(an_update("KZ", OCTOBER), trend=Trend.DETERIORATED, alerts=(Alert.CONFLICT_RISK,))
    with database.writing() as session:
        for update in (october, an_update("SD", OCTOBER), an_update("SD"), an_update("ET", OCTOBER.previous)):
            editorial.store(session, update, now=NOW)
    with database.writing() as session:
        made, left = editing.carry_over(session, NOVEMBER, ["SD", "KZ", "ET", "KZ"], by=ADA, now=NOW)

    assert (made, left) == (["KZ"], ["ET", "SD"])
    with database.reading() as session:
        carried = editorial.get(session, "KZ", NOVEMBER)
    assert carried == replace(
        october,
        month=NOVEMBER,
        trend=Trend.UNCHANGED,
        alerts=(),
        developments=(Development("The situation remained unchanged in November 2022.", ""),),
        state=UpdateState.DRAFT,
    )
    assert (row(database).version, row(database).changed_by) == (1, ADA)


def test_a_version_that_is_brought_back_is_the_next_one_and_a_draft(database):
    ready = replace(FIRST, state=UpdateState.READY)
    save(database, ready, seen=0)
    save(database, replace(ready, headline="Worse."), seen=1)

    with database.writing() as session:
        editing.restore(session, "KZ", NOVEMBER, 1, seen=2, by=BEN, now=NOW)

    assert [each[:3] for each in history(database)] == [
        (3, FIRST.headline, BEN),
        (2, "Worse.", ADA),
        (1, FIRST.headline, ADA),
    ]
    assert row(database).state == "draft"
    with database.writing() as session, pytest.raises(NotFound):
        editing.restore(session, "KZ", NOVEMBER, 9, seen=3, by=BEN, now=NOW)


def test_a_frozen_edition_keeps_its_updates(database, settings):
    ready = replace(FIRST, state=UpdateState.READY)
    save(database, ready, seen=0)
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
        editions.approve(session, NOVEMBER, settings.publication, by=BEN, now=NOW)
    before = dump(database)

    acts = [
        lambda session: editing.save(session, SECOND, seen=1, by=ADA, now=NOW),
        lambda session: editing.review(session, "KZ", NOVEMBER, seen=1, by=BEN, now=NOW),
        lambda session: editing.carry_over(session, NOVEMBER, ["SD"], by=ADA, now=NOW),
        lambda session: editing.restore(session, "KZ", NOVEMBER, 1, seen=1, by=ADA, now=NOW),
    ]
    for act in acts:
        with database.writing() as session, pytest.raises(EditionStateError, match="2022-11 is approved"):
            act(session)
    assert dump(database) == before


@pytest.fixture
def admins(database):
    with database.writing() as session:
        for address in (ADA, BEN):
            session.add(Admin(address=address, address_key=address, role="author", password_hash="x", created_at=NOW))
    with database.reading() as session:
        return list(session.scalars(select(Admin.id).order_by(Admin.id)))


def test_what_is_not_saved_is_kept_for_its_admin_alone_until_it_is_dropped(database, admins):
    ada, ben = admins
    odd = replace(Typed.empty(), headline="half a \x00 headl", trend="")
    for typed, at in ((Typed.of(FIRST), NOW), (odd, NOW + timedelta(minutes=1))):
        with database.writing() as session:
            unsaved.keep(session, ada, "KZ", NOVEMBER, Unsaved(typed, 3, at))

    with database.reading() as session:
        assert unsaved.get(session, ada, "KZ", NOVEMBER) == Unsaved(odd, 3, NOW + timedelta(minutes=1))
        assert unsaved.get(session, ben, "KZ", NOVEMBER) is None
        assert unsaved.get(session, ada, "KZ", OCTOBER) is None
    with database.writing() as session:
        unsaved.drop(session, ada, "KZ", NOVEMBER)
        assert unsaved.get(session, ada, "KZ", NOVEMBER) is None


def test_others_see_who_is_at_work_for_two_hours_after_the_last_word(database, admins):
    ada, ben = admins
    with database.writing() as session:
        unsaved.keep(session, ada, "KZ", NOVEMBER, Unsaved(Typed.empty(), 0, NOW))

    def seen_by(admin, at):
        with database.reading() as session:
            found = unsaved.at_work(session, NOVEMBER, but=admin, now=at)
            return [(each.place_code, each.address, each.typed_at) for each in found]

    assert seen_by(ben, NOW + AT_WORK - timedelta(seconds=1)) == [("KZ", ADA, NOW)]
    assert seen_by(ben, NOW + AT_WORK) == []
    assert seen_by(ada, NOW) == []
