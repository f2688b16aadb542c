"""The sender beside Postfix's own load generator: same sink, same size, same sessions, same run; with and without DKIM.

smtp-source sends the same bytes to the same reader each time, signs nothing and keeps no database.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from statistics import mean

from benchmarks import audience, relay, sending_process
from benchmarks.audience import Audience
from benchmarks.instance import DKIM, Instance, instance
from benchmarks.sending_process import Run
from benchmarks.table import table

WANTED = {"none": 1.0, "ed25519": 0.9, "rsa-2048": 0.45}  #: the least ratio


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run of ours between two of the peer's."""

    audience: Audience
    run: Run
    message_bytes: int  #: with the signature
    planning_seconds: float
    growth: int  #: bytes of the database, by planning and sending
    peers: tuple[float, float]  #: messages a second, before and after

    @property
    def rate(self) -> float:
        return self.audience.readers / self.run.seconds

    @property
    def peer(self) -> float:
        return mean(self.peers)

    @property
    def ratio(self) -> float:
        return self.rate / self.peer

    def row(self, dkim: str) -> list[str]:
        readers = self.audience.readers
        return [
            dkim,
            f"{self.message_bytes:,}",
            f"{self.rate:,.0f}/s",
            f"{self.peers[0]:,.0f}/s, {self.peers[1]:,.0f}/s",
            f"{self.ratio:.2f}",
            f"{WANTED[dkim]:.2f}",
            f"{self.run.cpu_seconds / readers * 1e6:.0f} µs",
            f"{self.run.peak_mb:.0f} MB",
            f"{self.planning_seconds:.2f} s",
            f"{self.growth / readers:.0f}",
        ]


HEAD = (
    "DKIM",
    "bytes a message",
    "newsletter",
    "smtp-source -d (before, after)",
    "ratio",
    "wanted",
    "processor time a message",
    "peak memory",
    "planning",
    "bytes of database a delivery",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--dkim", nargs="+", choices=DKIM, default=list(DKIM))
    arguments = parser.parse_args()
    rows = []
    with relay.smtp_sink() as sink:
        for dkim in arguments.dkim:
            with instance(sink.port, dkim=dkim, connections=str(arguments.sessions)) as made:
                found = compare(made, sink.port, arguments.readers, arguments.sessions)
                rows.append(found.row(dkim))
                words = f"{found.audience.words}\n{made.words}"
    print(f"{words}; {arguments.sessions} sessions to smtp-sink on the same machine, {os.cpu_count()} cores\n")
    print(table(HEAD, rows))


def compare(made: Instance, port: int, readers: int, sessions: int, *, followed: int | None = None) -> Comparison:
    """Send one edition, and let the peer send a quarter as many messages before and after."""
    found = audience.fill(made.database, made.settings, readers, followed=followed)
    size = found.message_bytes + signature_bytes(made)
    stored = made.bytes_stored()
    began = time.monotonic()
    audience.plan(made.database)
    planned = time.monotonic() - began
    messages = max(sessions, readers // 4)
    before = relay.smtp_source(port, messages, sessions, size)
    run = sending_process.run(made, readers)
    after = relay.smtp_source(port, messages, sessions, size)
    return Comparison(found, run, size, planned, made.bytes_stored() - stored, (before, after))


def signature_bytes(made: Instance) -> int:
    """How much DKIM adds to a message."""
    signer = made.settings.dkim
    sample = b"From: updates@example.org\r\nTo: reader1@example.org\r\n\r\nwords\r\n"
    return len(signer.sign(sample, at=audience.NOW)) if signer is not None else 0


if __name__ == "__main__":
    main()
