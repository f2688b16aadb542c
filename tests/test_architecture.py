"""What the layout promises: small modules that say what they are for, and a wheel that works by itself."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

from newsletter import errors

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "newsletter"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE = 300  #: lines
LONGEST_FUNCTION = 40  #: lines
UNSAID = {"utils", "helpers", "common", "constants", "misc"}  #: names that say nothing


def named(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_every_module_says_what_it_is_for():
    assert [named(path) for path in MODULES if not ast.get_docstring(parsed(path))] == []


def test_modules_and_their_functions_are_small():
    for path in MODULES:
        if "versions" in path.parts:
            continue
        assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST_MODULE, named(path)
        lengths = {each.name: each.end_lineno - each.lineno + 1 for each in functions(path)}
        assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}, named(path)


def test_no_module_has_a_name_that_says_nothing():
    assert {path.stem for path in MODULES} & UNSAID == set()


def test_imports_stand_at_the_top():
    deferred = [
        f"{named(path)}:{node.lineno}"
        for path in MODULES
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert deferred == []


@pytest.mark.parametrize("package", ["delivery", "mail", "domain"])
def test_what_makes_and_sends_mail_needs_neither_flask_nor_a_database(package):
    modules = [
        ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        for path in sorted((PACKAGE / package).rglob("*.py"))
        if path.stem != "__init__"
    ]
    hide = "import sys; sys.modules.update(flask=None, sqlalchemy=None); "

    ran = subprocess.run(
        [sys.executable, "-c", f"{hide}import {', '.join(modules)}"], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_tree_of_errors_is_the_one_that_is_drawn():
    drawn: list[tuple[str, str]] = []
    above: dict[int, str] = {}
    for indent, name in re.findall(r"^( {4,})([A-Z]\w+)(?:  |$)", errors.__doc__, re.MULTILINE):
        depth = len(indent)
        parents = [each for each in above if each < depth]
        drawn.append((name, above[max(parents)] if parents else "Exception"))
        above = {each: parent for each, parent in above.items() if each < depth} | {depth: name}
    classes = [each for each in vars(errors).values() if isinstance(each, type)]

    assert drawn == [(each.__name__, each.__base__.__name__) for each in classes]


def test_every_error_says_when_it_is_raised():
    assert all(each.__doc__ for each in vars(errors).values() if isinstance(each, type))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel was unpacked to, far from the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_all_that_is_not_code(unpacked):
    def within(folder: Path, under: str) -> set[str]:
        return {
            path.relative_to(folder / under).as_posix()
            for path in (folder / under).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert within(unpacked, "newsletter/templates") == within(PROJECT, "templates")
    without_templates = {name for name in within(unpacked, "newsletter") if not name.startswith("templates/")}
    assert without_templates == within(PROJECT, "newsletter")
    assert {
        "mail/pictures/world.LICENSE.txt",
        "mail/pictures/world.json",
        "storage/places.csv",
        "storage/regions.csv",
        "storage/migrations/env.py",
        "storage/migrations/versions/0001_initial_tables.py",
        "sample/2022-11.json",
        "web/static/site.css",
        "templates/email/digest/body.html",
        "templates/web/base.html",
    } <= within(unpacked, "newsletter")


def test_the_wheel_holds_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}

    assert {top.split("-")[0] for top in tops} == {"newsletter"}


def test_the_program_works_from_its_wheel_outside_the_checkout(unpacked, tmp_path):
    code = """
import contextlib, sys
import newsletter
from newsletter.cli import main
print(newsletter.__file__)
for line in sys.argv[1].split(";"):
    sys.argv = ["newsletter", *line.split()]
    with contextlib.suppress(SystemExit):
        main()
from newsletter.web import create_app
from newsletter import config
import os
print(create_app(config.load(os.environ)).test_client().get("/places/KZ").status)
"""
    commands = (
        "sample load;edition assemble 2022-11;edition approve 2022-11;edition preview 2022-11 --places KZ --part html"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(unpacked),
        "PYTHONSAFEPATH": "1",
        "NEWSLETTER_INSTANCE": str(tmp_path / "instance"),
        "NEWSLETTER_POSTAL_ADDRESS": "1 Sample Street",
    }

    ran = subprocess.run(
        [sys.executable, "-c", code, commands],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stderr == ""
    assert ran.stdout.startswith(str(unpacked))
    for told in ("102 sample updates", "2022-11: draft, 34 places", "2022-11: approved", "Kazakhstan</", "200 OK"):
        assert told in ran.stdout, told
