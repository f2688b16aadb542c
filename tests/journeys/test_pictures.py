"""Pictures as a browser shows them: in the inbox and at the desk, and nothing of anybody else."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import pytest

from newsletter.cli.demo import DRAFT_MONTH, SENT_MONTHS
from newsletter.jobs.sender import utc_now
from newsletter.services import editions, pictures
from tests.journeys.stock import newest_mail, send, serving
from tests.readers import add_readers

READER = "reader1@example.org"
FOREIGN = "https://evil.example/pixel.png"


@pytest.fixture(scope="module")
def demo():
    """One for all of these; the last one sends what is a draft for the others."""
    with serving() as ready:
        yield ready


def shown(frame):
    """Whether each picture of a frame is there, by its alternative text."""
    frame.wait_for_load_state()  # each picture has come by then, or failed
    images = frame.locator("img").all()
    return {image.get_attribute("alt"): image.evaluate("image => image.naturalWidth > 1") for image in images}


def send_three_pictures(demo):
    """Mail with a picture in it, one on our site, and one of somebody who would like to know who looks at it."""
    with demo.database.reading() as session:
        own, carried, *_ = pictures.of_edition(session, editions.get(session, SENT_MONTHS[0]))
    sources = {
        "carried": "cid:one@example.org",
        "ours": demo.settings.publication.links.picture(SENT_MONTHS[0], own.name),
        "foreign": FOREIGN,
    }
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Three pictures", "somebody@example.org", READER
    mail.set_content("Three pictures")
    mail.add_alternative("".join(f'<img src="{src}" alt="{alt}">' for alt, src in sources.items()), subtype="html")
    _, html = mail.iter_parts()
    html.add_related(carried.data, "image", carried.subtype, cid="<one@example.org>")
    with smtplib.SMTP(demo.catcher.host, demo.catcher.port) as smtp:
        smtp.send_message(mail)


def test_the_inbox_shows_pictures_in_a_mail_and_on_our_site_and_no_others(visit, demo):
    send_three_pictures(demo)
    reasons = []
    visit.page.on("requestfailed", lambda request: reasons.append((request.url, request.failure)))

    frame = visit.open_mail("Three pictures", READER)

    assert shown(frame) == {"carried": True, "ours": True, "foreign": False}
    assert reasons == [(FOREIGN, "csp")]  # it was stopped before it left
    assert [fault for fault in visit.faults if FOREIGN not in fault] == []
    visit.faults.clear()


def test_a_preview_at_the_desk_shows_pictures_or_the_words_that_stand_for_them(visit):
    visit.log_in()
    visit.open(f"/admin/editions/{DRAFT_MONTH}/preview?places=KZ,SD")

    for chosen in ("Phone, 375 px", "Dark"):
        visit.click(chosen)
        assert set(shown(visit.frame(".phone iframe")).values()) == {True}
    visit.click("Off")
    frame = visit.frame(".phone iframe")
    assert set(shown(frame).values()) == {False}
    words = frame.locator("img").first.bounding_box()
    assert words["height"] > 10
    assert visit.overflow() == 0


def test_a_digest_is_seen_with_its_pictures_in_the_inbox(visit, demo):
    add_readers(demo.database, 1, now=utc_now(), follows=("KZ", "SD"))
    send(demo, DRAFT_MONTH)

    frame = visit.open_mail(newest_mail(demo)["Subject"], READER)

    pictures_seen = shown(frame)
    assert pictures_seen
    assert all(pictures_seen.values())
