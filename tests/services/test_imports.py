"""A list taken in: compared with who is here, let in, and nothing of it left behind."""

from __future__ import annotations

import io
import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.domain.address import Address
from newsletter.domain.importing import ImportState, Problem
from newsletter.domain.states import SuppressionReason
from newsletter.errors import Conflict, InvalidInput
from newsletter.jobs.importing import Importer
from newsletter.services import (
    forgotten,
    import_rejects,
    imports,
    leaving,
    personal_data,
    preferences,
    signup,
    subscribers,
    suppressions,
)
from newsletter.services.imports import File
from newsletter.storage.tables import Consent, ImportRow, Notice, Subscriber, Subscription
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, dump

HEAD = "email,follows,language,status,confirmed_at,consent\n"
LATER = NOW + timedelta(days=1)


def importer(database, now=LATER):
    return Importer(database, TOKENS, clock=lambda: now)


def check(database, text, name="list.csv"):
    """Read and check a list; the number of its import."""
    data = text.encode()
    with database.writing() as session:
        import_id = imports.begin(session, File(name, str(hash(data)), len(data)), by="ada", now=LATER).id
    importer(database).read(import_id, io.BytesIO(data))
    return import_id


def take_in(database, text):
    import_id = check(database, text)
    with database.writing() as session:
        imports.confirm(session, import_id, by="ada", now=LATER)
    importer(database).run(import_id)
    return import_id


def numbers(database, import_id):
    with database.reading() as session:
        found = imports.get(session, import_id)
        return found.new, found.asked, found.changed, found.unchanged, found.rejected


def problems(database, import_id):
    with database.reading() as session:
        return imports.problems(imports.get(session, import_id))


def rejected(database, import_id):
    with database.reading() as session:
        return [(row.line, row.reason) for row in import_rejects.rejected(session, import_id)]


def ask(database, address, subjects=("ET",)):
    with database.writing() as session:
        signup.request(session, Address.parse(address), subjects, origin=ORIGIN, tokens=TOKENS, now=NOW)
        return subscribers.by_address(session, address).id


def confirm(database, number):
    with database.writing() as session:
        signup.confirm(session, number, origin=ORIGIN, tokens=TOKENS, now=NOW)


def test_a_row_does_what_adding_one_person_does(database):
    row = subscribers.Row(Address.parse("Eve@bücher.example"), ("central-asia", "SD"), "fr", NOW, "by letter")
    with database.writing() as session:
        subscribers.take_in(session, row, tokens=TOKENS, source="import 1: list.csv", now=LATER)

    take_in(database, HEAD + "Ada@bücher.example,SD;KZ;central-asia,fr,active,2022-12-01T10:00+01:00,by letter\n")

    with database.reading() as session:
        facts = []
        for key in ("eve@xn--bcher-kva.example", "ada@xn--bcher-kva.example"):
            found = personal_data.collect(session, subscribers.by_address(session, key), tokens=TOKENS)
            del found["subscriber"]["id"], found["subscriber"]["address"]
            facts.append(found)
        assert facts[0] == facts[1]
        assert facts[1]["subscriber"]["follows"] == ["central-asia", "SD"]
        assert session.scalars(select(Notice)).all() == []


def test_who_has_not_confirmed_is_asked_by_mail_and_confirms_by_its_button(database):
    import_id = take_in(database, HEAD + "ada@example.org,KZ;all,,,,at the fair\n")

    assert numbers(database, import_id) == (1, 1, 0, 0, 0)
    with database.reading() as session:
        ada = subscribers.by_address(session, "ada@example.org")
        notice = session.scalars(select(Notice)).one()
        consent = session.scalars(select(Consent)).one()
        assert (ada.state, ada.follows, ada.confirmed_at) == ("pending", "", None)
        assert (notice.kind, notice.subscriber_id, notice.state) == ("confirmation", ada.id, "pending")
        assert (consent.act, consent.at, consent.text) == ("requested", LATER, "at the fair")
    confirm(database, ada.id)
    with database.reading() as session:
        assert session.get_one(Subscriber, ada.id).follows == "all"


