"""How every process of the service logs: to standard error, a line an event, with fields and never an address."""

from __future__ import annotations

import logging


def set_up() -> None:
    """Show what this package says, and what others warn of."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("newsletter").setLevel(logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that waits for a thread
