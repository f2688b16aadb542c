"""DKIM signatures by as many processes as there are cores.

A signature with an RSA key takes longer than all else that is done for a message. In threads of one process, all else
would wait for each other; so what is signed, a hash of 32 octets, goes through a pipe to processes that do nothing but
sign (jobs.signing_process). They hold no other secret than the keys, and end when their pipe does.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from select import select
from threading import Lock
from types import TracebackType
from typing import Final, Self

from newsletter.mail.dkim import Key, Signer

log = logging.getLogger(__name__)

FEWEST: Final = 4  #: messages at once: fewer are signed here, and wait for no pipe

Finish = Callable[[], list[bytes]]


class SigningPool:
    """Signs messages, many at once. Its processes are started when there are first that many."""

    def __init__(self, signer: Signer | None, *, processes: int | None = None) -> None:
        """Without a signer it is off."""
        self.is_on = signer is not None
        self._signer = signer
        self._count = processes or os.cpu_count() or 1
        self._lock = Lock()
        self._processes: list[_Process] = []
        self._is_broken = False

    def begin(self, messages: Sequence[tuple[bytes, datetime]]) -> Finish:
        """Have messages signed, each as of a time; what is returned waits for it, and must be called once.

        It gives what goes in front of each message.
        """
        signer = self._signer
        if signer is None:
            raise ValueError("there is no key to sign with")
        # Who shares the pool and finds it taken doesn't wait: they may hold rows that the other one needs.
        if len(messages) < FEWEST or not self._lock.acquire(blocking=False):
            return lambda: [signer.sign(data, at=at) for data, at in messages]
        ready = self._ready(signer)
        if not ready:
            self._lock.release()
            return lambda: [signer.sign(data, at=at) for data, at in messages]
        drafts = [signer.draft(data, at=at) for data, at in messages]
        asked = self._ask(ready, [b"".join(signer.hashes(draft)) for draft in drafts])

        def finish() -> list[bytes]:
            signatures = self._hear(asked, signer.keys)
            self._lock.release()
            if signatures is None:
                return [signer.sign(data, at=at) for data, at in messages]
            return [signer.complete(draft, each) for draft, each in zip(drafts, signatures, strict=True)]

        return finish

    def close(self) -> None:
        """End the processes, until they are needed again."""
        with self._lock:
            for process in self._processes:
                process.close()
            self._processes = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ready(self, signer: Signer) -> list[_Process]:
        """The processes that can be asked; none where one has ended by itself. Nobody waits for one to start."""
        if self._is_broken:
            return []
        try:
            while len(self._processes) < self._count:
                self._processes.append(_Process(signer.keys))
            return [process for process in self._processes if process.is_ready()]
        except OSError:
            self._break()
            return []

    def _ask(self, ready: Sequence[_Process], hashes: Sequence[bytes]) -> list[tuple[_Process, int]]:
        """Share messages out, in one piece for each process: how many each has to sign."""
        share = -(-len(hashes) // len(ready))
        asked: list[tuple[_Process, int]] = []
        try:
            for number, process in enumerate(ready):
                part = hashes[number * share : (number + 1) * share]
                if part:
                    process.ask(b"".join(part))
                    asked.append((process, len(part)))
        except OSError:
            self._break()
        return asked

    def _hear(self, asked: Sequence[tuple[_Process, int]], keys: Sequence[Key]) -> list[list[bytes]] | None:
        """The signatures of each message, one a key, in their order; None if a process is gone."""
        if self._is_broken:
            return None
        sizes = [key.signature_octets for key in keys]
        try:
            return [_cut(process.hear(sum(sizes)), sizes) for process, count in asked for _ in range(count)]
        except OSError:
            self._break()
            return None

    def _break(self) -> None:
        log.warning("a process that signs has ended; from now on the sender signs by itself")
        self._is_broken = True
        for process in self._processes:
            process.close()
        self._processes = []


class _Process:
    """One process that signs, from its start on."""

    def __init__(self, keys: Sequence[Key]) -> None:
        command = [sys.executable, "-m", "newsletter.jobs.signing_process"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        if self._process.stdin is None or self._process.stdout is None:
            raise BrokenPipeError
        self._questions, self._answers = self._process.stdin, self._process.stdout
        self._is_ready = False
        told = [{"selector": key.selector, "pem": key.pem().decode("ascii")} for key in keys]
        self._write(json.dumps(told).encode("ascii") + b"\n")

    def is_ready(self) -> bool:
        """Whether it has read its keys. Raises OSError if it has ended."""
        if not self._is_ready and select([self._answers], [], [], 0)[0]:
            self.hear(1)
            self._is_ready = True
        return self._is_ready

    def ask(self, hashes: bytes) -> None:
        """Have these signed. Raises OSError if it has ended."""
        self._write(b"%d\n%b" % (len(hashes), hashes))

    def hear(self, octets: int) -> bytes:
        """The next of its answer. Raises OSError if it has ended."""
        found = self._answers.read(octets)
        if len(found) < octets:
            raise BrokenPipeError
        return found

    def close(self) -> None:
        """End it."""
        for pipe in (self._questions, self._answers):
            with suppress(OSError):
                pipe.close()
        self._process.wait()

    def _write(self, octets: bytes) -> None:
        self._questions.write(octets)
        self._questions.flush()


def _cut(answer: bytes, sizes: Sequence[int]) -> list[bytes]:
    signatures = []
    for size in sizes:
        signatures.append(answer[:size])
        answer = answer[size:]
    return signatures
