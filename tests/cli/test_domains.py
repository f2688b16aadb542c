"""The list of disposable domains on the command line."""

from __future__ import annotations

import json


def test_the_list_is_empty_at_first(run):
    assert run("domain", "list").out == "No domain is on the list.\n"
    assert json.loads(run("domain", "list", "--json").out) == []


def test_domains_come_from_the_command_and_from_a_file_and_go(run, refused, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(
        "# a comment\nthrown-away.example\n\nBücher.example  # with umlaut\none.example\n", encoding="utf-8"
    )

    assert run("domain", "add", "One.example").out == "1 added, 0 were on the list\n"
    assert run("domain", "add", "--file", path).out == "2 added, 1 were on the list\n"
    assert run("domain", "list").out.split() == ["one.example", "thrown-away.example", "xn--bcher-kva.example"]
    assert run("domain", "remove", "ONE.example").out == "one.example is off the list\n"
    assert json.loads(run("domain", "list", "--json").out) == ["thrown-away.example", "xn--bcher-kva.example"]
    assert refused("domain", "remove", "one.example").startswith("one.example is not on the list")


def test_what_can_not_be_read_is_told_with_its_line_and_nothing_is_added(run, refused, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("one.example\nno domain\n", encoding="utf-8")

    assert "line 2: 'no domain' is no domain" in refused("domain", "add", "--file", path)
    assert run("domain", "list").out == "No domain is on the list.\n"
    assert run("domain", "add").code == 2