def test_who_is_subscribed_stays_as_they_are(database):
    confirm(database, ask(database, "ada@example.org"))
    before = [row for row in dump(database) if row[0] != "subscriber_import"]

    import_id = take_in(database, HEAD + "ADA@example.org,KZ,,,2022-11-30,by letter\n")

    assert numbers(database, import_id) == (0, 0, 0, 1, 0)
    assert [row for row in dump(database) if row[0] != "subscriber_import"] == before


def test_who_has_asked_and_not_answered_is_subscribed_as_the_list_says(database):
    number = ask(database, "ada@example.org", ("ET", "KZ"))

    import_id = take_in(database, HEAD + "ada@example.org,KZ;SD,,,2022-11-30,by letter\n")

    assert numbers(database, import_id) == (0, 0, 1, 0, 0)
    with database.reading() as session:
        ada = session.get_one(Subscriber, number)
        live = preferences.live_subscriptions(session, number)
        assert (ada.state, ada.follows) == ("active", "SD;KZ")
        assert [each.subject for each in live] == ["SD", "KZ"]
        assert all(each.confirmed_at for each in live)
        assert session.scalars(select(Consent.act).order_by(Consent.id)).all() == ["requested", "confirmed"]


def test_who_has_asked_and_has_no_date_in_the_list_is_not_asked_twice(database):
    ask(database, "ada@example.org")

    assert numbers(database, take_in(database, HEAD + "ada@example.org,KZ,,,,by letter\n")) == (0, 0, 0, 1, 0)


def test_who_left_is_suppressed_or_was_forgotten_is_not_taken_in(database):
    left, old = ask(database, "left@example.org"), ask(database, "old@example.org")
    with database.writing() as session:
        for number, at in ((left, NOW), (old, NOW - timedelta(days=40))):
            found = session.get_one(Subscriber, number)
            leaving.leave(session, found, origin=ORIGIN, tokens=TOKENS, now=at)
        forgotten.forget(session, tokens=TOKENS, now=NOW, most=10)
        suppressions.suppress(session, "gone@example.org", SuppressionReason.ERASED, tokens=TOKENS, now=NOW)
    rows = ("left@example.org", "old@example.org", "gone@example.org", "new@example.org", "gone@example.org")

    import_id = take_in(database, HEAD + "".join(f"{each},KZ,,,2022-11-30,x\n" for each in rows))

    assert numbers(database, import_id) == (1, 0, 0, 0, 4)
    assert problems(database, import_id) == {Problem.LEFT: 2, Problem.SUPPRESSED: 2}
    assert [line for line, _ in rejected(database, import_id)] == [2, 3, 4, 6]


def test_an_address_counts_once_and_the_first_row_wins(database):
    rows = ["ada@bücher.example,KZ", "bert@example.org,all", "ADA@xn--bcher-kva.example,all", "nobody,all"]

    import_id = check(database, HEAD + "".join(f"{row},,,2022-11-30,x\n" for row in [*rows, rows[0]]))

    assert numbers(database, import_id) == (2, 0, 0, 0, 3)
    assert problems(database, import_id) == {Problem.TWICE: 2, Problem.ADDRESS: 1}
    told = "this address is in line 2 already"
    assert [row for row in rejected(database, import_id) if row[0] != 5] == [(4, told), (6, told)]


def test_what_changes_between_the_check_and_the_run_counts(database):
    import_id = check(database, HEAD + "".join(f"{name}@example.org,KZ,,,2022-11-30,x\n" for name in "abc"))
    confirm(database, ask(database, "a@example.org"))
    with database.writing() as session:
        suppressions.suppress(session, "b@example.org", SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)
        imports.confirm(session, import_id, by="ada", now=LATER)
    importer(database).run(import_id)

    assert numbers(database, import_id) == (1, 0, 0, 1, 1)
    assert rejected(database, import_id) == [(3, "this address is suppressed")]


def test_a_second_upload_of_a_file_goes_on_with_the_first_and_takes_nobody_in_twice(database):
    text = HEAD + "ada@example.org,KZ,,,2022-11-30,x\n"
    first = check(database, text)
    with database.writing() as session:
        again = imports.begin(session, File("copy.csv", str(hash(text.encode())), 1), by="bert", now=LATER)
        assert again.id == first
        imports.confirm(session, first, by="ada", now=LATER)
    importer(database).run(first)
    before = [row for row in dump(database) if row[0] != "subscriber_import"]

    second = take_in(database, text)

    assert second != first
    assert numbers(database, second) == (0, 0, 0, 1, 0)
    assert [row for row in dump(database) if row[0] != "subscriber_import"] == before


