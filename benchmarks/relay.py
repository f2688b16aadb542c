"""Where benchmarks send to, and the peer that sends the same: Postfix's smtp-sink and smtp-source; a slow sink."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from benchmarks import processes

SOURCE_HEADERS = 135  #: bytes of the header that smtp-source puts above the content it is asked for
_OPENING_SECONDS = 30.0  #: for a server to answer


@dataclass(frozen=True, slots=True)
class Sink:
    """A relay in a process of its own, on this machine."""

    port: int
    process_id: int

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it has taken so far."""
        return processes.find(self.process_id).cpu_seconds


def smtp_sink() -> AbstractContextManager[Sink]:
    """Postfix's test server: takes everything, and forgets it."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    return _running([_program("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"], port)


def slow_sink(milliseconds: float) -> AbstractContextManager[Sink]:
    """The same, but each message is answered after a while."""
    port = free_port()
    return _running([sys.executable, "-m", "benchmarks.slow_sink", str(port), "--delay", str(milliseconds)], port)


def smtp_source(port: int, messages: int, sessions: int, size: int) -> float:
    """The rate of Postfix's load generator, in messages of `size` bytes a second; -d keeps its connections open."""
    counted = ["-s", str(sessions), "-m", str(messages), "-l", str(size - SOURCE_HEADERS)]
    envelope = ["-f", "updates@example.org", "-t", "reader@example.org"]
    began = time.monotonic()
    subprocess.run([_program("smtp-source"), "-d", *counted, *envelope, f"127.0.0.1:{port}"], check=True)
    return messages / (time.monotonic() - began)


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator[None]:
    """A server that listens at `port`, in a process of its own; ended in good order."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port, process)
        yield
    finally:
        process.terminate()
        process.wait()


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens. Raises SystemExit when the process ends before that, or takes too long."""
    until = time.monotonic() + _OPENING_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"nothing answers on port {port}")


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[Sink]:
    process = subprocess.Popen(command)
    try:
        wait_until_open(port, process)
        yield Sink(port, process.pid)
    finally:
        process.kill()
        process.wait()


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is missing; install it with: apt-get install --no-install-recommends postfix")
    return found
