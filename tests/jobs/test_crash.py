"""T1: the sender is killed at random points, and nobody is lost. What befalls workers is in test_cluster.

The relay keeps a message when its dot arrives and answers 20 ms later, so that a kill in between leaves a copy out
whose outcome nobody recorded: the worst moment there is.
"""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.config import Settings
from newsletter.domain.states import DeliveryState
from newsletter.services import deliveries
from newsletter.storage.database import Database
from tests.conftest import NOW
from tests.jobs.sending import RELAY_SECONDS, Processes, Sent
from tests.readers import MONTH, add_readers, approve_sample
from tests.relay import Relay

CONNECTIONS = 8


class Sending:
    """`newsletter edition send --wait` as a process that can be killed."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def stop(self, number: signal.Signals, relay: Relay, *, when: int) -> None:
        """Run until the relay has taken `when` messages, then send the signal, and wait for the end."""
        process = self.start()
        relay.wait_for(when)
        process.send_signal(number)
        process.wait(timeout=60)
