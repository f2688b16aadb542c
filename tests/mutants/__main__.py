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

from tests.mutants.copying import Copy, Result
from tests.mutants.mutant import Mutant, all_mutants

AT_ONCE = 2


def main(names: Sequence[str]) -> int:
    """How many bugs went unnoticed."""
    chosen = [mutant for mutant in all_mutants() if not names or mutant.name.startswith(tuple(names))]
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        selections = list(dict.fromkeys(test for mutant in chosen for test in mutant.tests))
        shares = [selections[number::AT_ONCE] for number in range(AT_ONCE)]
        for result in threads.map(unharmed, [share for share in shares if share]):
            if result.code != 0:
                print(result.output)
                raise SystemExit("the tests fail, or can't be run, before any bug is put in")
        print(f"{len(selections)} tests pass without a bug ({time.monotonic() - began:.0f} s)", flush=True)
        unnoticed = [mutant for mutant, noticed in zip(chosen, threads.map(harmed, chosen), strict=True) if not noticed]
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} bugs were noticed ({time.monotonic() - began:.0f} s)")
    return len(unnoticed)


def unharmed(tests: Sequence[str]) -> Result:
    with tempfile.TemporaryDirectory(prefix="newsletter-") as folder:
        return Copy(Path(folder)).test(tests)


def harmed(mutant: Mutant) -> bool:
    """Whether the tests notice a bug; says so."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"newsletter-{mutant.name}-") as folder:
        copy = Copy(Path(folder))
        mutant.apply(copy.folder)
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
