"""A colleague is invited, chooses a password, sets up a second factor, and comes in by it; all without a barrier."""

from __future__ import annotations

import pyotp
import pytest
from playwright.sync_api import expect

from tests.journeys import stock
from tests.mail_checks import window

NEW = "colleague@example.org"
PASSWORD = "four words and a comma,"
PHONE, DESKTOP = 375, 1280


def check(visit, name: str) -> None:
    """Nothing on the page is in anybody's way."""
    for width in (PHONE, DESKTOP):
        for scheme in window.SCHEMES:
            window.set_to(visit.page, scheme, width)
            assert window.barriers(visit.page) == "", f"{name}, {scheme}, {width} px"
            assert visit.overflow() == 0, f"{name}, {width} px"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_colleague_comes_in_by_a_mailed_link_and_then_with_a_code(visit_with, demo, scripts):
    owner, colleague = visit_with(scripts=scripts), visit_with(scripts=scripts)
    owner.log_in()
    owner.click("People")
    owner.page.get_by_label("E-mail address").fill(NEW)
    owner.page.get_by_role("radio", name="Sender").check()
    owner.press("Invite")
    expect(owner.page.get_by_role("status")).to_contain_text(f"An invitation is on its way to {NEW}")

    (mail,) = stock.mails_to(demo, NEW)
    colleague.page.goto(stock.link_of(mail, "Choose my password"))
    colleague.page.get_by_label("New password").fill(PASSWORD)
    colleague.press("Set my password")
    colleague.page.get_by_label("E-mail address").fill(NEW)
    colleague.page.get_by_label("Password").fill(PASSWORD)
    colleague.press("Log in")

    colleague.click("Account")
    colleague.click("Set up a second factor")
    secret = colleague.page.locator("code.secret").inner_text().replace(" ", "")
    colleague.page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
    colleague.press("Switch it on")
    colleague.see("Your recovery codes")
    codes = colleague.page.locator(".codes code").all_inner_texts()
    colleague.press("Log out")

    colleague.page.get_by_label("E-mail address").fill(NEW)
    colleague.page.get_by_label("Password").fill(PASSWORD)
    colleague.press("Log in")
    colleague.see("Your code")
    colleague.page.get_by_label("Code", exact=True).fill(codes[0])
    colleague.press("Log in")
    expect(colleague.page.locator(".deskbar")).to_contain_text(f"{NEW} sender")
    expect(colleague.page.get_by_role("navigation", name="Desk").get_by_role("link", name="People")).to_have_count(0)

    owner.click("Audit log")
    for act in ("admin.invited", "invitation.taken_up", "second_factor.on", "recovery_code.used"):
        expect(owner.page.get_by_role("rowheader", name=act)).to_have_count(1)


def test_axe_finds_no_barrier_on_the_pages_of_logging_in(visit, demo):
    for path in ("/admin/login", "/admin/forgotten"):
        visit.open(path)
        check(visit, path)
    visit.page.get_by_label("E-mail address").fill("a@example.org")
    visit.press("Send me a link")
    check(visit, "asked for a link")
    visit.open("/admin/reset/forged")
    check(visit, "a dead link")
    visit.log_in()
    for path in ("/admin/account", "/admin/account/second-factor", "/admin/people", "/admin/audit"):
        visit.open(path)
        check(visit, path)
    visit.open("/admin/people")
    visit.page.get_by_label("E-mail address").fill(NEW)
    visit.press("Invite")
    visit.click(NEW)
    check(visit, "a person")
    visit.page.get_by_label(f"Type {NEW} to confirm").fill("no")
    visit.press("Close the account")
    check(visit, "a person, with an error")
    visit.open("/admin/account")
    visit.page.get_by_label("Your password until now").fill("not my password")
    visit.page.get_by_label("New password").fill("another long password")
    visit.press("Change my password, and end my other logins")
    check(visit, "the account, with an error")
    # The browser itself notes that an answer was an error.
    visit.faults[:] = [fault for fault in visit.faults if "status of 4" not in fault]
