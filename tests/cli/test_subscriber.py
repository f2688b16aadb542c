"""What one person may ask for, on the command line."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from newsletter.storage.database import Database
from newsletter.storage.tables import Subscriber

HEAD = "email,follows,consent,confirmed_at\n"


@pytest.fixture
def ada(run, tmp_path):
    """Subscribed, and another one beside her."""
    (tmp_path / "readers.csv").write_text(
        f"{HEAD}ada@example.org,KZ,by letter,2022-10-01\nbert@example.org,all,by letter,2022-10-01\n"
    )
    run("subscribers", "import", "readers.csv")
    (tmp_path / "readers.csv").unlink()


@pytest.mark.usefixtures("ada")
def test_all_that_is_known_of_a_person_is_shown_and_exported(run):
    shown = run("subscriber", "show", "Ada@example.org").out.splitlines()
    told = json.loads(run("subscriber", "export", "ada@example.org").out)

    assert shown[0] == "subscriber:"
    assert shown[1].startswith("  id 1, address ada@example.org, language en, state active, follows KZ, ")
    assert shown[-1] == "suppression: none"
    assert any(line.startswith("  at ") and "text by letter" in line for line in shown)
    assert told["subscriber"]["address"] == "ada@example.org"
    assert [each["act"] for each in told["consents"]] == ["confirmed"]
    assert "bert" not in str(told) + str(shown)


@pytest.mark.usefixtures("ada")
def test_who_has_left_long_ago_is_found_by_their_address_still(run, instance):
    database = Database(f"sqlite:///{instance / 'newsletter.db'}")
    with database.writing() as session:
        found = session.get_one(Subscriber, 1)
        found.state, found.ended_at = "ended", found.created_at - timedelta(days=29)
    database.close()
    run("retention", "run")

    told = json.loads(run("subscriber", "export", "ada@example.org").out)

    assert (told["subscriber"]["address"], told["consents"][0]["text"]) == ("", "by letter")


def test_of_a_stranger_nothing_is_known(refused):
    for act in ("show", "export"):
        assert refused("subscriber", act, "ada@example.org") == "no subscriber has this address"


@pytest.mark.usefixtures("ada")
def test_a_person_is_erased_for_good(run, refused, instance):
    ran = run("subscriber", "erase", "ADA@example.org", "--yes")

    assert (ran.code, ran.out) == (0, "erased; nothing goes to this address any more\n")
    files = b"".join(path.read_bytes() for path in sorted(instance.rglob("*")) if path.is_file())
    assert b"ada@" not in files.lower()
    assert b"bert@" in files
    assert [row["reason"] for row in json.loads(run("suppression", "list", "--json").out)] == ["erased"]
    assert refused("subscriber", "erase", "ada@example.org", "--yes") == "no subscriber has this address"


@pytest.mark.usefixtures("ada")
def test_nobody_is_erased_without_a_yes(run, monkeypatch):
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _prompt="": "n")

    assert run("subscriber", "erase", "ada@example.org").code == 130
    assert "ada@example.org" in run("subscribers", "export").out


@pytest.mark.usefixtures("ada")
def test_it_is_told_when_somebody_reads_and_the_log_is_not_cut(run, instance):
    database = Database(f"sqlite:///{instance / 'newsletter.db'}")
    with database.reading() as session:
        session.get(Subscriber, 1)
        out = run("subscriber", "erase", "ada@example.org", "--yes").out
    database.close()

    assert "its log is cut at the scheduler's next tick" in out


def test_what_is_no_address_is_told(refused):
    assert refused("subscriber", "erase", "ada", "--yes").startswith("Enter an e-mail address in the form")
