"""After an edition: its report, a correction from the desk to the site, and test copies before it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from newsletter.config.settings import Settings
from newsletter.domain.role import Role
from newsletter.services import deliveries, editions, editorial
from newsletter.services.approval import Approval
from newsletter.storage.tables import AuditEvent, Delivery, Edition, EditionReport, Notice, Subscriber
from tests.services.stock import subscribe_readers
from tests.web.conftest import NOVEMBER, START
from tests.web.forms import read_form

PAGE = "/admin/editions/2022-11"
WRONG = "We named the <b>wrong</b> town."


def words(page):
    """A page's text, without tags and with single spaces."""
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def acts(database):
    with database.reading() as session:
        return session.scalars(select(AuditEvent.act)).all()


@pytest.fixture
def sent(database, approved):
    """November was sent to three who follow Kazakhstan and Sudan; the third delivery failed."""
    rows = [
        {"address": f"r{number}@example.org", "address_key": f"r{number}@example.org", "state": "active"}
        | {"follows": "KZ;SD", "created_at": START, "confirmed_at": START}
        for number in range(1, 4)
    ]
    at = int(START.timestamp())
    with database.writing() as session:
        session.execute(insert(Subscriber), rows)
        deliveries.start(session, NOVEMBER, by="a test", now=START)
        session.execute(update(Delivery).values(state="sent", changed_at=at + 70))
        third = update(Delivery).where(Delivery.subscriber_id == 3)
        session.execute(third.values(state="failed", detail="451 4.4.1 <b>nobody</b> answers"))
        session.execute(update(Edition).values(state="sent", ended_at=START + timedelta(minutes=5)))
        subscribe_readers(session, at=START)
    return NOVEMBER


@pytest.fixture
def over(sent, clock):
    clock.pass_by(timedelta(hours=1))
    return sent


def row(database):
    with database.reading() as session:
        found = editions.get(session, NOVEMBER)
        session.expunge(found)
        return found


def test_a_report_is_made_on_demand_and_kept(desk_of, database, over):
    desk = desk_of(Role.SENDER)
    assert "Not counted yet" in desk.get(f"{PAGE}/report").text

    assert desk.post(f"{PAGE}/report").status_code == 303

    told = words(desk.get(f"{PAGE}/report").text)
    assert "2 delivered to the relay" in told
    assert "Failed 1, 33.33 %" in told
    assert "Put off until its time was over: the receiving system could not be reached in time 1" in told
    assert "451 4.4.1 &lt;b&gt;nobody&lt;/b&gt; answers" in told
    assert "Opens and clicks are not tracked" in told
    assert "edition.report_counted" in acts(database)
    with database.reading() as session:
        assert json.loads(session.scalars(select(EditionReport.content)).one())["sent"] == 2


def test_before_the_end_there_is_none(desk_of, database, over):
    with database.writing() as session:
        session.execute(update(Edition).values(state="sending", ended_at=None))
    desk = desk_of(Role.SENDER)

    assert "It is not over" in desk.get(f"{PAGE}/report").text
    assert desk.post(f"{PAGE}/report").status_code == 409


def test_it_goes_once_more_to_who_failed_when_the_month_is_typed(desk_of, database, over):
    desk = desk_of(Role.SENDER)
    desk.post(f"{PAGE}/report")
    assert "Type 2022-11 to confirm" in desk.post(f"{PAGE}/resend", month="2022-10").text
    assert row(database).state == "sent"

    assert desk.post(f"{PAGE}/resend", month="2022-11").status_code == 303

    with database.reading() as session:
        states = session.scalars(select(Delivery.state).order_by(Delivery.subscriber_id)).all()
    assert states == ["sent", "sent", "pending"]
    assert row(database).state == "sending"
    assert "edition.resent" in acts(database)


def form_of(page):
    """The values of an update's form as a browser sends them."""
    return {name: values for name, values in read_form(page, "correction").items() if name != "csrf_token"}


