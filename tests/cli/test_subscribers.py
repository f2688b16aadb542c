"""Subscribers in and out as CSV, and ended by an admin."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

HEAD = "email,follows,language,status,confirmed_at,consent\n"
GOOD = HEAD + (
    "ada@example.org,KZ;SD,en,active,2022-06-01T10:00:00+00:00,paper form\n"
    "bert@bücher.example,all,fr,,2022-06-02,by letter\n"
    "zoë@example.org,central-asia,,active,,at the fair\n"
)


@pytest.fixture
def write(tmp_path):
    """Write readers.csv."""

    def act(content: str | bytes) -> Path:
        path = tmp_path / "readers.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return act


@pytest.fixture
def exported(run):
    """The export, as rows."""
    return lambda: list(csv.DictReader(io.StringIO(run("subscribers", "export").out)))


@pytest.fixture
def rejects(tmp_path):
    """The rejects file, as rows."""
    return lambda: list(
        csv.DictReader(io.StringIO((tmp_path / "readers.rejects.csv").read_bytes().decode(), newline=""))
    )


def test_subscribers_go_in_and_come_out(run, write, exported):
    write(GOOD)
    ran = run("subscribers", "import", "readers.csv")

    told = "3 were taken in, 1 of them asked by mail first, as confirmed_at is empty, 0 rejected\n"
    assert (ran.code, ran.out, ran.err) == (0, told, "")
    rows = exported()
    assert [(row["email"], row["follows"], row["language"], row["status"]) for row in rows] == [
        ("ada@example.org", "SD;KZ", "en", "active"),
        ("bert@bücher.example", "all", "fr", "active"),
        ("zoë@example.org", "", "en", "pending"),
    ]
    assert rows[0]["confirmed_at"] == "2022-06-01T10:00:00+00:00"
    assert "paper form" in rows[0]["consent"]


def test_an_export_can_be_imported_elsewhere(run, write, exported, tmp_path):
    write(GOOD)
    run("subscribers", "import", "readers.csv")
    before = run("subscribers", "export").out
    write(before)

    other = {"DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"}
    ran = run("subscribers", "import", "readers.csv", **other)
    assert ran.out.startswith("2 were taken in, 1 rejected\n        1 rejected: a status other than active\n")
    after = list(csv.DictReader(io.StringIO(run("subscribers", "export", **other).out)))
    same = ("email", "follows", "language", "status", "confirmed_at")
    assert [[row[name] for name in same] for row in after] == [[row[name] for name in same] for row in exported()[:2]]


def test_importing_again_leaves_everybody_as_they_are(run, write, exported, tmp_path):
    write(GOOD)
    run("subscribers", "import", "readers.csv")
    before = exported()
    write(GOOD.replace("KZ;SD", "all"))

    ran = run("subscribers", "import", "readers.csv")

    assert ran.out == "0 were taken in, 3 here already and left as they are, 0 rejected\n"
    assert exported() == before
    assert [path.name for path in tmp_path.glob("*.csv")] == ["readers.csv"]


@pytest.fixture
def imported(run, exported, rejects):
    """Import readers.csv: what the command told, the subscribers, the rejects."""
    return lambda: (run("subscribers", "import", "readers.csv"), exported(), rejects())


BAD = [
    (",all,,,,x", "Enter an e-mail address, such as name@example.org"),
    ("ada,all,,,,x", "Enter an e-mail address in the form name@example.org"),
    ('"ada@example.org\r\nBcc: x@example.org",all,,,,x', "Enter an e-mail address in the form name@example.org"),
    ("ada@example.org,,,,,x", "choose all updates, or at least one region or country"),
    ("ada@example.org,XX,,,,x", "'XX' is neither 'all', nor a region, nor a place"),
    ("ada@example.org,all,,,,", "consent is empty: say where and how it was given"),
    ("ada@example.org,all,,pending,,x", "the status is 'pending', and only active subscribers are taken in"),
    ("ada@example.org,all,,,yesterday,x", "confirmed_at is 'yesterday'; write 2022-11-30 or 2022-11-30T09:00:00+00:00"),
    ("ada@example.org,all,,,2999-01-01,x", "confirmed_at lies in the future"),
    ("ada@example.org,all,,,0001-01-01T00:00:00+23:59,x", "confirmed_at is '0001-01-01T00:00:00+23:59'; write"),
    ("ada@example.org,all,,,,x,more", "more fields than columns"),
    ("ada@example.org", "consent is empty"),
    (f"ada@example.org,all,,,,{'x' * 5000}", "a field is longer than 4000 characters"),
]


@pytest.mark.parametrize(("row", "reason"), BAD, ids=[reason[:40] for _, reason in BAD])
def test_a_row_that_can_not_be_taken_is_told_with_its_line_and_the_rest_goes_in(write, imported, row, reason):
    good = "all,,,2022-11-30,by letter"
    write(f"{HEAD}first@example.org,{good}\n{row}\nlast@example.org,{good}\n")

    ran, rows, [reject] = imported()

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("2 were taken in, 1 rejected\n")
    assert [each["email"] for each in rows] == ["first@example.org", "last@example.org"]
    assert reject["reason"].startswith(reason)
    assert reject["line"] == ("4" if "\n" in row else "3")


def test_an_address_that_is_twice_in_a_file_is_taken_once_however_it_is_written(run, write, exported, rejects):
    rows = ["ada@bücher.example,KZ", "bert@example.org,all", "ADA@xn--bcher-kva.example,all"]
    write(HEAD + "".join(f"{row},,,2022-11-30,x\n" for row in rows))

    dry = run("subscribers", "import", "readers.csv", "--dry-run")
    ran = run("subscribers", "import", "readers.csv")

    told = "        1 rejected: the same address stands further up\n"
    assert dry.out == f"2 could be taken in, 1 rejected\n{told}line 4: this address is in line 2 already\n"
    assert ran.out.startswith("2 were taken in, 1 rejected\n")
    assert [row["follows"] for row in exported()] == ["KZ", "all"]
    assert [(row["line"], row["reason"]) for row in rejects()] == [("4", "this address is in line 2 already")]


def test_a_dry_run_checks_every_row_and_leaves_none_behind(run, write, exported, tmp_path, instance):
    write(GOOD + "bad,all,,,,x\n")

    ran = run("subscribers", "import", "readers.csv", "--dry-run")

    assert ran.out.startswith(
        "3 could be taken in, 1 of them asked by mail first, as confirmed_at is empty, 1 rejected\n"
    )
    assert ran.out.splitlines()[-1].startswith("line 5: Enter an e-mail address in the form")
    assert exported() == []
    assert [path.name for path in tmp_path.glob("*.csv")] == ["readers.csv"]
    with closing(sqlite3.connect(instance / "newsletter.db")) as connection:
        assert connection.execute("SELECT count(*) FROM import_row").fetchone() == (0,)


def test_what_was_done_is_told_as_json(run, write):
    write(GOOD + "bad,all,,,,x\n")

    told = json.loads(run("subscribers", "import", "readers.csv", "--json").out)

    assert (told["new"], told["asked"], told["rejected"], told["problems"]) == (3, 1, 1, {"address": 1})
    assert told["rejects"] == "readers.rejects.csv"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "the first line lacks consent, email, follows", id="an empty file"),
        pytest.param("name,follows,consent\n", "the first line lacks email", id="a column is missing"),
        pytest.param(
            "email,follows,consent,name\n", "the first line has an unknown column 'name'", id="an unknown column"
        ),
        pytest.param(
            "email;follows;consent\n", "the first line is parted by semicolons, not by commas", id="semicolons"
        ),
        pytest.param(
            "email,email,follows,consent\n", "the first line has the column 'email' twice", id="a column twice"
        ),
        pytest.param(HEAD + 'ada@example.org,"all', "line 2 is no CSV: unexpected end of data", id="a quote left open"),
        pytest.param(HEAD + 'a,"b"c', "line 2 is no CSV: ", id="a quote in the middle"),
        pytest.param(HEAD + "x" * 200_000, "line 2 is no CSV: field larger than field limit", id="a field too long"),
        pytest.param(GOOD.encode("utf-16"), "line 1 is no UTF-8 text but UTF-16", id="UTF-16"),
        pytest.param(GOOD.encode("latin-1"), "line 3 is no UTF-8 text; save the file as CSV in UTF-8", id="Latin-1"),
    ],
)
def test_a_file_that_is_no_list_of_subscribers_is_told_in_one_line(refused, write, exported, content, message):
    write(content)

    assert message in refused("subscribers", "import", "readers.csv")
    assert exported() == []


def test_what_spreadsheets_write_is_taken(run, write, exported):
    write(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    assert run("subscribers", "import", "readers.csv").out.startswith("3 were taken in, ")
    assert len(exported()) == 3


def test_a_nul_in_a_file_does_no_harm(run, write, exported):
    write(HEAD + "a\0da@example.org,all,,,,x\0\n")
    run("subscribers", "import", "readers.csv")

    assert not any("\0" in value for row in exported() for value in row.values())


@pytest.mark.parametrize("sign", "=+-@")
def test_a_cell_that_a_spreadsheet_would_run_is_exported_harmless(run, write, sign):
    write(f"{HEAD}{sign.strip('@')}1@example.org,all,,,,\"{sign}cmd|' /C calc'!A0\"\n")
    run("subscribers", "import", "readers.csv")

    for row in csv.reader(io.StringIO(run("subscribers", "export").out)):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("address", ["=1@example.org", "+tag@example.org", "-dash@example.org", "'quote@example.org"])
def test_an_address_that_was_made_harmless_is_read_back_as_it_was(run, write, address, tmp_path):
    write(f"{HEAD}{address},all,,,2022-11-30,by letter\n")
    run("subscribers", "import", "readers.csv")
    write(run("subscribers", "export").out)
    other = {"DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"}
    run("subscribers", "import", "readers.csv", **other)

    assert run("subscribers", "end", "--", address, **other).code == 0


def test_a_rejected_cell_is_harmless_too(run, write, tmp_path):
    write(HEAD + "=1@example,all,,,,+1\n")
    run("subscribers", "import", "readers.csv")

    assert "'=1@example,all,,,,'+1" in (tmp_path / "readers.rejects.csv").read_text()


def test_a_missing_file_and_a_folder_are_told(refused, tmp_path):
    assert refused("subscribers", "import", "gone.csv") == "gone.csv can't be read: No such file or directory"
    assert refused("subscribers", "import", tmp_path) == f"{tmp_path} can't be read: Is a directory"


def test_rejects_that_can_not_be_written_are_told(refused, write, tmp_path):
    write(HEAD + "bad,all,,,,x\n")
    (tmp_path / "readers.rejects.csv").mkdir()

    assert "the rejects can't be written to readers.rejects.csv: Is a directory" in refused(
        "subscribers", "import", "readers.csv"
    )


def test_a_subscription_is_ended_for_somebody_who_asks_by_mail(run, write, exported):
    write(GOOD)
    run("subscribers", "import", "readers.csv")

    ran = run("subscribers", "end", "ADA@example.org")

    assert (ran.code, ran.out) == (0, "ended; no more mail goes to this address\n")
    assert {row["email"]: row["status"] for row in exported()}["ada@example.org"] == "ended"
    assert run("subscribers", "end", "ada@example.org").code == 0, "ended twice is ended"


def test_who_left_is_not_taken_in_again(run, write, rejects):
    write(GOOD)
    run("subscribers", "import", "readers.csv")
    run("subscribers", "end", "ada@example.org")

    assert run("subscribers", "import", "readers.csv").out.startswith("0 were taken in, 2 here already")
    assert [(row["email"], row["reason"]) for row in rejects()] == [
        ("ada@example.org", "this address has left; its owner can subscribe again by the form")
    ]


@pytest.mark.parametrize(
    ("address", "message"),
    [("nobody@example.org", "no subscriber has this address"), ("nobody", "Enter an e-mail address in the form")],
)
def test_ending_the_subscription_of_a_stranger_is_told(refused, address, message):
    assert refused("subscribers", "end", address).startswith(message)
