"""A month at the desk, from an empty board to a report, by three people; two of them at one update; a correction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, update

from newsletter.domain.month import Month
from newsletter.jobs.sender import utc_now
from newsletter.services import destinations
from newsletter.services.approval import Approval
from newsletter.storage.tables import CountryUpdate, Destination, Edition, Subscriber, UpdateVersion
from tests.journeys import stock
from tests.journeys.desk_keys import Keys
from tests.journeys.desk_people import AUTHOR, PASSWORD, REVIEWER, SENDER, hire, log_in, only_filled, told
from tests.mail_checks import window
from tests.services.stock import add_readers, subscribe_readers

NOVEMBER = Month(2022, 11)
PASTED = Path(__file__).parents[2] / "../shared/input/crisiswatch-kazakhstan.txt"
OTHERS = ("Ethiopia", "Somalia", "Sudan")  #: what the board holds beside Kazakhstan
COVERED = ("KZ", "ET", "SO", "SD")
FOLLOWS = ("KZ", "KZ;SD", "all", "KZ", "TR")  #: of readers at two domains in turn; the last gets nothing
SLOW = "example.net"  #: the second domain, whose mail waits


@pytest.fixture
def desk(demo) -> Iterator[str]:
    """A desk of four places where November is not begun, and where it takes two to approve; its address."""
    is_november = CountryUpdate.month == str(NOVEMBER)
    with demo.database.writing() as session:
        session.execute(delete(CountryUpdate).where(is_november | CountryUpdate.place_code.not_in(COVERED)))
        session.execute(delete(UpdateVersion).where(UpdateVersion.month == str(NOVEMBER)))
        session.execute(delete(Edition).where(Edition.month == str(NOVEMBER)))
        later = int((utc_now() + timedelta(hours=1)).timestamp())
        session.add(Destination(name=SLOW, paused_until=later, note="It takes no more now.", changed_at=later))
    hire(demo)
    add_readers(demo.database, FOLLOWS, domains=("example.org", SLOW))
    with stock.serving_also(demo, approval=Approval.TWO) as url:
        yield url


def unbarred(visit, name):
    """Nothing on the page is in anybody's way, on paper light or dark, wide or narrow."""
    for scheme, width in (("light", 1280), ("dark", 375)):
        window.set_to(visit.page, scheme, width)
        assert window.barriers(visit.page) == "", f"{name}, {scheme}"
        assert visit.overflow() == 0, f"{name} scrolls sideways"
    window.set_to(visit.page, "light", 1280)


def write_the_month(visit) -> str:
    """Kazakhstan from a page that is pasted whole, all others carried over; the pasted headline."""
    text = PASTED.read_text(encoding="utf-8")
    paragraphs = [" ".join(each.split()) for each in text.split("\n\n")]
    visit.click("Month")
    visit.click("November 2022")
    visit.see("November 2022")
    expect(visit.page.get_by_text("Left: 4 to write.")).to_be_visible()
    expect(only_filled(visit)).to_have_text(re.compile("^Write "))
    unbarred(visit, "an empty board")

    visit.click("Paste a page’s text")
    visit.page.get_by_label("The page’s text").fill(text)
    visit.press("Take it apart")
    expect(visit.page.get_by_role("heading", name="Taken from the text. Nothing is saved yet")).to_be_visible()
    expect(visit.page.get_by_label("Headline")).to_have_value(paragraphs[2])
    expect(visit.page.get_by_role("radio", name="Unchanged")).to_be_checked()
    leads = visit.page.get_by_label("Lead sentence").all()
    assert len(leads) == 2
    for paragraph, lead in zip(paragraphs[3:], leads, strict=False):
        assert paragraph.startswith(lead.input_value() or "no lead")
    unbarred(visit, "a page taken apart")
    visit.press("Save as ready")
    told(visit, "Kazakhstan is saved, and ready for the edition.")

    visit.click("November 2022")
    for box in visit.page.get_by_role("checkbox", name="Carry over").all():
        box.check()
    visit.press("Carry over the ticked places as unchanged")
    told(visit, "3 drafts were made as unchanged.")
    for place in OTHERS:
        expect(only_filled(visit)).to_have_text(re.compile("^Finish "))
        visit.page.get_by_role("row").filter(has_text=place).get_by_role("button", name="Mark as ready").click()
        told(visit, f"{place} is ready.")
    expect(visit.page.get_by_text("Left: 4 to review.")).to_be_visible()
    return paragraphs[2]


