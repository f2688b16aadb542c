"""The pipes to and from one process that signs (jobs.signing_process)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from newsletter.mail.dkim import Key

_READ_SIZE: Final = 65536  #: octets
_CLOSING_SECONDS: Final = 0.5  #: until a process that does not end by itself is killed


class SigningPipe:
    """A process that signs, from its start on. Nothing here waits for its answers."""

    def __init__(self, keys: Sequence[Key]) -> None:
        """Raises OSError where none can be started."""
        command = [sys.executable, "-m", "newsletter.jobs.signing_process"]
        # S603: this interpreter and a module of ours; nothing of it comes from outside.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603
        if self._process.stdin is None or self._process.stdout is None:
            raise BrokenPipeError
        self._questions, self._answers = self._process.stdin, self._process.stdout
        os.set_blocking(self.fileno(), False)
        self._heard = b""
        self._is_ready = False
        told = [{"selector": key.selector, "pem": key.pem().decode("ascii")} for key in keys]
        self._write(json.dumps(told).encode("ascii") + b"\n")

    def fileno(self) -> int:
        """What can be read when it has answered."""
        return self._answers.fileno()

    def is_ready(self) -> bool:
        """Whether it has read its keys. Raises OSError if it has ended."""
        self._is_ready = self._is_ready or bool(self.hear(1))
        return self._is_ready

    def ask(self, hashes: bytes) -> None:
        """Have these signed. Raises OSError if it has ended."""
        self._write(b"%d\n%b" % (len(hashes), hashes))

    def hear(self, octets: int) -> bytes:
        """The next octets of its answer; b"" until it has given as many. Raises OSError if it has ended."""
        while len(self._heard) < octets:
            try:
                found = os.read(self.fileno(), _READ_SIZE)
            except BlockingIOError:
                return b""
            if not found:
                raise BrokenPipeError
            self._heard += found
        answer, self._heard = self._heard[:octets], self._heard[octets:]
        return answer

    def close(self) -> None:
        """End it."""
        for pipe in (self._questions, self._answers):
            with suppress(OSError):
                pipe.close()
        try:
            self._process.wait(_CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self, octets: bytes) -> None:
        self._questions.write(octets)
