"""The documents speak of what is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from newsletter.cli.main import cli
from newsletter.config import _known
from newsletter.storage.tables import Base

PROJECT = Path(__file__).resolve().parent.parent
DOCS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def commands_in(text: str) -> list[str]:
    """What a reader would type: `newsletter ...` in code blocks and code spans."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks += re.findall(r"(?:^(?: {4}|\t).*\n)+", text, re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", text)
    found = [re.match(r"(?:\$ |ExecStart=)?(?:[\w./]*/)?newsletter ((?:[a-z-].*)?)", line) for line in lines]
    return [match[1].strip() for match in found if match and match[1]]


TYPED = [
    pytest.param(command, id=f"{path.relative_to(PROJECT).as_posix()}: {command}"[:90])
    for path in DOCS
    for command in commands_in(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("name", ["INSTANCE", *(name.upper() for name in _known())])
def test_every_setting_is_explained(name):
    assert re.search(rf"\b(NEWSLETTER_)?{name}\b", read("docs/operations.md"))


@pytest.mark.parametrize("command", TYPED)
def test_every_command_that_is_named_is_there(command):
    words = shlex.split(command.partition(" #")[0].partition(" | ")[0].partition(" > ")[0], comments=True)
    found: click.Command = cli
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        assert words[0] in found.commands, f"there is no {words[0]!r} in {found.name}"
        found = found.commands[words.pop(0)]
    options = {name for parameter in found.params for name in parameter.opts} | {"--help", "--version", "-h"}
    for word in words:
        if word.startswith("-"):
            assert word.partition("=")[0].strip("[].") in options, f"{found.name} has no option {word}"


def test_commands_are_found_in_the_documents():
    assert len(TYPED) > 5


@pytest.mark.parametrize("word", sorted(mapper.class_.__name__ for mapper in Base.registry.mappers))
def test_every_table_is_in_the_glossary(word):
    assert re.search(rf"^\| {word} \|", read("docs/glossary.md"), re.MULTILINE)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_relative_link_leads_somewhere(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert (path.parent / target.partition("#")[0]).exists(), target
