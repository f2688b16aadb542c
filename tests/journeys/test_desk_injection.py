"""T11 at the desk: what somebody types into any field, or has stored, is shown as text wherever it comes out.

FIELDS names every field of every form: a new one fails here until somebody has thought of where its words come out.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from email import message_from_bytes, policy
from xml.etree import ElementTree

import pytest

from newsletter.cli.demo import ADMIN
from newsletter.domain.address import Address
from newsletter.domain.month import Month
from newsletter.domain.role import Role
from newsletter.domain.update import Alert
from newsletter.jobs import importing
from newsletter.jobs.sender import utc_now
from newsletter.services import admins, correction_mail, corrections, editions, editorial, invitations, preferences
from newsletter.services import test_copies as copies
from newsletter.services.subscribers import harmless, plain
from newsletter.storage.tables import Subscriber
from tests.journeys import desk_attacks, desk_filled, desk_site, stock
from tests.journeys.desk_acts import Shown
from tests.journeys.desk_attacks import ATTACK, ATTACKS, COUNTED, FORGED, LIVE, MARKDOWN, TYPED, WORDS, Form
from tests.journeys.desk_pages import PAGES
from tests.mail_checks import window

UPDATE = (
    "alerts development-lead development-text do headline link-date link-kind link-title link-url part "
    "quote-date quote-outlet quote-person quote-role quote-words trend"
)
#: Every field of a form of the desk, by what it is sent to.
FIELDS = {
    "access.ask_for_reset": "address",
    "access.log_in": "address next password",
    "access.log_in_by_code": "code",
    "access.log_in_by_provider": "code state",
    "access.reset_password": "password",
    "access.take_up_invitation": "password",
    "desk.accept": "word",
    "desk.add_place": "place",
    "desk.add_subscriber": "consent email follow how",
    "desk.approve": "seen",
    "desk.assemble": "month",
    "desk.audit_log": "act actor since subject until",
    "desk.board": "author order region state text",
    "desk.cancel": "month",
    "desk.carry_over": "tick",
    "desk.change_password": "new_password password",
    "desk.change_role": "role",
    "desk.close": "address",
    "desk.compare_update": f"{UPDATE} version",
    "desk.confirm_import": "number",
    "desk.correct": f"{UPDATE} seen",
    "desk.describe_correction": "note",
    "desk.end_subscriber": "why",
    "desk.erase_subscriber": "word",
    "desk.find_subscribers": "before day follows since state written",
    "desk.follow": "follow why",
    "desk.give_up_held": "month",
    "desk.history": "new old",
    "desk.invite": "address role",
    "desk.keep_unsaved": f"{UPDATE} version",
    "desk.mail_correction": "month",
    "desk.mark_ready": "one tick",
    "desk.mark_reviewed": "one then tick",
    "desk.mark_ticked_ready": "one tick",
    "desk.paste": "page place",
    "desk.preview_update": f"{UPDATE} seen version",
    "desk.publish_correction": "month",
    "desk.renew_recovery_codes": "code password",
    "desk.resend": "month",
    "desk.restore": "number version",
    "desk.save_update": f"{UPDATE} version",
    "desk.send": "at month when",
    "desk.send_copies": "addresses colleague place reader who",
    "desk.send_form": "at when",
    "desk.switch_off_second_factor": "code password",
    "desk.switch_on_second_factor": "code secret",
    "desk.upload_import": "file",
    "desk.write_overview": "overview",
    "preview.show": "as part pictures places scheme width",
}
#: What is taken as it stands, so that it comes out elsewhere: where to, and the fields.
TAKEN: dict[str, tuple[str, dict[str, str]]] = {
    "desk.save_update": (
        "/admin/months/2022-11/FR",
        {
            **dict.fromkeys(UPDATE.split(), ATTACK),
            **{"trend": "improved", "alerts": "conflict_risk", "do": "ready", "version": "0"},
            **{"quote-date": "2022-11-30", "link-date": "2022-11-30", "link-url": WORDS["url"]},
        },
    ),
    "desk.invite": ("/admin/people", {"address": f"{WORDS['address']}n@example.org", "role": "author"}),
    "desk.add_subscriber": (
        "/admin/subscribers/add",
        {"email": f"{WORDS['address']}n@example.org", "follow": "KZ", "consent": TYPED, "how": "at_once"},
    ),
}
#: Where what was typed comes out afterwards.
LATER: tuple[str, ...] = ("/admin/editions/2022-11", "/admin/audit", "/admin/months/2022-11/FR")
#: What a formula begins with in one spreadsheet or another; the last four are in full width.
SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
HOME = Shown("account", "desk/account.html", "/admin/account")
#: Pages that show what was stored: the attacks have to stand there as text.
TELLS = {
    *("audit", "checks-two", "correct-conflict", "correct-wrong", "correction", "correction-mail-wrong"),
    *("edition-cancel", "edition-draft", "edition-give-up", "edition-sending", "edition-sent", "edition-timed"),
    *("editions-halted", "editions-wrong", "import-wrong", "overview-wrong", "preview-text", "report"),
    *("report-corrected", "subscriber", "subscriber-left", "update-as-page", "update-as-text", "update-conflict"),
    *("update-to-review", "update-unsaved", "update-wrong"),
}


@pytest.fixture(scope="module")
def log() -> Iterator[io.StringIO]:
    """What the service logs, as `newsletter.logs` has it written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger("newsletter")
    level = ours.level
    ours.setLevel(logging.INFO)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
    ours.setLevel(level)


