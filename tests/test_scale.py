"""docs/scale.md holds what benchmarks.scale computes now."""

from __future__ import annotations

import pytest

from benchmarks import scale
from benchmarks.costs import ASSUMED, COSTS, by_batch, cost
from benchmarks.limits import limits
from benchmarks.table import in_bytes, in_seconds, rounded
from tests.test_docs import PROJECT, read


def test_the_document_holds_the_tables_that_the_script_prints():
    document = read("docs/scale.md")

    assert scale.filled(document) == document, "run: python -m benchmarks.scale --write"


def test_every_table_is_in_the_document_once():
    assert sorted(scale.names(read("docs/scale.md"))) == sorted(scale.TABLES)


def test_a_table_that_was_changed_by_hand_is_put_right():
    stale = "before\n<!-- table: costs -->\nsomething else\n<!-- end -->\nafter\n"

    assert scale.filled(stale) == f"before\n<!-- table: costs -->\n{scale.costs()}<!-- end -->\nafter\n"


@pytest.mark.parametrize("source", sorted({each.source.split()[0] for each in COSTS.values()}))
def test_every_cost_names_a_benchmark_that_is_there(source):
    assert (PROJECT / "benchmarks" / f"{source}.py").exists()


def test_no_cost_is_both_measured_and_assumed():
    assert not COSTS.keys() & ASSUMED.keys()


def test_a_cost_by_commit_meets_both_of_its_measurements():
    assert by_batch("sqlite_written", cost("batch")) == pytest.approx(cost("sqlite_written"))
    assert by_batch("sqlite_written", 1) == pytest.approx(cost("sqlite_written_slowly"))


def test_what_breaks_first_is_told_first():
    met = [each.readers for each in limits()]

    assert met == sorted(met)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.5, "9.5 s"), (119, "119 s"), (120, "2.0 min"), (7199, "120 min"), (36_000, "10 h")],
)
def test_a_time_is_told_in_a_unit_that_fits(seconds, words):
    assert in_seconds(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(490, "490 bytes"), (830_000, "830 kB"), (1.5e6, "1.5 MB"), (22e9, "22 GB"), (3.04e12, "3.0 TB")],
)
def test_a_size_is_told_in_a_unit_that_fits(number, words):
    assert in_bytes(number) == words


@pytest.mark.parametrize(("number", "words"), [(1_739_130, "1,700,000"), (2**31 - 1, "2,100,000,000"), (96, "96")])
def test_a_limit_is_told_with_two_digits(number, words):
    assert rounded(number) == words
