"""A sender in a process of its own, so that its memory is its own: prints one line of JSON when the edition is sent."""

from __future__ import annotations

import json
import resource
import sys
import time

from benchmarks.audience import MONTH
from newsletter import config
from newsletter.domain.states import EditionState
from newsletter.jobs.sender import Sender
from newsletter.services import editions
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock


def main() -> None:
    settings = config.load({}, **json.loads(sys.argv[1]))
    database = Database(settings.database_url)
    looked = 0.0

    def is_over() -> bool:
        nonlocal looked
        if time.monotonic() - looked < 0.1:
            return False
        looked = time.monotonic()
        with database.reading() as session:
            return editions.get(session, MONTH).state == EditionState.SENT.value

    began = time.monotonic()
    with SenderLock(database):
        Sender(database, settings).run(is_over)
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()
