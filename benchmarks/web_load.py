"""Sign-up and a country's page under load, beside bare Flask views on the same server.

Each server has one core, wrk has the other. A bare view is asked for half of the time before ours and for half of it
after, in the same run, so that a machine that is slower for a while is so for both. Every sign-up is of another reader,
at another IP address, with a form stamp of its own; no limit is reached, but all are counted. Afterwards the rows are
counted: each answer has its subscriber, and each subscriber one confirmation.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import audience, relay
from benchmarks.instance import Instance, instance, postgresql_server
from benchmarks.table import table
from newsletter.cli.serving import WEB_THREADS
from newsletter.domain.states import NoticeKind
from newsletter.jobs.sender import utc_now
from newsletter.services import editorial
from newsletter.storage.tables import Notice, Subscriber
from newsletter.web import create_app, gate

WANTED = {"signing up": 0.5, "country": 0.6}  #: of the rate of a bare view
SERVER_CORE, CLIENT_CORE = 0, 1
CONNECTIONS = WEB_THREADS  #: so that each thread of the server always has a request
STAMPS = 100_000  #: made beforehand; of two days, so that all are good
SHORTEST = 6  #: seconds
WARM_SECONDS = 2  #: for the first requests, which compile templates, and are not counted
SETTINGS = {"trusted_proxies": "127.0.0.1", "signups_per_hour": "ip=1000000 network=1000000 all=1000000"}
COUNTRY = f"/places/{audience.codes()[0]}"
SCRIPT = Path(__file__).with_name("signups.lua")
HEAD = ("database", "page", "bare view", "ours", "ratio", "wanted", "errors", "slowest of ours")


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw."""

    answers: int
    errors: int  #: statuses of 400 and more, and connections that failed or waited for too long
    seconds: float
    slowest: str  #: as wrk says it

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


class Signups:
    """The numbers of the readers who sign up: no two are the same."""

    def __init__(self, made: Instance) -> None:
        self._stamps = made.settings.instance / "stamps"
        self._next = 1
        app = create_app(made.settings)
        with app.app_context():
            first = utc_now() - timedelta(minutes=1)
            stamps = (gate.make_stamp(first - timedelta(milliseconds=number)) for number in range(STAMPS))
            self._stamps.write_text("".join(f"{stamp}\n" for stamp in stamps), encoding="ascii")

    def wrk(self, port: int, seconds: int) -> Load:
        """Sign up for a while."""
        arguments = ["-s", str(SCRIPT), f"http://127.0.0.1:{port}/subscribe", "--", str(self._stamps), str(self._next)]
        load = wrk(arguments, seconds)
        self._next += load.answers + 10 * CONNECTIONS
        return load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of sign-ups; pages are asked for in a third of it")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    arguments = parser.parse_args()
    if arguments.seconds < SHORTEST:
        parser.error(f"--seconds has to be {SHORTEST} at least: pages are asked for in parts of it")
    rows: list[Sequence[str]] = []
    with ExitStack() as stack:
        for kind in arguments.database or ("sqlite", "postgresql"):
            url = stack.enter_context(postgresql_server()) if kind == "postgresql" else None
            with instance(server_url=url, **SETTINGS) as made:
                rows += measure(made, arguments.seconds)
    print(f"{CONNECTIONS} connections, {arguments.seconds} s of sign-ups; wrk on a core of its own\n")
    print(table(HEAD, rows))


def measure(made: Instance, seconds: int) -> Iterator[Sequence[str]]:
    """A row for the form, and one for the page. Raises SystemExit if a sign-up is missing, or written twice."""
    with made.database.writing() as session:
        for update in audience.updates():
            editorial.store(session, update, now=audience.NOW)
    signups = Signups(made)
    with serving(made, "bare") as bare, serving(made, "site") as site:
        signups.wrk(bare, WARM_SECONDS)
        before = signups.wrk(site, WARM_SECONDS)
        halves = [signups.wrk(bare, seconds // 2)]
        ours = signups.wrk(site, seconds)
        halves.append(signups.wrk(bare, seconds // 2))
        require_all(made, before.answers + ours.answers)
        yield row(made, "signing up", halves, ours)
        constant, country = (
            [f"http://127.0.0.1:{port}{path}"] for port, path in ((bare, "/constant"), (site, COUNTRY))
        )
        wrk(constant, WARM_SECONDS), wrk(country, WARM_SECONDS)
        halves = [wrk(constant, seconds // 6)]
        ours = wrk(country, seconds // 3)
        halves.append(wrk(constant, seconds // 6))
        yield row(made, "country", halves, ours)


def row(made: Instance, page: str, halves: Sequence[Load], ours: Load) -> Sequence[str]:
    """What is told of one page."""
    bare = sum(half.answers for half in halves) / sum(half.seconds for half in halves)
    errors = ours.errors + sum(half.errors for half in halves)
    told = (f"{bare:,.0f}/s", f"{ours.rate:,.0f}/s", f"{ours.rate / bare:.2f}", f"{WANTED[page]}", str(errors))
    return made.words, page, *told, ours.slowest


def require_all(made: Instance, answers: int) -> None:
    """Raises SystemExit unless each answer has its subscriber, and each subscriber one confirmation.

    wrk hangs up in the end: what was under way then is written, and not among its answers.
    """
    confirmations = select(func.count(), func.count(Notice.subscriber_id.distinct())).where(
        Notice.kind == NoticeKind.CONFIRMATION.value
    )
    with made.database.reading() as session:
        readers = session.scalar(select(func.count()).select_from(Subscriber)) or 0
        written, asked = session.execute(confirmations).one()
    if not readers == written == asked or not answers <= readers <= answers + 2 * CONNECTIONS:
        raise SystemExit(
            f"{answers:,} answers, {readers:,} subscribers, {written:,} confirmations to {asked:,} of them"
        )


def wrk(arguments: Sequence[str], seconds: int) -> Load:
    """Run wrk on its core."""
    command = [
        *pinned(CLIENT_CORE),
        _program("wrk"),
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--latency",
        *arguments,
    ]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m),", told)
    latency = re.search(r"Latency +\S+ +\S+ +(\S+)", told)
    if found is None or latency is None:
        raise SystemExit(f"wrk said:\n{told}")
    failed = sum(map(int, re.findall(r"(?:responses:|connect|read|write|timeout) (\d+)", told)))
    length = float(found[2]) * {"ms": 0.001, "s": 1, "m": 60}[found[3]]
    return Load(int(found[1]), failed, length, latency[1])


@contextmanager
def serving(made: Instance, name: str) -> Iterator[int]:
    """One of benchmarks.web_server's applications on its core; its port."""
    port = relay.free_port()
    command = [*pinned(SERVER_CORE), sys.executable, "-m", "benchmarks.web_server", name, str(port)]
    with relay.serving(command, port, made.environment):
        yield port


def pinned(core: int) -> list[str]:
    """What a command begins with that runs on this core. Raises SystemExit where there are not two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("two cores are needed: one for the server, and one for wrk")
    return [_program("taskset"), "-c", str(cores[core])]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing; install it with: apt-get install --no-install-recommends wrk util-linux")
    return found


if __name__ == "__main__":
    main()
