"""An edition's overview on the command line."""

from __future__ import annotations

import io
import json
import sys

import pytest

pytestmark = pytest.mark.usefixtures("sampled")

TEXT = "A month of *talks*.\n\nAnd more.\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "november.md"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode("utf-8-sig"))
    return path


@pytest.fixture
def typed(monkeypatch):
    """What comes on standard input."""

    def put(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


def test_it_is_set_from_a_file_and_makes_the_draft(run, file):
    ran = run("edition", "overview", "2022-11", "--set", file)

    assert (ran.code, ran.out, ran.err) == (0, "2022-11: the overview is set\n", "")
    assert run("edition", "overview", "2022-11").out == TEXT
    shown = run("edition", "show", "2022-11").out
    assert shown.startswith(
        "2022-11: draft, 34 places\n\nA month of *talks*.\n\nAnd more.\n\nAlerts for the month ahead\n"
    )
    assert json.loads(run("edition", "show", "2022-11", "--json").out)["overview"] == TEXT.strip()
    assert json.loads(run("edition", "overview", "2022-11", "--json").out) == {
        "month": "2022-11",
        "overview": TEXT.strip(),
    }


def test_it_is_set_from_standard_input(run, typed):
    typed(TEXT.encode())

    assert run("edition", "overview", "2022-11", "--set", "-").code == 0
    assert run("edition", "overview", "2022-11").out == TEXT


def test_it_is_taken_away_and_then_there_is_none(run, file):
    run("edition", "overview", "2022-11", "--set", file)

    assert run("edition", "overview", "2022-11", "--clear").out == "2022-11: it has no overview now\n"

    ran = run("edition", "overview", "2022-11")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "2022-11 has no overview; 'newsletter edition overview 2022-11 --set FILE' gives it one\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b" \n", "standard input holds no text; to take the overview away, give --clear", id="nothing"),
        pytest.param(b"caf\xe9", "standard input: not UTF-8 text (byte 0xe9 in line 1); save it as UTF-8", id="latin"),
        pytest.param(b"a\x1bb", "the overview holds a control character (U+001B); take it out", id="a control"),
        pytest.param(b"x" * 5001, "the overview has 5,001 characters; shorten it to 5,000 or fewer", id="too long"),
    ],
)
def test_what_can_not_be_taken_is_told_and_makes_no_edition(run, refused, typed, data, message):
    typed(data)

    assert refused("edition", "overview", "2022-11", "--set", "-") == message
    assert run("edition", "show", "2022-11").code == 1


def test_what_does_not_fit_is_told(run, refused, file):
    assert refused("edition", "overview", "2022-11").startswith("there is no edition for 2022-11")
    assert refused("edition", "overview", "2022-11", "--set", file, "--clear") == "give --set or --clear, not both"
    assert "can't be read" in refused("edition", "overview", "2022-11", "--set", "missing.md")

    run("edition", "assemble", "2022-11")
    run("edition", "approve", "2022-11")
    for change in (["--set", file], ["--clear"]):
        assert refused("edition", "overview", "2022-11", *change) == (
            "the edition for 2022-11 is approved, and its overview can't be changed any more"
        )


def test_the_samples_overviews_go_into_drafts_that_have_none_and_make_no_edition(run, file):
    assert "overview" not in run("sample", "load").out
    assert run("edition", "show", "2022-10").code == 1
    run("edition", "assemble", "2022-10")
    run("edition", "overview", "2022-11", "--set", file)

    loaded = run("sample", "load").out

    assert "2022-10: the draft has the sample's overview\n" in loaded
    assert "October" in run("edition", "overview", "2022-10").out
    assert run("edition", "overview", "2022-11").out == TEXT
    assert run("edition", "show", "2022-09").code == 1
