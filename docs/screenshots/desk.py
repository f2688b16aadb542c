"""Make the pictures of the desk anew: board, editor, release, progress, report; each wide and narrow, light and dark.

Run by hand, as docs/screenshots/make.py is, and look at each picture before it is committed:

    .venv/bin/python -m docs.screenshots.desk

It takes some two minutes. The desk is the demo's, with people, states and readers that are made up here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from docs.screenshots.make import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, SCHEMES, Shot, log_in, write
from docs.screenshots.make import window as opened
from newsletter.cli.demo import DRAFT_MONTH, SENT_MONTHS, Demo
from newsletter.domain import subject as subjects_
from newsletter.domain.month import Month
from newsletter.domain.states import DeliveryState, EditionState, SkipReason
from newsletter.jobs import reporting
from newsletter.jobs.sender import utc_now
from newsletter.services import deliveries, dry_run, editions
from newsletter.services.sample import sample_readings
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate, Delivery, EditionReport, Subscriber, Subscription
from tests.journeys.stock import serving

HEIGHTS = {DESKTOP: 1120, PHONE: 1100}  #: px, of a picture
NAMES = {DESKTOP: "desktop", PHONE: "phone"}

AMINA, BRUNO, CHIDI = "amina@example.org", "bruno@example.org", "chidi@example.org"
EDITOR = "SD"  #: the place whose editor is shown
MISSING, DRAFTS = ("LY", "ML"), ("KZ", "PK", "SO")
READERS = 12_400
BEFORE = (11_310, 11_870)  #: readers of the editions in the archive
DOMAINS = ("gmail.com", "gmail.com", "outlook.com", "yahoo.com", "example.org", "example.net", "example.edu")
LANGUAGES = ("en", "en", "en", "en", "fr", "fr", "es", "ar")
WATCHED = 16  #: counts that a page sees before it is pictured, for the drawing of the rate
DICE = Random(17)  # noqa: S311 - what it draws is made up, and the same each time
LATER = timedelta(minutes=25)  #: until a reader's turn comes: the demo's sender leaves them alone

DESK = f"/admin/months/{DRAFT_MONTH}"
PAGE = f"/admin/editions/{DRAFT_MONTH}"


def main() -> None:
    """Walk through a month, and take the pictures on the way."""
    with serving() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        write_month(demo)
        take(browser, demo, "desk-board", DESK)
        with desk(browser, demo) as page:
            page.goto(f"{demo.settings.base_url}{DESK}/{EDITOR}")
            page.get_by_role("button", name="As a page").click()
            page.frame_locator("iframe[name=shown]").get_by_role("heading", level=1).wait_for()
            picture(page, "desk-editor")
        add_readers(demo)
        take_release(browser, demo)
        take_progress(browser, demo)
        end(demo)
        take(browser, demo, "desk-report", f"{PAGE}/report")
        browser.close()


def write_month(demo: Demo) -> None:
    """A month in the middle of its last week: much is reviewed, some is ready, a little is missing."""
    now, of_month = utc_now(), CountryUpdate.month == str(DRAFT_MONTH)
    with demo.database.writing() as session:
        session.execute(delete(CountryUpdate).where(of_month & CountryUpdate.place_code.in_(MISSING)))
        for number, row in enumerate(session.scalars(select(CountryUpdate).where(of_month))):
            row.changed_by = (AMINA, BRUNO, AMINA)[number % 3]
            row.changed_at = now - timedelta(minutes=37 * number + 12)
            if row.place_code in DRAFTS:
                row.state = "draft"
            elif number % 3 != 1 and row.place_code != EDITOR:
                row.reviewed_by, row.reviewed_at = CHIDI, row.changed_at + timedelta(minutes=11)


def add_readers(demo: Demo) -> None:
    """Some thousand, each with what they follow, at providers and at organisations; most got the editions before."""
    now, codes = utc_now() - timedelta(days=200), sorted({reading.update.place for reading in sample_readings()})
    rows = [
        {
            "address": f"reader{number}@{DICE.choice(DOMAINS)}",
            "address_key": f"reader{number}",
            "state": "active",
            "language": DICE.choice(LANGUAGES),
            "follows": subjects_.join(subjects_.parse(chosen(codes), gazetteer())),
            "created_at": now,
            "confirmed_at": now,
            "paused_until": utc_now() + timedelta(days=20) if number % 97 == 0 else None,
        }
        for number in range(READERS)
    ]
    with demo.database.writing() as session:
        session.execute(insert(Subscriber), rows)
        for month, number in zip(SENT_MONTHS, BEFORE, strict=True):
            send_before(session, demo, month, number)


def send_before(session: Session, demo: Demo, month: Month, number: int) -> None:
    """An edition of the archive went to so many, within the hour; what is counted of it comes anew."""
    edition = editions.get(session, month)
    ended = int((edition.ended_at or utc_now()).timestamp())
    rows = [
        {
            "edition_id": edition.id,
            "subscriber_id": reader,
            "state": "failed" if reader % 170 == 7 else "sent",
            "changed_at": ended - reader % 3000,
        }
        for reader in range(1, number + 1)
    ]
    session.execute(insert(Delivery), rows)
    session.execute(delete(EditionReport).where(EditionReport.edition_id == edition.id))
    edition.send_started_at = (edition.ended_at or utc_now()) - timedelta(minutes=50)
    dry_run.keep(session, edition, dry_run.make(session, edition, demo.settings.publication, now=utc_now()))


def chosen(codes: list[str]) -> list[str]:
    """What somebody follows: everything, or a few places."""
    return ["all"] if DICE.random() < 0.2 else DICE.sample(codes, DICE.choice((1, 2, 3, 3, 5, 8, 13)))


def take_release(browser: Browser, demo: Demo) -> None:
    """Of the approved edition, with a dry run."""
    with demo.database.writing() as session:
        editions.approve(session, DRAFT_MONTH, demo.settings.publication, by=BRUNO, now=utc_now())
    with desk(browser, demo) as page:
        page.goto(f"{demo.settings.base_url}{PAGE}/release")
        button = page.get_by_role("button", name="Make a dry run")
        if button.count():
            button.click()
            page.goto(f"{demo.settings.base_url}{PAGE}/release")
        picture(page, "desk-release")


def take_progress(browser: Browser, demo: Demo) -> None:
    """Of a page that has watched for a while, so that there is a rate to draw."""
    with demo.database.writing() as session:
        deliveries.start(session, DRAFT_MONTH, by=CHIDI, now=utc_now() - timedelta(minutes=3))
        waiting = Delivery.state == DeliveryState.PENDING.value
        session.execute(update(Delivery).where(waiting).values(due_at=int((utc_now() + LATER).timestamp())))
    with desk(browser, demo) as page:
        page.goto(f"{demo.settings.base_url}{PAGE}")
        for number in range(WATCHED):
            with demo.database.writing() as session:
                move(session, sent=DICE.randint(200, 320) + 12 * number, deferred=2, failed=number % 2, skipped=3)
            time.sleep(2)
        page.reload()
        page.get_by_text("This page keeps up by itself.").wait_for()
        picture(page, "desk-progress")


def move(session: Session, **numbers: int) -> None:
    """As many of those who wait come to an end, or are put off."""
    details = {"skipped": SkipReason.NOTHING_TO_TELL.value, "failed": "550 5.1.1 no such user here"}
    for state, number in numbers.items():
        waiting = select(Delivery).where(Delivery.state == DeliveryState.PENDING.value).limit(number)
        for row in session.scalars(waiting.order_by(Delivery.subscriber_id)):
            row.state, row.changed_at, row.detail = state, int(utc_now().timestamp()), details.get(state)
            row.due_at = int((utc_now() + LATER).timestamp()) if state == "deferred" else None


def end(demo: Demo) -> None:
    """It is sent, within an hour; some mailboxes are gone, and some readers have left."""
    began = utc_now() - timedelta(hours=5)
    failures = ("550 5.1.1 no such user here", "552 5.2.2 mailbox full", "554 5.7.1 message refused as spam")
    with demo.database.writing() as session:
        edition = editions.get(session, DRAFT_MONTH)
        rows = select(Delivery).where(Delivery.edition_id == edition.id).order_by(Delivery.subscriber_id)
        for number, row in enumerate(session.scalars(rows)):
            row.due_at = None
            row.changed_at = int(began.timestamp()) + number // 4 + int(240 * abs(DICE.gauss(0, 1)))
            if row.state in ("skipped", "failed"):
                continue
            row.state, row.detail = "sent", None
            if number % 211 == 5:
                row.state, row.detail = "failed", DICE.choice(failures)
        leave(session)
        edition.state, edition.send_started_at = EditionState.SENT.value, began
        edition.ended_at = began + timedelta(minutes=62)
    while reporting.make_report(demo.database, demo.settings.publication, now=utc_now()):
        pass


def leave(session: Session) -> None:
    """Some readers have unsubscribed since."""
    at = utc_now() - timedelta(hours=1)
    for subscriber in session.scalars(select(Subscriber).where(Subscriber.id % 400 == 3)):
        subscriber.state, subscriber.ended_at = "ended", at
        code = DICE.choice(("SD", "ET", "KZ", "ML", None))
        session.add(
            Subscription(
                subscriber_id=subscriber.id,
                place_code=code,
                requested_at=subscriber.created_at,
                confirmed_at=subscriber.created_at,
                ended_at=at,
                reason="unsubscribed by the link",
            )
        )


@contextmanager
def desk(browser: Browser, demo: Demo) -> Iterator[Page]:
    """A window of somebody who is logged in."""
    with opened(browser, Shot("/admin/")) as page:
        log_in(page, demo)
        yield page


def take(browser: Browser, demo: Demo, name: str, path: str) -> None:
    with desk(browser, demo) as page:
        page.goto(demo.settings.base_url + path)
        picture(page, name)


def picture(page: Page, name: str) -> None:
    """Write four PNGs of the page that is shown, which isn't loaded anew for them."""
    for width, height in HEIGHTS.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.evaluate("scrollTo(0, 0)")
            write(page, f"{name}-{NAMES[width]}-{scheme}")


if __name__ == "__main__":
    main()
