"""After an edition: its report, a correction and its mail; and test copies before it. None of it has a barrier."""

from __future__ import annotations

from playwright.sync_api import expect

from newsletter.domain.month import Month
from newsletter.jobs import reporting
from newsletter.jobs.sender import utc_now
from newsletter.services import deliveries, editions
from newsletter.storage.tables import Delivery, Edition
from tests.journeys.test_release import check
from tests.services.stock import add_readers, subscribe_readers

NOVEMBER = Month(2022, 11)
PAGE = "/admin/editions/2022-11"


def send(demo):
    """November was sent to 40 within some minutes; five deliveries failed."""
    add_readers(demo.database, ["KZ;SD"] * 40)
    with demo.database.writing() as session:
        now = utc_now()
        subscribe_readers(session, at=now)
        editions.approve(session, NOVEMBER, demo.settings.publication, by="a test", now=now)
        deliveries.start(session, NOVEMBER, by="a test", now=now)
        for number, row in enumerate(session.query(Delivery).order_by(Delivery.subscriber_id)):
            row.state, row.changed_at = "sent", int(now.timestamp()) + 20 * number + (number % 7) ** 3
            if number % 8 == 3:
                row.state, row.detail = "failed", "550 5.1.1 no such user here"
        session.query(Edition).update({"state": "sent", "ended_at": now})
    reporting.make_report(demo.database, demo.settings.publication, now=utc_now())


def test_a_report_is_read_and_an_update_is_put_right(visit_with, demo):
    visit = visit_with()
    visit.log_in()
    send(demo)
    visit.open(PAGE)
    visit.click("What became of it")
    visit.see("Report")
    expect(visit.page.get_by_text("35 delivered to the relay")).to_be_visible()
    check(visit, "report")

    visit.open(PAGE)
    visit.click("Correct what was wrong")
    check(visit, "a correction before it is begun")
    visit.press("Begin a correction")
    visit.click("Kazakhstan")
    visit.page.get_by_label("Headline").fill("Kazakhstan, put right.")
    check(visit, "an update put right")
    visit.press("Save in the correction")
    visit.page.get_by_label("In a sentence or two, for readers").fill("We named the wrong town.")
    visit.press("Save these words")
    check(visit, "a correction that is whole")
    visit.page.get_by_label("Type 2022-11 to confirm").fill("2022-11")
    visit.press("Publish revision 2")

    visit.click("Tell it by mail")
    check(visit, "the mail of a correction")
    visit.press("Count the readers")
    expect(visit.page.get_by_text("35 readers were sent the wrong update")).to_be_visible()
    check(visit, "the mail of a correction, counted")
    visit.page.get_by_label("Type 2022-11 to confirm").fill("2022-11")
    visit.press("Send to 35 readers")
    expect(visit.page.get_by_role("status")).to_contain_text("on its way to 35 readers")

    visit.open("/editions/2022-11")
    expect(visit.page.get_by_role("complementary", name="Correction, revision 2")).to_contain_text("the wrong town")
    check(visit, "a corrected edition")
    visit.open("/places/KZ/2022-11")
    expect(visit.page.get_by_role("complementary", name="Correction, revision 2")).to_be_visible()
    check(visit, "a corrected place")


def test_test_copies_are_asked_for_without_scripts_too(visit_with, demo):
    visit = visit_with(scripts=False)
    visit.log_in()
    visit.open(f"{PAGE}/release")
    visit.click("Send test copies")
    visit.page.get_by_label("More addresses, at most 5").fill("eve@example.com")
    visit.press("Send test copies")
    expect(visit.page.get_by_role("status")).to_contain_text("2 test copies are on the way")


def test_the_page_of_test_copies_has_no_barrier(visit_with, demo):
    visit = visit_with()
    visit.log_in()
    visit.open(f"{PAGE}/copies")
    visit.page.get_by_role("radio", name="Some places").check()
    check(visit, "test copies")
