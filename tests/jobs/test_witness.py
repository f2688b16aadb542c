"""What a sender has seen is kept outside of its database, and read by the next one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import pytest

from newsletter.errors import SettingsError
from newsletter.jobs.witness import FOLDER, WitnessFile, read_all
from newsletter.services.guard import Witness
from newsletter.services.runs import EVERYTHING, NOTICES, Scope

SEEN = Witness("a timeline", run=3, ticks=41, at=1669885200)


def part(edition_id, first=0):
    return Scope(notices=False, edition_id=edition_id, first=first)


def names(instance):
    return sorted(path.name for path in (instance / FOLDER).iterdir())


def test_without_a_witness_nothing_was_seen(tmp_path):
    assert list(read_all(tmp_path)) == []


def test_the_last_note_is_what_was_seen_while_the_file_is_open_and_after(tmp_path):
    with WitnessFile(tmp_path, EVERYTHING) as witness:
        assert list(read_all(tmp_path)) == []
        witness.note(Witness("a timeline with a longer name", 1000, 10**6, 1669885200))
        witness.note(SEEN)  # is shorter
        assert list(read_all(tmp_path)) == [SEEN]

    assert list(read_all(tmp_path)) == [SEEN]


def test_a_sender_that_has_committed_nothing_yet_leaves_what_was_seen_before(tmp_path):
    with WitnessFile(tmp_path, EVERYTHING) as witness:
        witness.note(SEEN)
    with WitnessFile(tmp_path, EVERYTHING):
        assert list(read_all(tmp_path)) == [SEEN]


def test_a_note_after_the_end_is_nothing(tmp_path):
    with WitnessFile(tmp_path, EVERYTHING) as witness:
        pass
    witness.note(SEEN)

    assert list(read_all(tmp_path)) == []


def test_each_scope_has_a_witness_of_its_own(tmp_path):
    for number, scope in enumerate([EVERYTHING, NOTICES, part(12), part(12, 5001)]):
        with WitnessFile(tmp_path, scope) as witness:
            witness.note(Witness("a timeline", number, 1, 1))

    assert names(tmp_path) == ["all.json", "edition-12-from-0.json", "edition-12-from-5001.json", "notices.json"]
    assert sorted(each.run for each in read_all(tmp_path)) == [0, 1, 2, 3]


def test_those_of_older_editions_are_forgotten_when_a_newer_one_begins(tmp_path):
    for scope in (EVERYTHING, NOTICES, part(2), part(9), part(10), part(10, 5001), part(11)):
        with WitnessFile(tmp_path, scope):
            pass
    assert names(tmp_path) == ["all.json", "edition-11-from-0.json", "notices.json"]
    with WitnessFile(tmp_path, part(10)):
        assert names(tmp_path) == ["all.json", "edition-10-from-0.json", "edition-11-from-0.json", "notices.json"]
    with WitnessFile(tmp_path, EVERYTHING):
        assert len(names(tmp_path)) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 512,
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"home"',
        b'{"home": "a timeline", "run": 3',
        b'{"home": "a timeline", "run": 3, "ticks": 41}',
        b'{"home": "a timeline", "run": "x", "ticks": 41, "at": 1}',
        b'{"home": "a timeline", "run": 3, "ticks": 41, "at": null}',
        b'{"home": "a timeline", "run": 3, "ticks": 41, "at": 1e999}',
    ],
)
def test_one_that_can_not_be_read_tells_nothing_and_hides_no_other(tmp_path, content):
    with WitnessFile(tmp_path, NOTICES) as witness:
        witness.note(SEEN)
    (tmp_path / FOLDER / "all.json").write_bytes(content)
    (tmp_path / FOLDER / "folder.json").mkdir()

    assert list(read_all(tmp_path)) == [SEEN]


def test_one_of_a_newer_version_that_tells_more_is_read(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "all.json").write_text(json.dumps(asdict(SEEN) | {"more": 1}))

    assert list(read_all(tmp_path)) == [SEEN]


def test_only_the_owner_can_read_what_was_seen(tmp_path):
    with WitnessFile(tmp_path, EVERYTHING):
        assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
        assert (tmp_path / FOLDER / "all.json").stat().st_mode & 0o777 == 0o600


def test_a_witness_that_can_not_be_kept_is_told_before_anything_is_sent(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"witness/all\.json can't be written: Not a directory"):
        WitnessFile(tmp_path / "file", EVERYTHING).__enter__()


def test_a_disk_that_is_full_stops_no_sender(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "all.json").symlink_to("/dev/full")
    before = len(os.listdir("/proc/self/fd"))

    with WitnessFile(tmp_path, EVERYTHING) as witness:
        witness.note(SEEN)
    assert len(os.listdir("/proc/self/fd")) == before
