"""A list of ten thousand subscribers comes in by the page; what is wrong in it comes back as a file to be mended."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from playwright.sync_api import expect
from sqlalchemy import func, select

from newsletter.storage.tables import Subscriber
from tests.journeys import stock
from tests.journeys.desk_people import SENDER, hire, log_in, only_filled, told

GOOD, BAD = 9_963, 37
SHOWN = "9\N{NARROW NO-BREAK SPACE}963"  #: as pages write it
HEAD = "email,follows,language,status,confirmed_at,consent"
CONSENT = "paper form at the autumn fair"
#: Each with what the page says of it, and how often it is in the file.
WRONG = (
    (10, "no-sign-in-it,KZ,en,active,2022-03-01,{consent}", "no address that mail can go to"),
    (9, "a{line}@example.org,ATLANTIS,en,active,2022-03-01,{consent}", "a place or region that is not known"),
    (8, "b{line}@example.org,KZ,en,active,2022-03-01,", "no word on where and how consent was given"),
    (6, "c{line}@example.org,KZ,en,active,the day before,{consent}", "no date, or one in the future"),
    (4, "member1@example.org,SD,en,active,2022-03-01,{consent}", "the same address stands further up"),
)


def write_list(path: Path) -> list[int]:
    """The rows, every 250th of them a bad one; the lines of those."""
    bad = [line for number, line, _ in WRONG for _ in range(number)]
    lines, places = [HEAD], []
    for number in range(1, GOOD + 1):
        lines.append(f"member{number}@example.org,{'KZ;SD' if number % 3 else 'all'},en,active,2022-03-01,{CONSENT}")
        if number % 250 == 0 and bad:
            places.append(len(lines) + 1)
            lines.append(bad.pop().format(line=number, consent=CONSENT))
    assert not bad
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return places


def test_a_list_is_tried_let_in_and_its_bad_rows_are_taken_home(visit_with, demo, tmp_path):
    places = write_list(tmp_path / "members.csv")
    hire(demo)
    visit = log_in(visit_with(), SENDER)
    visit.click("Subscribers")
    visit.click("Imports")
    visit.page.get_by_label("A list of subscribers").set_input_files(tmp_path / "members.csv")
    visit.press("Upload and check")

    # The page keeps up by itself: nobody loads it anew here.
    button = f"Take in {SHOWN} people"
    expect(visit.page.get_by_role("button", name=button)).to_be_visible()
    visit.see("members.csv")
    counts = visit.page.locator("dl.counts dd")
    expect(counts).to_have_text([SHOWN, "0", "0", str(BAD)])
    for number, _, words in WRONG:
        expect(visit.page.get_by_text(f"{number}: {words}")).to_be_visible()
    with demo.database.reading() as session:
        assert session.scalar(select(func.count(Subscriber.id))) == 0, "a dry run lets nobody in"

    only_filled(visit)
    visit.page.get_by_label(f"Type {GOOD} to confirm").fill(str(BAD))
    visit.press(button)
    expect(visit.page.locator("#number-error")).to_have_text(f"Type {GOOD} to confirm")
    visit.forgive(400)
    visit.page.get_by_label(f"Type {GOOD} to confirm").fill(str(GOOD))
    visit.press(button)
    expect(visit.page.get_by_role("heading", name="What has happened")).to_be_visible()
    expect(visit.page.get_by_text("All that could be taken in is in.")).to_be_visible()

    with visit.page.expect_download() as download:
        visit.click("Download them all")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert [int(row["line"]) for row in rows] == places
    assert all(row["reason"] for row in rows)
    assert Counter(row["email"] for row in rows).most_common(2) == [("no-sign-in-it", 10), ("member1@example.org", 4)]
    with demo.database.reading() as session:
        assert session.scalar(select(func.count(Subscriber.id)).where(Subscriber.state == "active")) == GOOD
    stock.settle(demo)
    assert not demo.catcher.messages(), "they hear of it with the next edition"

    visit.press("Remove the rejected rows")
    told(visit, "The rejected rows are removed.")
    expect(visit.page.get_by_role("link", name="Download them all")).to_have_count(0)