def review_the_month(visit, headline):
    """All four are read; the edition is assembled, checked and proposed, which is as far as one person gets."""
    visit.click("Month")
    only_filled(visit).click()
    for _ in range(3):
        visit.press("Mark as reviewed")
        told(visit, "is reviewed")
        visit.click("November 2022")
        only_filled(visit).click()
    expect(visit.page.get_by_label("Headline")).to_have_value(re.compile("."))
    visit.press("Mark as reviewed")
    visit.click("November 2022")
    expect(visit.page.get_by_text("Nothing is left: every place is reviewed.")).to_be_visible()

    only_filled(visit).click()
    visit.press("Assemble November 2022")
    expect(visit.page.get_by_role("row").filter(has_text="Kazakhstan")).to_contain_text(headline)
    only_filled(visit).click()
    visit.see("Checks before release")
    visit.press("Propose November 2022")
    visit.open(visit.page.url.removeprefix(visit.url) + "/checks")
    expect(visit.page.get_by_text("somebody else approves it")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Approve November 2022")).to_have_count(0)


def approve_the_month(visit):
    """By the second person, who reads what asks, and the dry run."""
    visit.click("Check and approve")
    visit.see("Checks before release")
    expect(visit.page.get_by_text(f"Proposed by {REVIEWER}")).to_be_visible()
    for seen in visit.page.get_by_role("checkbox", name="I have seen").all():
        seen.check()
    visit.press("Approve November 2022")
    told(visit, "is approved and frozen")
    visit.click("Release November 2022")
    visit.see("Release")
    facts = visit.page.locator(".facts")
    expect(facts).to_contain_text("4 readers")
    expect(facts).to_contain_text("1 follow nothing that is in it")
    unbarred(visit, "release")


def send_the_month(visit, demo):
    """The month is typed, and the page that watches it is loaded by nobody until it is over."""
    visit.press("Go on to the last page")
    visit.see("Send November 2022")
    visit.page.get_by_label("Type 2022-11 to confirm").fill("2022-10")
    visit.press("Send to 4 readers")
    expect(visit.page.locator("#typed-error")).to_have_text("Type 2022-11 to confirm")
    visit.forgive(400)
    visit.page.get_by_label("Type 2022-11 to confirm").fill("2022-11")
    with visit.page.expect_response("**/events") as stream:
        visit.press("Send to 4 readers")
    assert stream.value.headers["content-type"].startswith("text/event-stream")

    expect(visit.page.locator("[data-shows=line]")).to_have_text("3 of 5 done, 60 %")
    expect(visit.page.locator("[data-shows=sent]")).to_have_text("2")
    visit.reload_until_visible(visit.page.get_by_role("heading", name="1 paused destination"))
    unbarred(visit, "an edition on its way")
    polled = []
    visit.page.on("request", lambda request: polled.append(request.url) if "shown.json" in request.url else None)
    with demo.database.writing() as session:
        destinations.resume(session, SLOW, now=utc_now())
    expect(visit.page.get_by_text("The edition is sent.")).to_be_visible()
    expect(visit.page.locator(".counts > div").filter(has_text="Sent").locator("dd")).to_have_text("4")
    assert polled == [], "a page that has the stream asks for nothing beside it"


def test_a_month_goes_from_an_empty_board_to_a_report(visit_with, demo, desk):
    author, reviewer, sender = (log_in(visit_with(url=desk), who) for who in (AUTHOR, REVIEWER, SENDER))

    headline = write_the_month(author)
    review_the_month(reviewer, headline)
    sender.open("/admin/")
    approve_the_month(sender)
    author.open("/admin/months/2022-11/KZ")
    expect(
        author.page.get_by_text("The edition for November 2022 is approved, so its updates are frozen.")
    ).to_be_visible()
    send_the_month(sender, demo)

    for number, domain in ((1, "example.org"), (2, SLOW), (3, "example.org"), (4, SLOW)):
        (mail,) = stock.mails_to(demo, f"reader{number}@{domain}")
        assert headline in stock.shown_text(mail)
    assert stock.mails_to(demo, "reader5@example.org") == []

    sender.click("What became of it")
    sender.see("Report")
    sender.reload_until_visible(sender.page.get_by_text("4 delivered to the relay"))
    expect(sender.page.locator(".facts")).to_contain_text("1 follow nothing that is in it")
    expect(sender.page.get_by_role("table").last).to_contain_text("2022-11")
    unbarred(sender, "a report")


def test_two_people_at_one_update_lose_no_word_and_one_of_them_has_only_a_keyboard(visit_with, demo):
    hire(demo)
    author, reviewer = log_in(visit_with(), AUTHOR), visit_with()
    page = reviewer.open("/admin/")
    keys = Keys(page)
    keys.fill(page.get_by_label("E-mail address"), REVIEWER)
    keys.press("Tab")
    page.keyboard.type(PASSWORD)
    keys.press("Enter")
    keys.enter(page.get_by_role("link", name="Month", exact=True))
    keys.fill(page.get_by_label("Place or headline"), "Sudan")
    keys.press("Enter")
    expect(page.get_by_text("1 place of")).to_be_visible()
    keys.enter(page.get_by_role("link", name="Sudan", exact=True))
    reviewer.see("Sudan")

    author.open("/admin/months/2022-11/SD")
    author.page.get_by_label("Headline").fill("Talks in Port Sudan were put off.")
    author.page.get_by_label("Lead sentence").first.fill("The mediators left on 28 Nov.")
    author.press("Save")
    told(author, "Sudan is saved")

    trend = page.get_by_role("radio", checked=True)
    keys.to(trend)
    chosen = trend.get_attribute("value")
    keys.press("ArrowDown")
    assert page.get_by_role("radio", checked=True).get_attribute("value") != chosen
    keys.fill(page.get_by_label("Headline"), "Floods cut the road to Kassala.")
    keys.enter(page.get_by_role("button", name="Save", exact=True))

    expect(page.get_by_role("alert", name=f"{AUTHOR} saved this")).to_be_visible()
    reviewer.forgive(409)
    both = page.get_by_role("region", name="Both versions")
    for words in ("Talks in Port Sudan", "The mediators left on 28 Nov.", "Floods cut the road"):
        expect(both).to_contain_text(words)
    expect(page.get_by_label("Headline")).to_have_value("Floods cut the road to Kassala.")
    unbarred(reviewer, "a conflict")

    keys.fill(page.get_by_label("Lead sentence").first, "The mediators left on 28 Nov.")
    keys.enter(page.get_by_role("button", name="Save", exact=True))
    told(reviewer, "Sudan is saved")
    expect(page.get_by_label("Headline")).to_have_value("Floods cut the road to Kassala.")
    keys.enter(page.get_by_role("link", name="All versions"))
    expect(page.get_by_role("main")).to_contain_text(AUTHOR)
    expect(page.get_by_role("main")).to_contain_text("Talks in Port Sudan were put off.")


def correct(visit, wrong, right):
    """Kazakhstan is put right, and revision 2 published; nothing is mailed yet."""
    visit.open("/admin/editions/2022-11")
    visit.click("Correct what was wrong")
    visit.press("Begin a correction")
    visit.click("Kazakhstan")
    visit.page.get_by_label("Headline").fill(right)
    visit.press("Save in the correction")
    visit.page.get_by_label("In a sentence or two, for readers").fill(wrong)
    visit.press("Save these words")
    visit.page.get_by_label("Type 2022-11 to confirm").fill("2022-11")
    visit.press("Publish revision 2")
    visit.click("Tell it by mail")


def test_a_correction_reaches_those_who_got_the_wrong_update_and_nobody_else(visit_with, demo):
    wrong, right = "We named the wrong town.", "The vote was counted anew in Semey."
    hire(demo)
    add_readers(demo.database, ["KZ", "SD", "KZ", "all"])
    with demo.database.writing() as session:
        subscribe_readers(session, at=utc_now())
    stock.send(demo, NOVEMBER)
    stock.confirm(demo, stock.ask(demo, "late@example.org", "KZ"))
    with demo.database.writing() as session:
        is_third = Subscriber.address == "reader3@example.org"
        session.execute(update(Subscriber).where(is_third).values(paused_until=utc_now() + timedelta(days=20)))
    visit = log_in(visit_with(), SENDER)
    correct(visit, wrong, right)
    visit.press("Count the readers")
    expect(visit.page.get_by_text("3 readers were sent the wrong update")).to_be_visible()
    expect(visit.page.get_by_text("1 of them has paused their mail")).to_be_visible()
    visit.page.get_by_label("Type 2022-11 to confirm").fill("2022-11")
    visit.press("Send to 3 readers")
    told(visit, "on its way to")

    reached = {
        address
        for address in (*(f"reader{number}@example.org" for number in (1, 2, 3, 4)), "late@example.org")
        if any(str(mail["Subject"]).startswith("Correction: Kazakhstan") for mail in stock.mails_to(demo, address))
    }
    assert reached == {"reader1@example.org", "reader4@example.org"}
    mail = stock.mails_to(demo, "reader1@example.org")[-1]
    assert wrong in stock.shown_text(mail)
    assert right in stock.shown_text(mail)
    for path in ("/editions/2022-11", "/places/KZ/2022-11"):
        visit.open(path)
        expect(visit.page.get_by_role("complementary", name="Correction, revision 2")).to_contain_text(wrong)
        expect(visit.page.get_by_role("main")).to_contain_text(right)
