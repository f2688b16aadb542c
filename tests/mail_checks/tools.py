"""The packages from npm that look at a mail's HTML. `make test` installs them where npm is there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import parts

PROJECT = Path(__file__).resolve().parent.parent.parent
PACKAGES = PROJECT / "node_modules"
INSTALL = "make node_modules/.installed"


@dataclass(frozen=True, slots=True)
class Looked:
    """What the tools say of one mail."""

    features: frozenset[str]  #: of HTML and CSS that it uses, by caniemail's names
    faults: tuple[str, ...]  #: of its HTML, each a line


def looked_at(mails: Mapping[str, str]) -> dict[str, Looked]:
    """What the tools say of each mail, by its name."""
    node = parts.require("node", "apt-get install nodejs npm")
    package("html-validate")
    script = Path(__file__).with_name("inspect.mjs")
    ran = subprocess.run([node, script], input=json.dumps(dict(mails)), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return {
        name: Looked(frozenset(found["features"]), tuple(found["faults"]))
        for name, found in json.loads(ran.stdout).items()
    }


def package(name: str) -> Path:
    """The folder of an installed package."""
    folder = PACKAGES / name
    if not folder.is_dir():
        parts.missing(name, INSTALL)
    return folder
