"""Copies of the project that can be broken, each with a Python that knows no other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sysconfig
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import PROJECT

PARTS = ("newsletter", "templates", "tests", "pyproject.toml")
LIMIT_SECONDS = 180.0  #: for a selection of tests; a bug may let a test wait for ever

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
        lines = [line for line in self.output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return lines[0].split()[1] if self.code == 1 and lines else None


class Copy:
    """The project in another folder, with an environment in which its package is the only one of its name.

    The installed one is left out: it is editable, so a file in the packages' folder names the project's. Python reads
    such files in the environment's own folder only, and there ours names the copy, and then the packages.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in PARTS:
            source = PROJECT / part
            if source.is_file():
                shutil.copy(source, folder / part)
            else:
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
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

    def test(self, tests: Sequence[str]) -> Result:
        """Run a selection up to the first failure."""
        command = [self.python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=no", *tests]
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
            output, _ = process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return Result(None, process.communicate()[0])
        return Result(process.returncode, output)
