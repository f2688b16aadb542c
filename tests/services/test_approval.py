"""From draft to approved, by one person or by two, and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from newsletter.domain.states import EditionState
from newsletter.errors import EditionStateError
from newsletter.services import approval, checks, deliveries, editions, editorial
from newsletter.services.approval import Approval
from newsletter.services.checks import Scales
from newsletter.storage.tables import CompiledEdition, Edition, EditionPicture
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, an_update, at_once, dump, store_updates

ANN, BEN = "ann@example.org", "ben@example.org"


@pytest.fixture
def draft(database):
    """November's draft."""
    store_updates(database)
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
    return database


def approve(database, publication, by=ANN, **options):
    with database.writing() as session:
        return approval.approve(session, NOVEMBER, publication, by=by, now=NOW, **options).state


def keys(database, publication):
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        return [group.key for group in checks.run(session, edition, publication, Scales(), now=NOW).warnings]


def test_what_asks_has_to_be_seen_all_of_it(draft, publication):
    with draft.writing() as session:
        editorial.store(session, an_update("ML", NOVEMBER.previous), now=NOW)
        editorial.store(session, an_update("NE", headline="N" * 250), now=NOW)
    seen = keys(draft, publication)
    assert len(seen) >= 2

    for few in ([], seen[:-1], ["forged"]):
        with pytest.raises(EditionStateError, match="look at the checks first"):
            approve(draft, publication, seen=few)
    assert approve(draft, publication, seen=seen) == "approved"


def test_an_error_stops_whoever_approves(draft, publication):
    with draft.writing() as session:
        editions.set_overview(session, NOVEMBER, "See [us](about.html).", now=NOW)
    before = dump(draft)

    with pytest.raises(EditionStateError, match=r"can't be approved\. The overview: “about\.html” is no whole address"):
        approve(draft, publication, seen=None)
    assert dump(draft) == before


def test_what_an_edition_can_not_do_without_is_told_with_what_to_do(draft, publication):
    with pytest.raises(EditionStateError, match=r"^set POSTAL_ADDRESS first"):
        approve(draft, replace(publication, postal_address=None))


def test_where_it_takes_two_the_one_who_proposes_does_not_approve(draft, publication):
    with pytest.raises(EditionStateError, match="propose 2022-11 first"):
        approve(draft, publication, rule=Approval.TWO)
    with draft.writing() as session:
        approval.propose(session, NOVEMBER, by=ANN, now=NOW)
    with pytest.raises(EditionStateError, match="somebody else has to approve it"):
        approve(draft, publication, by=ANN, rule=Approval.TWO)

    assert approve(draft, publication, by=BEN, rule=Approval.TWO) == "approved"


def test_another_overview_has_to_be_proposed_anew(draft, publication):
    with draft.writing() as session:
        approval.propose(session, NOVEMBER, by=ANN, now=NOW)
        editions.set_overview(session, NOVEMBER, "A quiet month.", now=NOW)

    with pytest.raises(EditionStateError, match="propose 2022-11 first"):
        approve(draft, publication, by=BEN, rule=Approval.TWO)


def test_an_approved_edition_is_taken_back_changed_and_approved_again(draft, publication):
    approve(draft, publication)
    with draft.writing() as session:
        edition = approval.take_back(session, NOVEMBER, now=NOW)
        assert (edition.state, edition.approved_at, edition.approved_by) == ("draft", None, None)
    with draft.reading() as session:
        assert session.scalar(select(func.count()).select_from(CompiledEdition)) == 0
        assert session.scalar(select(func.count()).select_from(EditionPicture)) == 0
        assert editions.released(session) == []

    with draft.writing() as session:
        editorial.store(session, an_update("KZ", headline="Kazakhstan had another month."), now=NOW)
    approve(draft, publication)
    with draft.reading() as session:
        told = editions.contents(session, editions.get(session, NOVEMBER))
        assert "Kazakhstan had another month." in [entry.update.headline for entry in told.entries]


@pytest.mark.parametrize("state", ["sending", "paused", "sent", "cancelled"])
def test_what_is_on_its_way_is_not_taken_back(draft, publication, state):
    approve(draft, publication)
    with draft.writing() as session:
        editions.get(session, NOVEMBER).state = state
    before = dump(draft)

    with draft.writing() as session, pytest.raises(EditionStateError, match=f"is {state}, and can't be taken back"):
        approval.take_back(session, NOVEMBER, now=NOW)
    assert dump(draft) == before


def test_taken_back_and_sent_at_once_one_of_the_two_happens(draft, publication):
    approve(draft, publication)

    def take_back():
        try:
            with draft.writing() as session:
                approval.take_back(session, NOVEMBER, now=NOW)
        except EditionStateError:
            return "refused"
        return "done"

    def send():
        try:
            with draft.writing() as session:
                deliveries.start(session, NOVEMBER, by=BEN, now=NOW)
        except EditionStateError:
            return "refused"
        return "done"

    acts = iter([take_back, send] * 3)

    def act():
        return next(acts)()

    outcomes = at_once(6, act)
    with draft.reading() as session:
        edition = session.scalars(select(Edition)).one()
        is_sent = edition.state == EditionState.SENDING.value
        assert (edition.compiled is not None) is is_sent
    assert outcomes.count("done") >= 1