def test_no_row_stays_but_the_rejected_ones_and_these_go_too(database):
    import_id = take_in(database, HEAD + "ada@example.org,KZ,,,2022-11-30,x\nbad,KZ,,,,x\n")

    with database.reading() as session:
        assert session.scalars(select(ImportRow.line)).all() == [3]
        assert imports.overdue(session, now=LATER) == []
        assert imports.overdue(session, now=LATER + imports.REJECTS_KEPT) == [import_id]
    importer(database, LATER + imports.REJECTS_KEPT).purge(import_id)
    with database.reading() as session:
        assert session.scalars(select(ImportRow)).all() == []
        assert imports.get(session, import_id).state == ImportState.DONE
        assert imports.overdue(session, now=LATER + timedelta(days=99)) == []


def test_one_that_nobody_confirms_is_cancelled_and_forgotten(database):
    import_id = check(database, HEAD + "ada@example.org,KZ,,,2022-11-30,x\n")

    importer(database, LATER + imports.REJECTS_KEPT).purge(import_id)

    with database.reading() as session:
        found = imports.get(session, import_id)
        assert (found.state, found.note) == ("cancelled", "nobody confirmed it in time")
        assert session.scalars(select(ImportRow)).all() == session.scalars(select(Subscriber)).all() == []


def test_a_cancelled_one_lets_nobody_more_in(database, monkeypatch):
    monkeypatch.setattr("newsletter.jobs.importing.ROWS_AT_ONCE", 2)
    import_id = check(database, HEAD + "".join(f"r{number}@example.org,KZ,,,2022-11-30,x\n" for number in range(6)))
    with database.writing() as session:
        imports.confirm(session, import_id, by="ada", now=LATER)
        imports.admit(session, import_id, tokens=TOKENS, now=LATER, most=2)
        imports.cancel(session, import_id, now=LATER)

    with pytest.raises(Conflict, match="is cancelled, not running"):
        importer(database).run(import_id)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 2


def test_a_file_that_breaks_off_has_failed_as_a_whole(database):
    with pytest.raises(InvalidInput, match="line 3 is no CSV"):
        check(database, HEAD + 'ada@example.org,KZ,,,2022-11-30,x\n"bert@example.org,KZ\n')

    with database.reading() as session:
        found = imports.listed(session)[0]
        assert (found.state, found.note) == ("failed", "line 3 is no CSV: unexpected end of data")
    importer(database).purge(found.id)
    with database.reading() as session:
        assert session.scalars(select(ImportRow)).all() == session.scalars(select(Subscriber)).all() == []


def test_two_that_read_one_file_are_told_apart(database):
    import_id = check(database, HEAD)

    with database.writing() as session, pytest.raises(Conflict):
        imports.stage(session, import_id, [], after=0, bytes_read=0, tokens=TOKENS)


def test_of_ten_thousand_rows_with_37_bad_ones_exactly_these_are_rejected(database):
    dice = random.Random(5)
    bad = set(dice.sample(range(2, 10_002), 37))
    kinds = ["no address,KZ,,,2022-11-30,x", "b{}@example.org,XX,,,2022-11-30,x", "b{}@example.org,KZ,,,2022-11-30,"]
    lines = [
        (dice.choice(kinds) if line in bad else "r{}@example.org,KZ;SD,,,2022-11-30,x").format(line)
        for line in range(2, 10_002)
    ]

    import_id = take_in(database, HEAD + "\n".join(lines) + "\n")

    assert numbers(database, import_id) == (9_963, 0, 0, 0, 37)
    with database.reading() as session:
        found = list(import_rejects.rejected(session, import_id))
        assert {row.line for row in found} == bad
        assert [",".join(row.values.get(name, "") for name in subscribers.COLUMNS) for row in found] == [
            lines[line - 2] for line in sorted(bad)
        ]
        for table, number in ((Subscriber, 9_963), (Subscription, 2 * 9_963), (Consent, 9_963)):
            assert session.scalar(select(func.count()).select_from(table)) == number
