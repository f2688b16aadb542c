"""Country updates in and out by files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

UPDATE = {
    "place": "KZ",
    "month": "2022-11",
    "trend": "improved",
    "alerts": ["resolution_opportunity"],
    "headline": "Talks went on.",
    "developments": [{"lead": "Talks were held.", "text": "They went *well*."}],
    "quotes": [{"date": "2022-11-07", "words": "At last.", "outlet": "Post", "person": None, "role": None}],
    "links": [{"date": "2022-11-09", "kind": "Report", "title": "Talks", "url": "https://example.org/talks"}],
    "state": "ready",
}


@pytest.fixture
def write(tmp_path):
    """Write a file into the folder that commands run in; an update is written as JSON."""

    def act(name: str, content: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return act


@pytest.fixture
def stored(run):
    """All stored updates of November, as JSON."""
    return lambda: json.loads(run("updates", "list", "--month", "2022-11", "--json").out)


def test_an_update_is_new_then_as_it_was_then_changed(run, write, stored):
    write("kz.json", UPDATE)
    told = [run("updates", "import", "kz.json").out for _ in range(2)]
    write("kz.json", UPDATE | {"headline": "Talks ended."})
    told.append(run("updates", "import", "kz.json").out)

    assert told == ["KZ 2022-11: new\n", "KZ 2022-11: as it was\n", "KZ 2022-11: changed\n"]
    assert stored() == [UPDATE | {"headline": "Talks ended."}]


def test_a_dry_run_shows_what_would_change_line_by_line_and_changes_nothing(run, write, stored):
    write("kz.json", UPDATE)
    write("sd.json", UPDATE | {"place": "SD"})
    run("updates", "import", "kz.json", "sd.json")
    before = stored()
    write("kz.json", UPDATE | {"headline": "Talks ended.", "alerts": []})
    write("uz.json", UPDATE | {"place": "UZ"})

    ran = run("updates", "import", "kz.json", "sd.json", "uz.json", "--dry-run")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "KZ 2022-11: would change\n"
        "--- stored\n"
        "+++ new\n"
        "@@ -2,9 +2,8 @@\n"
        " place: KZ\n"
        " month: 2022-11\n"
        " trend: improved\n"
        "-alerts:\n"
        "-- resolution_opportunity\n"
        "-headline: Talks went on.\n"
        "+alerts: []\n"
        "+headline: Talks ended.\n"
        " quotes:\n"
        " - date: 2022-11-07\n"
        "   words: At last.\n"
        "SD 2022-11: as it is\n"
        "UZ 2022-11: would be new\n"
        "Nothing was stored: this was a dry run.\n"
    )
    assert stored() == before


def test_a_dry_run_on_an_empty_instance_stores_nothing(run, write, stored):
    write("kz.json", UPDATE)

    assert "KZ 2022-11: would be new\n" in run("updates", "import", "kz.json", "--dry-run").out
    assert stored() == []


def test_what_was_read_as_json(run, write):
    write("kz.json", UPDATE)
    write("sd.json", UPDATE | {"place": "SD"})

    one = json.loads(run("updates", "import", "kz.json", "--json").out)
    two = json.loads(run("updates", "import", "kz.json", "sd.json", "--json", "--dry-run").out)

    assert one == UPDATE
    assert two == [UPDATE, UPDATE | {"place": "SD"}]


def test_doubts_go_to_stderr_and_the_update_goes_in(run, write):
    write("kz.txt", b"Kazakhstan\n\nNovember 2022\n\nTalks went on.\n\nTalks were held. They went well.\n")

    ran = run("updates", "import", "kz.txt")

    assert (ran.code, ran.out) == (0, "KZ 2022-11: new\n")
    assert ran.err.startswith("KZ 2022-11: ")


def test_a_folder_is_searched_for_updates_of_any_format(run, write, stored):
    write("texts/kz.json", UPDATE)
    write("texts/deep/sd.json", UPDATE | {"place": "SD"})
    write("texts/notes.doc", b"\0")
    run("updates", "import", "texts")

    assert [update["place"] for update in stored()] == ["KZ", "SD"]


@pytest.mark.usefixtures("sampled")
def test_what_is_exported_is_read_back_as_it_was(run, tmp_path):
    exported = run("updates", "export", "texts")
    read = run("updates", "import", "texts")

    assert exported.out == "102 updates written to texts\n"
    assert len(list((tmp_path / "texts").rglob("*.md"))) == 102
    assert read.code == 0
    assert {line.partition(": ")[2] for line in read.out.splitlines()} == {"as it was"}


@pytest.mark.usefixtures("sampled")
def test_another_instance_gets_the_same_updates_from_an_export(run, tmp_path, sqlite_template):
    before = run("updates", "list", "--json").out
    run("updates", "export", "texts", "--month", "2022-11")
    shutil.copy(sqlite_template, tmp_path / "other.db")
    other = {"DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"}

    assert run("updates", "import", "texts/2022-11", **other).code == 0
    assert run("updates", "list", "--json", **other).out == before


@pytest.mark.usefixtures("sampled")
def test_updates_are_listed(run):
    latest = run("updates", "list").out.splitlines()
    earlier = run("updates", "list", "--month", "2022-09").out.splitlines()

    assert (len(latest), len(earlier)) == (34, 34)
    assert {line[:7] for line in latest} == {"2022-11"}
    assert any("⚠ Conflict Risk Alert" in line for line in latest)
    assert run("updates", "list", "--month", "1999-01").out.startswith("No updates.")
    assert run("updates", "list", "--month", "1999-01", "--json").out == "[]\n"


def test_loading_the_sample_twice_changes_nothing(run):
    assert run("sample", "load").out == "102 sample updates, 102 of them new or changed\n"
    assert run("sample", "load").out == "102 sample updates, 0 of them new or changed\n"


def test_places_are_listed(run):
    rows = json.loads(run("places", "list", "--json").out)

    assert {"place": "KZ", "name": "Kazakhstan", "region": "central-asia"} in rows
    assert len(run("places", "list").out.splitlines()) == len(rows) == 266


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("x.json", b"", "x.json: is empty", id="an empty file"),
        pytest.param("x.json", b"{", "x.json: not JSON: Expecting property name", id="half a file"),
        pytest.param("x.json", b"[]", "x.json: holds no update", id="an empty list"),
        pytest.param("x.json", b"5", "x.json: the update is no JSON object", id="a number"),
        pytest.param("x.json", b"[" * 99_999, "x.json: not an update: its JSON is nested too deep", id="a bomb"),
        pytest.param(
            "x.json", UPDATE | {"headline": "x" * 10_000_000}, "x.json: is larger than 1 MB", id="a field of 10 MB"
        ),
        pytest.param("x.txt", "Zürich".encode("latin-1"), "x.txt: not UTF-8 text (byte 0xfc in line 1)", id="Latin-1"),
        pytest.param("x.txt", "Kazakhstan".encode("utf-16"), "x.txt: not UTF-8 text", id="UTF-16"),
        pytest.param("x.txt", b"Kazakh\0stan", "x.txt: not UTF-8 text (it holds a NUL byte)", id="a NUL"),
        pytest.param("x.html", b"<html>", "x.html: is the source of a web page", id="a page's source"),
        pytest.param("x.json", UPDATE | {"month": "2022-13"}, "x.json: 2022-13 is no month", id="a wrong month"),
        pytest.param(
            "x.json",
            UPDATE | {"place": "Kazakstan"},
            "no place is called 'Kazakstan'; did you mean Kazakhstan?",
            id="place",
        ),
        pytest.param("x.json", UPDATE | {"trend": "better"}, "trend is 'better'; write one of", id="a wrong trend"),
        pytest.param(
            "x.json", UPDATE | {"alerts": ["conflict_risk"] * 2}, "the alert conflict_risk is there twice", id="alerts"
        ),
        pytest.param("x.json", [UPDATE, UPDATE], "updates 1 and 2 are both of KZ in 2022-11", id="an update twice"),
        pytest.param("x.md", b"## Lead\n", "x.md: ", id="Markdown without fields"),
    ],
)
def test_a_file_that_can_not_be_taken_is_told_in_one_line(refused, write, name, content, message):
    write(name, content)

    assert message in refused("updates", "import", name)
    assert message in refused("updates", "import", name, "--dry-run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["gone.json"], "gone.json can't be read: No such file or directory", id="no such file"),
        pytest.param(["empty"], "empty holds no .json, .md or .txt file", id="a folder without updates"),
        pytest.param(["kz.json", "--month", "november"], "'november' is no month", id="a wrong month"),
        pytest.param(["kz.json", "--month", "2022-10"], "of 2022-11, and 2022-10 was asked for", id="another month"),
        pytest.param(["kz.json", "copy.json"], "KZ 2022-11 is in these files twice; keep one", id="twice"),
        pytest.param(["kz.json", "gone\nnewsletter: done"], "can't be read: No such file", id="a name of two lines"),
    ],
)
def test_what_can_not_be_imported_is_told(refused, write, words, message):
    write("kz.json", UPDATE)
    write("copy.json", UPDATE)
    write("empty/notes.doc", b"")

    assert message in refused("updates", "import", *words)


def test_one_bad_file_keeps_all_out(refused, write, stored):
    write("a.json", UPDATE)
    write("b.json", UPDATE | {"place": "SD", "headline": ""})

    assert "the headline is missing" in refused("updates", "import", "a.json", "b.json")
    assert stored() == []


@pytest.mark.usefixtures("sampled")
def test_an_export_that_can_not_be_written_is_told(refused, tmp_path):
    (tmp_path / "file").touch()

    assert refused("updates", "export", "file") == "file can't be written: Not a directory"
    assert "is no month" in refused("updates", "export", "folder", "--month", "11/2022")
    assert "is no month" in refused("updates", "list", "--month", "11/2022")