@pytest.fixture(scope="module")
def demo(log):
    """A demo that sends."""
    with stock.serving() as ready:
        yield ready


@pytest.fixture(scope="module")
def tour(browser, demo, tmp_path_factory):
    """A desk that holds nothing but attacks, seen by a browser that is called like one."""
    with desk_site.opened(browser, demo, tmp_path_factory.mktemp("desk"), WORDS, user_agent=ATTACK) as made:
        yield made


def walk(tour):
    """Look at every page: which of them tell what is stored, and their forms."""
    told: set[str] = set()
    found: dict[str, Form] = {}
    for shown in PAGES:
        tour.show(shown)
        desk_attacks.look(tour.visit.page, shown.name)
        said = desk_attacks.said(tour.visit.page)
        if all(attack in said for attack in ATTACKS):
            told.add(shown.name)
        for form in desk_attacks.forms(tour.visit.page):
            add_form(tour, found, form)
    return told, found


def add_form(tour, found, form):
    """By the endpoint that it is sent to, with all fields that any page has in it."""
    endpoint = tour.app.url_map.bind("").match(form.path.partition("?")[0], method=form.method)[0]
    if endpoint.partition(".")[0] in ("desk", "access", "preview"):
        before = found.get(endpoint, form)
        found[endpoint] = Form(before.path, form.method, tuple(sorted({*form.fields, *before.fields})))


def test_what_is_stored_and_what_is_typed_is_shown_as_text_on_every_page(tour, log):
    told, found = walk(tour)
    assert told >= TELLS
    assert tour.faults() == []
    sent = {endpoint: set(form.fields) for endpoint, form in found.items() if form.fields}
    assert sent == {endpoint: set(fields.split()) for endpoint, fields in FIELDS.items()}

    for endpoint in FIELDS:
        tour.show(HOME)
        desk_attacks.send(tour.visit.page, found[endpoint], dict.fromkeys(found[endpoint].fields, TYPED))
        desk_attacks.look(tour.visit.page, endpoint)
    for endpoint, (path, values) in TAKEN.items():
        tour.show(HOME)
        status = desk_attacks.send(tour.visit.page, Form(path, "POST", ()), values)
        desk_attacks.look(tour.visit.page, endpoint)
        assert (status, tour.visit.page.get_by_role("status").count()) == (200, 1), endpoint
    tour.show(HOME)
    desk_attacks.upload(tour.visit.page, tour.desk.settings.base_url)
    assert FORGED in desk_attacks.said(tour.visit.page)
    importing.run(tour.desk.database, tour.desk.settings.tokens, tour.desk.settings.instance)
    assert "has failed: the first line has an unknown column" in log.getvalue()
    tour.visit.page.reload()
    desk_attacks.look(tour.visit.page, "an upload that was read")
    for path in LATER:
        tour.visit.open(path)
        desk_attacks.look(tour.visit.page, path)
        assert ATTACKS[0] in desk_attacks.said(tour.visit.page), path

    assert [fault for fault in tour.faults() if "status of 4" not in fault] == []
    assert not [line for line in log.getvalue().splitlines() if line.startswith(FORGED)]


def test_the_site_and_its_feeds_show_what_came_from_the_desk_as_text(tour, page):
    url = tour.desk.settings.base_url
    for path in (
        f"/editions/{desk_filled.SENT}",
        f"/editions/{desk_filled.SENT}?revision=1",
        "/places/KZ",
        "/search?q=script",
    ):
        tour.visit.open(path)
        desk_attacks.look(tour.visit.page, path)
        assert ATTACKS[0] in desk_attacks.said(tour.visit.page)
    atom = ElementTree.fromstring(tour.visit.page.request.get(f"{url}/feed.atom").body())
    feed = tour.visit.page.request.get(f"{url}/feed.json").json()
    htmls = [each["content_html"] for each in feed["items"]]
    htmls += [each.text for each in atom.iter("{http://www.w3.org/2005/Atom}content")]
    assert any("&lt;script&gt;" in each for each in htmls)
    assert {each.tag.partition("}")[0] for each in atom.iter()} == {"{http://www.w3.org/2005/Atom"}
    for html in htmls:
        window.show(page, html)
        assert page.locator(f"script, {LIVE}").count() == 0
        assert COUNTED not in html
    assert tour.faults() == []


