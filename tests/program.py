"""The program as a process that can be killed, without the second of a processor that its imports take.

A server that has imported it forks for each start (multiprocessing's forkserver): what is forked has no thread, no
descriptor and no connection of the test's. That the installed console script starts at all is seen in tests/cli.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

from newsletter.cli.main import main

PROJECT = Path(__file__).resolve().parent.parent

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["newsletter.cli.main"])


class Program:
    """`newsletter WORDS...`, with nothing in its environment but what is given."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        told, tells = _SERVER.Pipe(duplex=False)
        self._process = _SERVER.Process(target=_run, args=(list(words), dict(environment), tells), daemon=True)
        with chdir(PROJECT):  # from where the server, at its start, imports the program: a test may have gone elsewhere
            self._process.start()
        tells.close()
        self.told: TextIO = os.fdopen(os.dup(told.fileno()), encoding="utf-8")  #: its standard output and error
        told.close()

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing, when it is over."""
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Its exit code, once it is over: the negative number of the signal that ended it, if one did."""
        return self._process.exitcode

    def finish(self, timeout: float) -> tuple[int, str]:
        """Wait for its end so many seconds at most; its exit code, and what it told that was not read yet."""
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None, f"it did not end within {timeout} s"
        rest = self.told.read()
        self.told.close()
        return code, rest


def _run(words: list[str], environment: dict[str, str], tells: Connection) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for standard in (1, 2):
        os.dup2(tells.fileno(), standard)
    tells.close()
    sys.argv = ["newsletter", *words]
    main()
