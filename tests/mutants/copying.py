"""Copies of the project that can be broken, each with a Python that knows no other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sysconfig
import venv
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PARTS = ("newsletter", "templates", "tests", "pyproject.toml")
LIMIT_SECONDS = 180.0  #: for a selection of tests; a bug may let a test wait for ever
LEAVING_SECONDS = 30.0  #: for a run that is ended to stop the servers that it has started

#: What the console script is, for tests that run it.
SCRIPT = """\
#!{python}
from newsletter.cli import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run of tests ended."""

    code: int | None  #: pytest's exit code; None: it did not end in time
    output: str

    @property
    def failed(self) -> str | None:
        """The first test that failed; None if none did, or none was run."""
        if self.code is None:
            return "a test that did not end"
        lines = [line for line in self.output.splitlines() if line.startswith(("FAILED tests/", "ERROR tests/"))]
        return lines[0].split()[1] if self.code == 1 and lines else None


def copy_project(source: Path, folder: Path) -> None:
    """What the tests need of a project, into an empty folder."""
    for part in PARTS:
        if (source / part).is_file():
            shutil.copy(source / part, folder / part)
        else:
            shutil.copytree(source / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))


class Copy:
    """A project in another folder, with an environment in which its package is the only one of its name.

    The installed one is left out: it is editable, so a file in the packages' folder names the project's. Python reads
    such files in the environment's own folder only, and there ours names the copy, and then the packages.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        self.folder = folder
        copy_project(source, folder)
        venv.create(folder / "venv", symlinks=True)
        self.python = folder / "venv/bin/python"
        inside = self._ask("import sysconfig; print(sysconfig.get_path('purelib'))")
        Path(inside, "copy.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")
        script = self.python.with_name("newsletter")
        script.write_text(SCRIPT.format(python=self.python))
        script.chmod(0o755)
        imported = self._ask("import newsletter; print(newsletter.__path__)")
        if imported != f"['{folder / 'newsletter'}']":
            raise SystemExit(f"the copy is not what tests would import: {imported}")

    def _ask(self, program: str) -> str:
        command = [self.python, "-c", program]
        return subprocess.run(
            command, cwd="/", env=self._environment(), check=True, capture_output=True, text=True
        ).stdout.strip()

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")} | {
            "PYTHONDONTWRITEBYTECODE": "1"
        }

    def test(self, tests: Sequence[str], *, limit: float = LIMIT_SECONDS) -> Result:
        """Run a selection up to the first failure, for so many seconds at most."""
        command = [self.python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=short", *tests]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return Result(None, _end(process))
        return Result(process.returncode, output)


def _end(process: subprocess.Popen[str]) -> str:
    """As Ctrl-C does, or the hard way; what was told so far."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=LEAVING_SECONDS)[0]
    os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[0]
