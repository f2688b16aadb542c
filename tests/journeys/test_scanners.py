"""Mail gateways open every link of a mail before its reader does, in browsers that run scripts: nothing may happen."""

from __future__ import annotations

from newsletter.cli.demo import DRAFT_MONTH
from newsletter.storage.tables import Subscriber
from tests.journeys.stock import ask, newest_mail, own_links, send
from tests.web.conftest import dump


def rows(demo):
    """All that is stored, but for what the scheduler counts meanwhile of editions that have ended."""
    return [row for row in dump(demo.database) if row[0] != "edition_report"]


def scan(visit, mail, *pages):
    """Open each link of a mail, which leads to `pages` among others; what is stored before and after."""
    links = list(own_links(visit.demo, mail))
    for page in pages:
        assert any(f"/{page}/" in link for link in links), f"the mail has no link to {page}"
    before = rows(visit.demo)
    for link in links:
        answer = visit.page.goto(link, wait_until="load")
        assert answer.status < 400, link
        for method in ("HEAD", "OPTIONS"):
            assert visit.page.request.fetch(link, method=method).status < 400, link
    return before, rows(visit.demo)


def state(demo, subscriber_id):
    with demo.database.reading() as session:
        return session.get_one(Subscriber, subscriber_id).state


def test_what_opens_every_link_of_every_mail_changes_nothing_and_the_reader_can_still_decide(visit, demo):
    reader = ask(demo, "reader@example.org", "KZ", "east-africa")

    confirmation = newest_mail(demo)
    before, after = scan(visit, confirmation, "confirm")
    assert before == after
    assert state(demo, reader) == "pending"

    visit.page.goto(next(link for link in own_links(demo, confirmation) if "/confirm/" in link))
    visit.press("Confirm my subscription")
    visit.see("You are subscribed")

    before, after = scan(visit, newest_mail(demo), "manage", "unsubscribe")
    assert before == after

    send(demo, DRAFT_MONTH)
    digest = newest_mail(demo)
    before, after = scan(visit, digest, "manage", "unsubscribe", "places", "editions")
    assert before == after
    assert state(demo, reader) == "active"

    visit.page.goto(next(link for link in own_links(demo, digest) if "/unsubscribe/" in link))
    visit.press("Unsubscribe")
    visit.see("You are unsubscribed")
    assert state(demo, reader) == "ended"