def write_correction(desk, headline="Kazakhstan, put right."):
    desk.post(f"{PAGE}/correction")
    form = form_of(desk.get(f"{PAGE}/correction/KZ").text)
    assert desk.post(f"{PAGE}/correction/KZ", **(form | {"headline": headline}), do="save").status_code == 303
    assert desk.post(f"{PAGE}/correction-note", note=WRONG).status_code == 303


def test_a_correction_from_the_desk_to_the_site(desk_of, client, database, over):
    desk = desk_of(Role.SENDER)
    write_correction(desk)
    page = desk.get(f"{PAGE}/correction").text
    assert "We named the &lt;b&gt;wrong&lt;/b&gt; town." in page
    assert "put right." not in client.get("/editions/2022-11").text
    assert "Type 2022-11 to confirm" in desk.post(f"{PAGE}/correction-publish", month="x").text

    assert desk.post(f"{PAGE}/correction-publish", month="2022-11").status_code == 303

    edition, place, feed = (
        client.get(path).text for path in ("/editions/2022-11", "/places/KZ/2022-11", "/places/KZ/feed.atom")
    )
    for shown in (edition, place):
        assert "Kazakhstan, put right." in shown
        assert "We named the &lt;b&gt;wrong&lt;/b&gt; town." in shown
        assert "1 Dec 2022, revision 2" in words(shown)
    assert "Kazakhstan, put right." in feed
    assert "<updated>2022-12-01T10:00:00Z</updated>" in feed
    assert "Correction" not in words(client.get("/places/SD/2022-11").text)
    older = client.get("/editions/2022-11?revision=1").text
    assert "KZ had a unchanged month." in older
    assert "This is the edition as it was sent, and it was corrected since." in words(older)
    assert "put right." not in older
    assert client.get("/editions/2022-11?revision=3").status_code == 404
    for act in ("begun", "changed", "described"):
        assert f"edition.correction_{act}" in acts(database)
    assert "edition.corrected" in acts(database)


def test_a_page_that_was_kept_shows_the_correction_at_once(desk_of, client, over):
    assert "Correction" not in words(client.get("/editions/2022-11").text)
    desk = desk_of(Role.REVIEWER)
    write_correction(desk)
    desk.post(f"{PAGE}/correction-publish", month="2022-11")

    assert "Correction" in words(client.get("/editions/2022-11").text)


def test_what_is_wrong_in_a_form_is_told_beside_it_and_stays(desk_of, database, over):
    desk = desk_of(Role.AUTHOR)
    desk.post(f"{PAGE}/correction")
    form = form_of(desk.get(f"{PAGE}/correction/KZ").text)

    wrong = desk.post(f"{PAGE}/correction/KZ", **(form | {"headline": "", "development-lead": "Mine."}), do="save")
    assert wrong.status_code == 400
    assert "Mine." in wrong.text
    assert 'id="headline-error"' in wrong.text
    added = desk.post(f"{PAGE}/correction/KZ", **form, do="add-development").text
    assert len(form_of(added)["development-lead"]) == 2
    assert desk.post(f"{PAGE}/correction-note", note=" ").status_code == 400
    assert desk.get(f"{PAGE}/correction/ML").status_code == 200
    assert desk.get(f"{PAGE}/correction/AF").status_code == 404
    with database.reading() as session:
        assert editorial.get(session, "KZ", NOVEMBER).headline == "KZ had a unchanged month."


def test_two_who_correct_the_same_update_lose_no_words(desk_of, over):
    ada, bob = desk_of(Role.AUTHOR), desk_of(Role.REVIEWER)
    ada.post(f"{PAGE}/correction")
    form = form_of(bob.get(f"{PAGE}/correction/KZ").text)
    write_correction(ada, "By Ada.")

    clash = bob.post(f"{PAGE}/correction/KZ", **(form | {"headline": "By Bob."}), do="save")

    assert clash.status_code == 409
    assert "By Ada." in words(clash.text) or "Ada." in words(clash.text)
    again = form_of(clash.text)
    assert again["headline"] == ["By Bob."]
    assert bob.post(f"{PAGE}/correction/KZ", **again, do="save").status_code == 303


