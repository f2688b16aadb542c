"""Addresses that get nothing, on the command line."""

from __future__ import annotations

import json

import pytest

HEAD = "email,follows,consent,confirmed_at\n"


@pytest.fixture
def take_in(run, tmp_path):
    """Import one subscriber; what the command said."""

    def act(address):
        (tmp_path / "readers.csv").write_text(f"{HEAD}{address},all,by letter,2022-10-01\n")
        return run("subscribers", "import", "readers.csv").out.splitlines()[0]

    return act


def test_an_address_is_added_and_lifted_however_it_is_written(run, refused, take_in):
    assert run("suppression", "add", "Ada@Example.org").out == "nothing goes to this address any more\n"
    assert run("suppression", "add", "ada@example.org").out == "this address is suppressed already\n"
    assert take_in("ada@example.org") == "0 were taken in, 1 rejected"

    lifted = run("suppression", "lift", "ADA@example.org").out
    assert lifted == "lifted (by admin): its owner can subscribe by the form again\n"
    assert take_in("ada@example.org") == "1 were taken in, 0 rejected"
    assert refused("suppression", "lift", "ada@example.org").startswith("this address is not suppressed; look whether")


def test_the_list_tells_why_and_since_when_and_no_address(run):
    assert run("suppression", "list").out == "No address is suppressed.\n"
    assert json.loads(run("suppression", "list", "--json").out) == []
    run("suppression", "add", "ada@example.org")

    line = run("suppression", "list").out
    [row] = json.loads(run("suppression", "list", "--json").out)

    assert line == f"{row['at'][:10]}  by admin     {row['address_hash']}\n"
    assert row["reason"] == "by_admin"
    assert "ada" not in line


def test_what_is_no_address_is_told(refused):
    for act in ("add", "lift"):
        assert refused("suppression", act, "ada").startswith("Enter an e-mail address in the form")