def write_to_everybody(demo):
    """A month of attacks is sent, and corrected by mail; alerts, test copies and an invitation go out besides."""
    month, tokens, now = Month.of(utc_now()), demo.settings.tokens, utc_now()
    reader = stock.ask(demo, f"{WORDS['address']}@example.org", "KZ", "SD")
    stock.confirm(demo, reader)
    hostile = desk_filled.hostile_or_plain("KZ", month, WORDS, alerts=tuple(Alert))
    with demo.database.writing() as session:
        subscriber, origin = session.get_one(Subscriber, reader), stock.ORIGIN
        preferences.change(session, subscriber, ("KZ", "SD"), alerts_at_once=True, origin=origin, now=now)
        editorial.store(session, hostile, now=now)
        editorial.store(session, desk_filled.hostile_or_plain("SD", month, WORDS), now=now)
        editions.ensure(session, month, now=now)
        editions.set_overview(session, month, MARKDOWN, now=now)
        owner = admins.by_address(session, ADMIN)
        order = copies.Order(("KZ",))
        copies.ask(session, month, ["'{{7*7}}'=@example.org"], order, asked_by=owner, now=now)
        invitations.invite(session, Address.parse("={{7*7}}'x@example.org"), Role.AUTHOR, tokens=tokens, now=now)
    stock.settle(demo)
    stock.send(demo, month)
    with demo.database.writing() as session:
        revision = corrections.begin(session, month)
        stands = corrections.entry_of(revision, "KZ").update
        right = desk_filled.hostile_or_plain("KZ", month, WORDS)
        corrections.change(session, month, right, seen=corrections.fingerprint(stands))
        corrections.describe(session, month, ATTACK)
        made = corrections.publish(session, month, by=ADMIN, now=utc_now())
        correction_mail.tell(session, month, made.number, now=utc_now())
    stock.settle(demo)


def test_no_mail_carries_more_than_words(demo, page, log):
    write_to_everybody(demo)
    hostile = set()
    for caught in demo.catcher.messages():
        mail = message_from_bytes(caught.data, policy=policy.default)
        name = str(mail["Subject"])
        assert {"bcc", "cc", "x-forged"}.isdisjoint(each.lower() for each in mail), name
        assert len(mail.get_all("To")) == len(mail.get_all("Subject")) == 1, name
        assert not any("script" in str(value) for value in mail.values()), "an editor's words are in no header"
        text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
        assert COUNTED not in f"{text} {html}", name
        window.show(page, html)
        desk_attacks.look(page, name)
        if ATTACKS[0] in text and ATTACKS[0] in desk_attacks.said(page):
            hostile.add(name.partition(":")[0])
    assert len(hostile) == 4, "a digest, its test copy, an alert, a correction"
    assert not [line for line in log.getvalue().splitlines() if line.startswith(FORGED)]


def test_no_cell_of_a_table_is_a_formula(tour):
    """Spreadsheets run what begins with one of these signs (CWE-1236), unless an apostrophe stands before it."""
    tour.show(HOME)
    page, url = tour.visit.page, tour.desk.settings.base_url
    number = tour.parts["import-ready"]
    tables = [
        page.request.get(f"{url}/admin/{path}") for path in ("audit.csv", f"subscribers/imports/{number}/rejects.csv")
    ]
    token = page.locator("[name=csrf_token]").first.input_value()
    headers = {"Referer": f"{url}/admin/"}
    tables.append(page.request.post(f"{url}/admin/subscribers/export", form={"csrf_token": token}, headers=headers))
    for table in tables:
        rows = list(csv.reader(io.StringIO(table.text())))
        cells = [cell for row in rows for cell in row]
        assert len({len(row) for row in rows}) == 1
        assert any(cell.startswith("'=") for cell in cells), table.url
        assert not [cell for cell in cells if cell.startswith(SIGNS)], table.url
    assert all(plain(harmless(f"{sign}1")) == harmless(f"{sign}1")[1:] == f"{sign}1" for sign in SIGNS)
    known = page.request.get(f"{url}/admin/audit.json").json()
    assert any(each["detail"].startswith("=1+1 <script>") for each in known), "in JSON everything is as it was"
