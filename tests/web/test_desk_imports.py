"""A list of subscribers at the desk: uploaded, checked, confirmed, let in by the scheduler's job."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from newsletter.domain.role import Role
from newsletter.jobs import importing
from newsletter.storage.tables import AuditEvent, ImportRow, Subscriber, SubscriberImport
from newsletter.web import create_app
from newsletter.web.database import db
from tests.web.conftest import BASE_URL, Desk

HEAD = "email,follows,language,status,confirmed_at,consent\n"
GOOD = "ada@example.org,KZ,en,active,2022-11-30,by letter\n"


@pytest.fixture
def desk(desk_of):
    return desk_of(Role.SENDER)


@pytest.fixture
def upload(desk):
    """Send a file by the form."""

    def act(text, name="list.csv", **form):
        data = text if isinstance(text, bytes) else text.encode()
        fields = {"csrf_token": desk.csrf(), "file": (io.BytesIO(data), name), **form}
        return desk.client.post("/admin/subscribers/imports", data=fields, headers={"Referer": BASE_URL})

    return act


@pytest.fixture
def work(database, settings, clock):
    """What the scheduler does in a tick."""
    return lambda: importing.run(database, settings.tokens, settings.instance, clock=clock)


def count(database, table):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_a_list_is_uploaded_checked_confirmed_and_let_in(desk, upload, work, database, settings, clock):
    page = upload(HEAD + GOOD + "no address,KZ,,,2022-11-30,<b>x</b>\nbert@example.org,all,,,,at the fair\n")
    path = page.headers["Location"]
    assert "Being checked" in desk.get(path).text
    assert count(database, Subscriber) == 0

    work()
    checked = desk.get(path).text
    for told in ("What will happen", "ada@example.org", "Type 2 to confirm", "no address that mail can go to"):
        assert told in checked
    assert "1 of the new ones is asked by mail first" in checked.replace("\u202f", " ")
    assert "<b>x</b>" not in checked
    assert count(database, Subscriber) == 0
    assert list((settings.instance / "imports").iterdir()) == [], "the file is gone once it is read"

    assert "Type 2 to confirm" in desk.post(f"{path}/confirm", number="3").text
    assert desk.post(f"{path}/confirm", number="2").status_code == 303
    assert "Going in" in desk.get(path).text
    work()

    assert "All that could be taken in is in" in desk.get(path).text
    with database.reading() as session:
        states = dict(session.execute(select(Subscriber.address, Subscriber.state)).all())
        assert states == {"ada@example.org": "active", "bert@example.org": "pending"}
        acts = session.scalars(select(AuditEvent.act).where(AuditEvent.subject == "import 1")).all()
        assert acts == ["import.uploaded", "import.confirmed"]


def test_the_rejects_are_downloaded_with_line_and_reason_and_removed(desk, upload, work, database):
    path = upload(HEAD + GOOD + "=1,KZ,,,2022-11-30,x\n").headers["Location"]
    work()

    rows = list(csv.DictReader(io.StringIO(desk.get(f"{path}/rejects.csv").text)))
    assert [(row["line"], row["email"], row["consent"]) for row in rows] == [("3", "'=1", "x")]
    assert rows[0]["reason"].startswith("Enter an e-mail address")
    assert desk.post(f"{path}/forget").status_code == 409, "not before it has ended"
    desk.post(f"{path}/confirm", number="1")
    work()
    assert count(database, ImportRow) == 1
    desk.post(f"{path}/forget")
    work()
    assert count(database, ImportRow) == 0


def test_the_same_file_twice_is_one_import(desk, upload, work, database):
    first, second = upload(HEAD + GOOD), upload(HEAD + GOOD, "copy.csv")

    assert first.headers["Location"] == second.headers["Location"]
    assert "This very file is on its way already" in desk.get(first.headers["Location"]).text
    work()
    assert count(database, ImportRow) == 1


def test_a_cancelled_import_leaves_nothing(desk, upload, work, database):
    path = upload(HEAD + GOOD).headers["Location"]
    work()

    desk.post(f"{path}/cancel")
    assert desk.post(f"{path}/confirm", number="1").status_code == 409
    work()

    assert "Cancelled" in desk.get(path).text
    assert (count(database, ImportRow), count(database, Subscriber)) == (0, 0)


def test_a_file_that_can_not_be_read_is_told_on_its_page(desk, upload, work):
    path = upload((HEAD + GOOD).encode("utf-16")).headers["Location"]
    work()

    page = desk.get(path).text
    assert "Failed" in page
    assert "Line 1 is no UTF-8 text but UTF-16" in page


def test_larger_than_other_forms_it_may_be_but_not_larger_than_the_setting(
    make_settings, database, clock, desk_of, tmp_path
):
    desk_of(Role.SENDER)
    small = create_app(make_settings(import_largest="2"), clock=clock)
    desk = Desk(small.test_client())
    desk.client.environ_base["wsgi.url_scheme"] = "https"
    desk.log_in("sender@example.org")

    def send(size):
        file = FileStorage(io.BytesIO(b"x" * size), "list.csv", "file")
        fields = {"csrf_token": desk.csrf(), "file": file}
        # As bytes: of a large form the test client would leave a temporary file open.
        boundary, body = encode_multipart(fields)
        kind = f'multipart/form-data; boundary="{boundary}"'
        path, referer = "/admin/subscribers/imports", {"Referer": BASE_URL}
        return desk.client.post(path, data=body, content_type=kind, headers=referer)

    assert send(1_900_000).status_code == 303
    for size in (2_050_000, 4_000_000):
        refused = send(size)
        assert refused.status_code == 413
        assert "The file has more than 2 MB" in refused.text
    assert [path.suffix for path in (tmp_path / "imports").iterdir()] == [".csv"]
    with small.app_context():
        db.engine.dispose()


def test_without_the_token_of_the_form_nothing_is_taken(desk, database, upload):
    assert upload(HEAD + GOOD, csrf_token="made up").status_code in (400, 403)
    assert upload(HEAD + GOOD, csrf_token="").status_code in (400, 403)

    assert count(database, SubscriberImport) == 0


def test_without_a_file_it_is_said(upload, desk):
    page = desk.post("/admin/subscribers/imports")

    assert page.status_code == 400
    assert "Choose a file" in page.text


def test_the_name_of_a_file_is_shown_as_text_and_leads_nowhere(desk, upload, settings):
    path = upload(HEAD + GOOD, "../../<i>x</i>.csv").headers["Location"]

    assert "<i>" not in desk.get(path).text
    assert [found.name for found in (settings.instance / "imports").iterdir()] == ["1.csv"]
