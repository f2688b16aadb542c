"""One seeded bug, as its file tells it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
SEEDED = Path(__file__).with_name("seeded")


class NotApplicable(Exception):
    """The program has changed, and the bug can't be put in as its file says."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change to one file that must not go unnoticed."""

    name: str
    what: str  #: what goes wrong, in a sentence
    file: str  #: from the project's folder
    old: str  #: must be there once
    new: str
    tests: tuple[str, ...]  #: pytest's ids of those that are to notice it

    @classmethod
    def read(cls, path: Path) -> Mutant:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(path.stem, **(told | {"tests": tuple(told["tests"])}))

    def put_into(self, source: str) -> str:
        """The file's text with the bug. Raises NotApplicable."""
        found = source.count(self.old)
        if found != 1:
            raise NotApplicable(f"{self.name}: its text is in {self.file} {found} times, not once")
        return source.replace(self.old, self.new)

    def apply(self, project: Path) -> None:
        """Put the bug into a copy of the project. Raises NotApplicable."""
        path = project / self.file
        path.write_text(self.put_into(path.read_text(encoding="utf-8")), encoding="utf-8")


def all_mutants() -> list[Mutant]:
    return [Mutant.read(path) for path in sorted(SEEDED.glob("*.toml"))]
