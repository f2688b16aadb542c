"""Editions: one a month, frozen by approval."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.domain.update import UpdateState
from newsletter.errors import ContentChanged, EditionStateError, InvalidInput, NotFound
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.services import deliveries, editions, editorial
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CompiledEdition, Edition
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, an_update, at_once, dump, store_updates


def ensure(database, month=NOVEMBER, at=NOW):
    with database.writing() as session:
        return editions.ensure(session, month, now=at).id


def approve(database, publication, month=NOVEMBER):
    with database.writing() as session:
        return editions.approve(session, month, publication, by="owner@example.org", now=NOW).id


def test_made_by_eight_at_once_there_is_one_draft(database):
    ids = at_once(8, lambda: ensure(database))

    assert len(set(ids)) == 1
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Edition)) == 1
        assert editions.get(session, NOVEMBER).state == EditionState.DRAFT.value


def test_made_again_it_is_the_same_and_stays_as_it_was(database):
    ensure(database)
    before = dump(database)

    ensure(database, at=NOW + timedelta(days=40))

    assert dump(database) == before


def test_a_month_without_an_edition_is_told_with_what_makes_one(sqlite):
    with sqlite.reading() as session, pytest.raises(NotFound, match="newsletter edition assemble 2022-11"):
        editions.get(session, NOVEMBER)


def test_a_locked_look_sees_what_others_have_done_since(postgresql):
    ensure(postgresql)
    with postgresql.writing() as session:
        seen = editions.get(session, NOVEMBER)
        with postgresql.writing() as other:
            editions.get(other, NOVEMBER).note = "changed meanwhile"

        assert editions.get(session, NOVEMBER, for_update=True) is seen
        assert seen.note == "changed meanwhile"


def test_approval_freezes_the_edition_and_keeps_who_and_when(database, publication):
    store_updates(database)
    ensure(database)
    with database.writing() as session:
        editions.get(session, NOVEMBER).note = "what was in the way"
    approve(database, publication)

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.approved_at, edition.approved_by) == ("approved", NOW, "owner@example.org")
        assert edition.note is None
        assert [entry.place for entry in editions.compiled(edition, publication).entries] == ["ET", "SD", "KZ"]


def no_address(publication):
    return replace(publication, postal_address=None)


def test_without_a_postal_address_nothing_is_approved(sqlite, publication):
    store_updates(sqlite)
    ensure(sqlite)
    before = dump(sqlite)

    with pytest.raises(EditionStateError, match="set POSTAL_ADDRESS first"):
        approve(sqlite, no_address(publication))
    assert dump(sqlite) == before


def test_without_an_update_that_is_ready_nothing_is_approved(sqlite, publication):
    with sqlite.writing() as session:
        editorial.store(session, an_update("KZ", state=UpdateState.DRAFT), now=NOW)
        editorial.store(session, an_update("SD", NOVEMBER.previous), now=NOW)
    ensure(sqlite)

    with pytest.raises(EditionStateError, match="no update for 2022-11 is ready"):
        approve(sqlite, publication)


@pytest.mark.parametrize("state", [state for state in EditionState if state is not EditionState.DRAFT])
def test_only_a_draft_is_approved(sqlite, publication, state):
    store_updates(sqlite)
    ensure(sqlite)
    with sqlite.writing() as session:
        editions.get(session, NOVEMBER).state = state.value

    with pytest.raises(EditionStateError, match=f"2022-11 is {state.value}, and only a draft"):
        approve(sqlite, publication)


def test_approved_by_many_at_once_it_is_approved_once(database, publication):
    store_updates(database)
    ensure(database)

    def try_to_approve():
        try:
            return approve(database, publication)
        except EditionStateError:
            return None

    results = at_once(6, try_to_approve)

    assert len([result for result in results if result is not None]) == 1


def test_what_is_frozen_does_not_follow_a_later_edit(database, publication):
    store_updates(database)
    ensure(database)
    with database.reading() as session:
        told = editions.contents(session, editions.get(session, NOVEMBER))
    approve(database, publication)
    reader = Recipient(1, "reader@example.org", ("all",))

    def digest():
        with database.reading() as session:
            pieces = editions.compile_draft(session, editions.get(session, NOVEMBER), publication, now=NOW)
            return Splicer(pieces, publication, gazetteer()).splice(reader).data

    frozen = digest()
    with database.writing() as session:
        editorial.store(session, an_update("KZ", headline="Other words."), now=NOW)
        editorial.store(session, an_update("ML"), now=NOW)

    assert digest() == frozen
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert editions.contents(session, edition) == told
        assert len(editorial.contents(session, NOVEMBER).entries) == 4


def test_a_draft_is_compiled_as_its_updates_stand_now(sqlite, publication):
    store_updates(sqlite)
    ensure(sqlite)
    with sqlite.writing() as session:
        editorial.store(session, an_update("ML"), now=NOW)
        edition = editions.get(session, NOVEMBER)
        pieces = editions.compile_draft(session, edition, publication, now=NOW)

        assert {entry.place for entry in pieces.entries} == {"KZ", "SD", "ET", "ML"}
        with pytest.raises(EditionStateError, match="not approved yet"):
            editions.compiled(edition, publication)


@pytest.mark.parametrize("column", ["content", "pieces"])
def test_what_was_changed_after_approval_is_not_sent(sqlite, publication, column):
    store_updates(sqlite)
    ensure(sqlite)
    approve(sqlite, publication)
    with sqlite.writing() as session:
        row = session.scalars(select(CompiledEdition)).one()
        setattr(row, column, getattr(row, column).replace("quiet", "loud"))

    with sqlite.reading() as session, pytest.raises(ContentChanged, match="changed after it was approved"):
        editions.compiled(editions.get(session, NOVEMBER), publication)


def test_what_another_version_compiled_is_compiled_anew_from_what_was_approved(sqlite, publication):
    store_updates(sqlite)
    ensure(sqlite)
    approve(sqlite, publication)
    with sqlite.writing() as session:
        row = session.scalars(select(CompiledEdition)).one()
        made = editions.compiled(row.edition, publication)
        row.pieces = "{}"
        row.sha256 = hashlib.sha256(f"{row.content}\0{{}}".encode()).hexdigest()
        editorial.store(session, an_update("ML"), now=NOW)

    with sqlite.writing() as session:
        edition = editions.get(session, NOVEMBER)
        again = editions.compiled(edition, publication)
        editions.freeze(session, edition, again, edition.compiled.content)

    with sqlite.reading() as session:
        assert again.entries == made.entries
        assert editions.compiled(editions.get(session, NOVEMBER), publication) == replace(again, images=())


def test_the_archive_shows_what_was_ever_approved(sqlite, publication):
    december = Month(2022, 12)
    store_updates(sqlite)
    with sqlite.writing() as session:
        editorial.store(session, an_update("KZ", december), now=NOW)
    for month in (NOVEMBER, december, Month(2023, 1)):
        ensure(sqlite, month)
    approve(sqlite, publication)
    approve(sqlite, publication, december)
    with sqlite.writing() as session:
        deliveries.cancel(session, Month(2023, 1), now=NOW)

    with sqlite.reading() as session:
        assert [edition.month for edition in editions.released(session)] == ["2022-12", "2022-11"]
        assert [edition.month for edition in editions.all_editions(session)] == ["2023-01", "2022-12", "2022-11"]


def set_overview(database, text, month=NOVEMBER):
    with database.writing() as session:
        return editions.set_overview(session, month, text, now=NOW).id


def test_an_overview_makes_the_draft_that_it_is_for_and_is_frozen_with_it(database, publication):
    store_updates(database)
    set_overview(database, "  A month of *talks*.\r\nAnd more.")
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.state == EditionState.DRAFT.value
        assert editions.contents(session, edition).overview == "A month of *talks*.\nAnd more."

    approve(database, publication)
    with database.writing() as session:
        edition = editions.get(session, NOVEMBER)
        edition.overview = "changed behind its back"
        assert editions.contents(session, edition).overview == "A month of *talks*.\nAnd more."


def test_an_overview_can_be_changed_and_taken_away(sqlite):
    first = set_overview(sqlite, "One.")

    assert set_overview(sqlite, "Two.") == first
    set_overview(sqlite, " ")

    with sqlite.reading() as session:
        assert editions.get(session, NOVEMBER).overview == ""


@pytest.mark.parametrize(("text", "message"), [("x" * 5001, "has 5,001 characters"), ("a\0b", r"\(U\+0000\); take")])
def test_an_overview_that_can_not_be_taken_changes_nothing_and_makes_no_edition(sqlite, text, message):
    before = dump(sqlite)

    with pytest.raises(InvalidInput, match=f"the overview .*{message}"):
        set_overview(sqlite, text)
    assert dump(sqlite) == before


@pytest.mark.parametrize("state", [state for state in EditionState if state is not EditionState.DRAFT])
def test_only_a_drafts_overview_is_changed(sqlite, state):
    set_overview(sqlite, "One.")
    with sqlite.writing() as session:
        editions.get(session, NOVEMBER).state = state.value

    with pytest.raises(EditionStateError, match=f"2022-11 is {state.value}, and its overview can't be changed"):
        set_overview(sqlite, "Two.")