class TestWhereItTakesTwo:
    """A correction is proposed by one and published by another."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, approval=Approval.TWO)

    def test_the_one_who_proposes_does_not_publish(self, desk_of, database, over):
        ada, bob = desk_of(Role.REVIEWER), desk_of(Role.SENDER)
        write_correction(ada)
        assert "It takes two" in ada.get(f"{PAGE}/correction").text
        assert ada.post(f"{PAGE}/correction-publish", month="2022-11").status_code == 409
        ada.post(f"{PAGE}/correction-propose")
        assert "somebody else publishes it" in ada.get(f"{PAGE}/correction").text
        assert ada.post(f"{PAGE}/correction-publish", month="2022-11").status_code == 409
        assert row(database).revision == 1

        assert bob.post(f"{PAGE}/correction-publish", month="2022-11").status_code == 303
        assert row(database).revision == 2


def test_it_is_counted_before_it_is_mailed_and_mailed_once(desk_of, database, over):
    desk = desk_of(Role.SENDER)
    write_correction(desk)
    desk.post(f"{PAGE}/correction-publish", month="2022-11")
    mail = f"{PAGE}/corrections/2/mail"
    assert "typed-month" not in desk.get(mail).text
    assert "2 readers were sent the wrong update" in words(desk.post(f"{PAGE}/corrections/2/count").text)
    assert desk.post(mail, month="2022").status_code == 400

    assert desk.post(mail, month="2022-11").status_code == 303

    assert desk.post(mail, month="2022-11").status_code == 409
    with database.reading() as session:
        found = session.execute(select(Notice.subscriber_id, Notice.revision).where(Notice.kind == "correction")).all()
    assert [tuple(each) for each in found] == [(1, 2), (2, 2)]
    assert "edition.correction_mailed" in acts(database)
    assert "Mailed on" in desk.get(f"{PAGE}/correction").text
    assert desk.get(f"{PAGE}/corrections/7/mail").status_code == 404


def test_a_correction_that_is_thrown_away_is_gone(desk_of, over):
    desk = desk_of(Role.REVIEWER)
    write_correction(desk)

    assert desk.post(f"{PAGE}/correction-drop").status_code == 303

    assert "Begin a correction" in desk.get(f"{PAGE}/correction").text


def test_before_it_is_sent_the_page_leads_to_taking_it_back(desk_of, approved):
    page = desk_of(Role.REVIEWER).get(f"{PAGE}/correction").text

    assert f"{PAGE}/release#approval-title" in page


def copies(database):
    with database.reading() as session:
        query = select(Notice.address, Notice.about).where(Notice.kind == "test_copy").order_by(Notice.id)
        return [(address, json.loads(about)["follows"]) for address, about in session.execute(query)]


def test_test_copies_go_to_who_is_ticked_and_who_is_typed(desk_of, database, draft):
    desk = desk_of(Role.REVIEWER)
    page = desk.get(f"{PAGE}/copies").text
    me = re.search(r'name="colleague" value="(\d+)" checked', page)[1]

    asked = desk.post(f"{PAGE}/copies", colleague=me, addresses="eve@example.com", who="places", place="KZ")

    assert asked.status_code == 303
    assert copies(database) == [("reviewer@example.org", ["KZ"]), ("eve@example.com", ["KZ"])]
    with database.reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.act == "edition.test_copies")).one()
    assert event.detail == "2, as a reader of Kazakhstan"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"who": "everything"}, "Tick a colleague, or write an address"),
        ({"who": "everything", "addresses": "eve"}, "“eve”"),
        ({"who": "places", "addresses": "eve@example.com"}, "Choose all updates, or at least one"),
        ({"who": "places", "place": "AF", "addresses": "eve@example.com"}, "Nothing that this reader follows"),
        ({"who": "reader", "reader": "99", "addresses": "eve@example.com"}, "Nobody with this number"),
        ({"addresses": "eve@example.com"}, "Choose as whom"),
    ],
)
def test_what_can_not_be_copied_is_told_beside_its_field(desk_of, database, draft, form, told):
    answer = desk_of(Role.REVIEWER).post(f"{PAGE}/copies", **form)

    assert answer.status_code == 400
    assert told in answer.text
    assert form.get("addresses", "") in answer.text
    assert copies(database) == []
