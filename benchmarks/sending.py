"""The sender beside Postfix's own load generator, smtp-source: same sink, same size, same sessions, same run."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import audience
from newsletter import config
from newsletter.config import Settings
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.services import editions
from newsletter.storage import migrating
from newsletter.storage.database import Database
from newsletter.storage.places import gazetteer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder, sink() as port:
        settings = config.load(
            {},
            instance=folder,
            smtp_url=f"smtp://127.0.0.1:{port}?tls=none",
            sender="Country Updates <updates@example.org>",
            postal_address="Example Foundation, 1 Sample Street",
            connections=str(arguments.sessions),
        )
        measure(settings, Path(folder) / "newsletter.db", port, arguments.readers, arguments.sessions)


def measure(settings: Settings, path: Path, port: int, readers: int, sessions: int) -> None:
    database = Database(settings.database_url)
    migrating.upgrade(database)
    audience.fill(database, settings, readers)
    size = message_size(database, settings)
    before = database_bytes(database, path)
    began = time.monotonic()
    audience.plan(database)
    planned = time.monotonic() - began
    peer_first = smtp_source(port, readers // 2, sessions, size)
    ours = run_sender(settings)
    peer_second = smtp_source(port, readers // 2, sessions, size)
    after = database_bytes(database, path)
    database.close()
    rate = readers / ours["seconds"]
    peer = (peer_first + peer_second) / 2
    print(f"{readers:,} readers, each with {audience.FOLLOWED} of {audience.PLACES} places; {size:,} bytes a message;")
    print(f"{sessions} sessions to smtp-sink on loopback; SQLite, synchronous FULL\n")
    print("| figure | value |\n|---|---|")
    print(f"| planning the edition | {planned:.2f} s |")
    print(f"| newsletter | {rate:,.0f} messages/s |")
    print(f"| smtp-source -d (before, after) | {peer:,.0f} messages/s ({peer_first:,.0f}, {peer_second:,.0f}) |")
    print(f"| ratio | {rate / peer:.2f} |")
    print(f"| peak memory of the sender | {ours['peak_mb']:.0f} MB |")
    print(f"| database growth | {(after - before) / readers:.0f} bytes a delivery |")


@contextmanager
def sink() -> Iterator[int]:
    """Postfix's test server, on a free port of this machine."""
    program = program_path("smtp-sink")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    process = subprocess.Popen([program, *user, f"127.0.0.1:{port}", "1000"])
    try:
        wait_until_open(port)
        yield port
    finally:
        process.kill()
        process.wait()


def wait_until_open(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit("smtp-sink doesn't answer")


def program_path(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is missing; install it with: apt-get install --no-install-recommends postfix")
    return found


def smtp_source(port: int, messages: int, sessions: int, size: int) -> float:
    """The rate of Postfix's load generator, in messages a second; -d keeps its connections open."""
    program = program_path("smtp-source")
    counted = ["-s", str(sessions), "-m", str(messages), "-l", str(size)]
    envelope = ["-f", "updates@example.org", "-t", "reader@example.org"]
    began = time.monotonic()
    subprocess.run([program, "-d", *counted, *envelope, f"127.0.0.1:{port}"], check=True)
    return messages / (time.monotonic() - began)


def run_sender(settings: Settings) -> dict[str, float]:
    """Send the edition by a process of its own."""
    names = ("smtp_url", "sender", "postal_address", "database_url", "secret_key")
    given = {name: str(getattr(settings, name)) for name in names}
    given |= {"instance": str(settings.instance), "connections": str(settings.connections)}
    command = [sys.executable, "-m", "benchmarks.sending_process", json.dumps(given)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    found: dict[str, float] = json.loads(output)
    return found


def message_size(database: Database, settings: Settings) -> int:
    """The mean size of a digest, in bytes."""
    with database.reading() as session:
        compiled = editions.compiled(editions.get(session, audience.MONTH), settings.publication)
    splicer = Splicer(compiled, settings.publication, gazetteer())
    codes = audience.codes()
    selections = [tuple(codes[number : number + audience.FOLLOWED]) for number in range(0, 46, 5)]
    sizes = [len(splicer.splice(Recipient(1, "reader1@example.org", follows)).data) for follows in selections]
    return sum(sizes) // len(sizes)


def database_bytes(database: Database, path: Path) -> int:
    """The size of the database's file, with all that is in the log brought over."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


if __name__ == "__main__":
    main()
