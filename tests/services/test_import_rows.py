"""A file of subscribers, read row by row: what is taken, what is turned away and why (T12)."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime

import pytest

from newsletter.domain.importing import Problem
from newsletter.errors import InvalidInput
from newsletter.services.import_rows import LONGEST_FIELD, LONGEST_KEPT, LONGEST_RECORD, Reader
from newsletter.services.subscribers import COLUMNS
from newsletter.storage.import_staging import StagedRow
from tests.conftest import NOW

HEAD = "email,follows,language,status,confirmed_at,consent\n"
GOOD = "ada@example.org,KZ;SD,en,active,2022-11-30,by letter\n"


def read(content, after=0):
    data = content if isinstance(content, bytes) else content.encode()
    return list(Reader(io.BytesIO(data), now=NOW).rows(after=after))


def row_of(text):
    (row,) = read(HEAD + text)
    return row


def test_a_row_is_read_with_its_line_number():
    found = read(HEAD + "\n" + GOOD + '"eve@example.org","all",,"","","by\nletter"\n')

    confirmed = datetime(2022, 11, 30, tzinfo=UTC)
    assert found == [
        StagedRow(3, "ada@example.org", "ada@example.org", "en", "SD;KZ", confirmed, "by letter", "new"),
        StagedRow(5, "eve@example.org", "eve@example.org", "en", "all", None, "by\nletter", "new"),
    ]


def test_rows_up_to_a_line_can_be_passed_over():
    assert [row.line for row in read(HEAD + GOOD * 5, after=4)] == [5, 6]


def test_columns_may_come_in_any_order_with_spaces_and_without_those_not_needed():
    (row,) = read(" consent , email,follows\n by letter , ada@example.org ,\tKZ \n")

    assert (row.address_key, row.follows, row.confirmed_at, row.consent) == ("ada@example.org", "KZ", None, "by letter")


def test_a_cell_that_was_made_harmless_is_read_as_it_was():
    assert row_of("'+eve@example.org,KZ,,,,'=1\n")[1:3] == ("+eve@example.org", "+eve@example.org")
    assert row_of("'+eve@example.org,KZ,,,,'=1\n").consent == "=1"


@pytest.mark.parametrize(
    ("line", "problem", "reason"),
    [
        pytest.param("no address,KZ,,,,x", "address", "Enter an e-mail address in the form", id="no address"),
        pytest.param(",KZ,,,,x", "address", "Enter an e-mail address", id="an empty address"),
        pytest.param("a@example.org,XX,,,,x", "follows", "'XX' is neither", id="an unknown place"),
        pytest.param("a@example.org,,,,,x", "follows", "choose all updates", id="follows nothing"),
        pytest.param("a@example.org,KZ,,,,", "consent", "consent is empty", id="no consent"),
        pytest.param("a@example.org,KZ,,,", "consent", "consent is empty", id="too short a line"),
        pytest.param("a@example.org,KZ,,,,x,y", "fields", "more fields than columns", id="too long a line"),
        pytest.param("a@example.org,KZ,,pending,,x", "status", "the status is 'pending'", id="not active"),
        pytest.param("a@example.org,KZ,klingonish,,,x", "language", "the language is 'klingonish'", id="no language"),
        pytest.param("a@example.org,KZ,,,yesterday,x", "time", "confirmed_at is 'yesterday'", id="no time"),
        pytest.param("a@example.org,KZ,,,2022-12-02,x", "time", "lies in the future", id="a time to come"),
        pytest.param("a@example.org,KZ,,,1850-01-01,x", "time", "lies before 1990", id="before there was mail"),
        pytest.param("a@example.org,KZ,,,0001-01-01T00:00+14:00,x", "time", "confirmed_at is '0001", id="before all"),
        pytest.param(f"a@example.org,KZ,,,,{'x' * (LONGEST_FIELD + 1)}", "fields", "is longer than", id="a long field"),
    ],
)
def test_a_row_that_can_not_be_taken_is_turned_away_alone(line, problem, reason):
    found = read(f"{HEAD}{GOOD}{line}\n{GOOD}")

    assert [(row.line, row.outcome) for row in found] == [(2, "new"), (3, "rejected"), (4, "new")]
    reject = found[1]
    assert reject.problem == Problem(problem)
    assert reason in reject.reason
    assert "\n" not in reject.reason
    original = json.loads(reject.original)
    assert set(original) <= set(COLUMNS)
    assert all(len(value) <= LONGEST_KEPT for value in original.values())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("", "lacks consent, email, follows", id="nothing"),
        pytest.param("email,follows\n", "lacks consent", id="a column is missing"),
        pytest.param(GOOD, "lacks consent, email, follows", id="no head"),
        pytest.param(HEAD.replace(",", ";"), "parted by semicolons", id="semicolons"),
        pytest.param(HEAD.replace(",", "\t"), "parted by tabs", id="tabs"),
        pytest.param("email,follows,consent,name\n", "an unknown column 'name'", id="a column too many"),
        pytest.param("email,follows,consent,email\n", "the column 'email' twice", id="a column twice"),
        pytest.param('"email,follows,consent\n', "line 1 is no CSV", id="an open quote in the first line"),
        pytest.param(f'{HEAD}{GOOD}"a" b,c,d\n', "line 3 is no CSV", id="text after a quote"),
        pytest.param(f'{HEAD}"a@example.org\n', "line 2 is no CSV", id="an open quote"),
        pytest.param(f"{HEAD}{'x' * 200_000}\n", "line 2 is no CSV", id="a field of 200 kB"),
        pytest.param(f"{HEAD}{'x' * 10_000_000}\n", "more than 1,000,000 bytes", id="a field of 10 MB"),
        pytest.param(f'{HEAD}"{"x" * 90}\n{("y" * 90 + chr(10)) * 50_000}', "line [0-9]+ is no CSV", id="no end"),
        pytest.param(HEAD + ('"x\n",' * 400_000), "line [0-9]+ is no CSV", id="a row of a thousand lines"),
        pytest.param((HEAD + GOOD).encode("utf-16"), "line 1 is no UTF-8 text but UTF-16", id="UTF-16"),
        pytest.param(f"{HEAD}zoë@example.org,KZ,,,,x\n".encode("latin-1"), "line 2 is no UTF-8 text", id="Latin-1"),
        pytest.param((HEAD + GOOD).replace("\n", "\r").encode(), "line 1 is no CSV", id="ends of lines as long ago"),
    ],
)
def test_a_file_that_is_no_table_of_subscribers_is_refused(content, reason):
    with pytest.raises(InvalidInput, match=reason):
        read(content)


@pytest.mark.parametrize("content", [HEAD + "x" * 30_000_000, HEAD + '"' + "x,\n" * 10_000_000])
def test_a_huge_row_takes_no_more_memory_than_is_allowed_for_one(content):
    stream = io.BytesIO(content.encode())
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput):
            list(Reader(stream, now=NOW).rows())
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most < 20 * LONGEST_RECORD


def test_what_spreadsheets_write_is_taken():
    (row,) = read(b"\xef\xbb\xbf" + (HEAD + GOOD).replace("\n", "\r\n").encode())

    assert (row.address, row.consent) == ("ada@example.org", "by letter")


def test_nul_bytes_are_left_out():
    assert row_of(GOOD.replace("ada", "a\0da")).address_key == "ada@example.org"
