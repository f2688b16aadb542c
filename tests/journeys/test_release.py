"""An edition is checked, approved, put off, called off, and watched on its way, without a barrier."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from newsletter.domain.month import Month
from newsletter.services import deliveries, editions
from newsletter.storage.tables import Delivery
from tests.mail_checks import window
from tests.services.stock import add_readers

NOVEMBER = Month(2022, 11)
PHONE, DESKTOP = 375, 1280


def check(visit, name):
    """Nothing on the page is in anybody's way."""
    for width in (PHONE, DESKTOP):
        for scheme in window.SCHEMES:
            window.set_to(visit.page, scheme, width)
            assert window.barriers(visit.page) == "", f"{name}, {scheme}, {width} px"
            assert visit.overflow() == 0, f"{name}, {width} px"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_an_edition_is_checked_approved_put_off_and_called_off(visit_with, demo, scripts):
    visit = visit_with(scripts=scripts)
    visit.log_in()
    visit.click("Check and approve")
    visit.see("Checks before release")
    visit.press("Approve November 2022")
    expect(visit.page.get_by_role("alert")).to_contain_text("Tick each warning below once you have read it.")
    if scripts:
        check(visit, "checks")
    for seen in visit.page.get_by_role("checkbox").all():
        seen.check()
    visit.press("Approve November 2022")
    visit.forgive(400)

    visit.click("Release November 2022")
    visit.see("Release")
    if scripts:
        check(visit, "release")
    visit.page.get_by_role("radio", name="At a time").check()
    visit.page.get_by_label("Day and time in UTC").fill("2020-01-01T09:00")
    visit.press("Go on to the last page")
    expect(visit.page.locator("#at-error")).to_contain_text("This time is over")
    visit.forgive(400)
    soon = visit.page.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 16)")
    visit.page.get_by_label("Day and time in UTC").fill(soon)
    visit.press("Go on to the last page")
    visit.see("Send November 2022")
    if scripts:
        check(visit, "the last page")
    visit.page.get_by_label("Type 2022-11 to confirm").fill("2022-11")
    visit.press("Send it at that time")
    visit.click("Release November 2022")
    visit.press("Don’t send it by itself")
    expect(visit.page.get_by_role("status")).to_contain_text("is not sent by itself any more")


def test_a_page_keeps_up_with_a_send_and_says_when_it_is_paused(visit_with, demo):
    visit = visit_with()
    visit.log_in()
    add_readers(demo.database, ["all"] * 40)
    with demo.database.writing() as session:
        now = editions.get(session, NOVEMBER).created_at
        editions.approve(session, NOVEMBER, demo.settings.publication, by="a test", now=now)
        edition = deliveries.start(session, NOVEMBER, by="a test", now=now)
        # What the sender of the demo leaves alone: somebody has to decide on them.
        session.query(Delivery).update({"state": "deferred", "due_at": 4_000_000_000})
        edition_id = edition.id
    visit.open("/admin/editions/2022-11")
    check(visit, "an edition on its way")
    line = visit.page.locator("[data-shows=line]")
    expect(line).to_have_text("0 of 40 done, 0 %")

    with demo.database.writing() as session:
        rows = session.query(Delivery).filter_by(edition_id=edition_id).limit(10).all()
        for row in rows:
            row.state, row.due_at = "failed", None
    expect(line).to_have_text("10 of 40 done, 25 %")
    expect(visit.page.locator("[data-shows=failed]")).to_have_text("10")

    with demo.database.writing() as session:
        deliveries.pause(session, NOVEMBER, note="Paused by somebody else.")
    expect(visit.page.get_by_text("Paused by somebody else.")).to_be_visible()
