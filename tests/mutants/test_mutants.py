"""The seeded bugs still fit the program; `make mutants` sees whether the tests notice them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.mutant import PROJECT, Mutant, NotApplicable, all_mutants

MUTANTS = all_mutants()


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_seeded_bug_can_be_put_in(mutant):
    source = (PROJECT / mutant.file).read_text(encoding="utf-8")

    changed = ast.dump(ast.parse(mutant.put_into(source)))

    assert changed != ast.dump(ast.parse(source))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_tests_that_are_to_notice_it_are_there(mutant):
    assert mutant.tests
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in functions_of(PROJECT / file)


def test_there_are_many():
    assert len(MUTANTS) >= 10


@pytest.mark.parametrize("source", ["", "once = 1\nonce = 1\n"], ids=["it is gone", "it is there twice"])
def test_a_bug_whose_text_has_changed_is_an_error(source):
    mutant = Mutant("a bug", "once becomes twice", "some.py", "once = 1", "twice = 2", ("tests/some.py::test",))

    with pytest.raises(NotApplicable, match=r"a bug: its text is in some.py \d times, not once"):
        mutant.put_into(source)
