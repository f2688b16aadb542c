"""Put in each seeded bug, and see that the tests notice; two at a time.

python -m tests.mutants              all of them
python -m tests.mutants NAME...      those whose names begin so
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.copying import Copy, Result, copy_project
from tests.mutants.mutant import PROJECT, Mutant, NotApplicable, all_mutants

AT_ONCE = 2
UNHARMED_SECONDS = 900.0  #: for all tests that are to notice something


def main(names: Sequence[str]) -> int:
    """How many bugs went unnoticed."""
    chosen = [mutant for mutant in all_mutants() if not names or mutant.name.startswith(tuple(names))]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="newsletter-") as folder, ThreadPoolExecutor(AT_ONCE) as threads:
        source = Path(folder)
        copy_project(PROJECT, source)  # once, so that all run against the same, whatever is edited meanwhile
        selections = list(dict.fromkeys(test for mutant in chosen for test in mutant.tests))
        shares = [selections[number::AT_ONCE] for number in range(AT_ONCE)]
        for result in threads.map(lambda tests: unharmed(source, tests), filter(None, shares)):
            if result.code != 0:
                print(result.output)
                raise SystemExit("the tests fail, or can't be run, before any bug is put in")
        print(f"{len(selections)} tests pass without a bug ({time.monotonic() - began:.0f} s)", flush=True)
        noticed = sum(threads.map(lambda mutant: is_noticed(source, mutant), chosen))
    print(f"{noticed} of {len(chosen)} bugs were noticed ({time.monotonic() - began:.0f} s)")
    return len(chosen) - noticed


def unharmed(source: Path, tests: Sequence[str]) -> Result:
    with tempfile.TemporaryDirectory(prefix="newsletter-") as folder:
        return Copy(source, Path(folder)).test(tests, limit=UNHARMED_SECONDS)


def is_noticed(source: Path, mutant: Mutant) -> bool:
    """Whether the tests notice a bug; says so."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"newsletter-{mutant.name}-") as folder:
        copy = Copy(source, Path(folder))
        try:
            mutant.apply(copy.folder)
        except NotApplicable as error:
            print(f"OUTDATED   {error}", flush=True)
            return False
        result = copy.test(mutant.tests)
    seconds = time.monotonic() - began
    if result.failed:
        print(f"noticed    {mutant.name} ({seconds:.0f} s) by {result.failed}", flush=True)
        return True
    how = "" if result.code == 0 else f"; the tests could not be run:\n{result.output}"
    print(f"UNNOTICED  {mutant.name} ({seconds:.0f} s): {mutant.what}{how}", flush=True)
    return False


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
