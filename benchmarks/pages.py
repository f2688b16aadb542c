"""How long readers wait for web pages while an edition is sent at full speed by the same service, on the same machine.

`newsletter serve` runs as it is deployed: web pages, scheduler and sender. Requests begin at fixed times, whether
earlier ones were answered or not, and each is timed from when it was to begin.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import audience, relay
from benchmarks.instance import Instance, instance
from benchmarks.table import table
from newsletter.domain.states import EditionState
from newsletter.services import editions

WANTED = 0.25  #: seconds, 99 of 100 requests while an edition is sent
WARM_SECONDS = 2.0  #: for the first requests, which compile templates, and are not counted
QUIET_SECONDS = 10.0  #: for the same requests without a send
CLIENTS = 16  #: connections at most
PAGES = (
    ("home", "GET", "/"),
    ("edition", "GET", f"/editions/{audience.MONTH}"),
    ("country", "GET", f"/places/{audience.codes()[0]}"),
    ("form", "GET", "/subscribe"),
    ("signing up", "POST", "/subscribe"),
)
HEAD = ("page", "requests", "p50", "p99", "slowest", "wanted p99")


@dataclass(frozen=True, slots=True)
class Answer:
    """One request, answered."""

    page: str
    seconds: float
    status: int


class Clients:
    """Threads that ask for pages, each over a connection that stays open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._own = threading.local()

    def ask(self, number: int, due: float) -> Answer:
        """Ask for the page whose turn it is; the seconds are counted from `due`."""
        page, method, path = PAGES[number % len(PAGES)]
        body = urlencode({"email": f"asks{number}@example.org", "follow": "all"}) if method == "POST" else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection = self._connection()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return Answer(page, time.monotonic() - due, 0)
        return Answer(page, time.monotonic() - due, response.status)

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        found: http.client.HTTPConnection = self._own.connection
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--requests", type=float, default=20.0, help="a second")
    arguments = parser.parse_args()
    with relay.smtp_sink() as sink, instance(sink.port, connections=str(arguments.sessions)) as made:
        found = audience.fill(made.database, made.settings, arguments.readers)
        with serving(made) as web_port:
            clients, numbers = Clients(web_port), count()
            ask_until(clients, numbers, arguments.requests, _over_in(WARM_SECONDS))
            quiet = ask_until(clients, numbers, arguments.requests, _over_in(QUIET_SECONDS))
            began = time.monotonic()
            planner = threading.Thread(target=audience.plan, args=(made.database,))
            planner.start()
            busy = ask_until(clients, numbers, arguments.requests, lambda: _is_sent(made))
            seconds = time.monotonic() - began
            planner.join()
    print(f"{found.words}\n{arguments.requests:g} requests a second, {arguments.sessions} sessions to smtp-sink\n")
    print("While nothing is sent:\n")
    print(table(HEAD, rows(quiet)))
    print(f"While the edition is planned and sent, at {arguments.readers / seconds:,.0f} messages/s:\n")
    print(table(HEAD, rows(busy)))


@contextmanager
def serving(made: Instance) -> Iterator[int]:
    """`newsletter serve`, on a free port."""
    port = relay.free_port()
    command = [str(Path(sys.executable).with_name("newsletter")), "serve", "--port", str(port)]
    with relay.serving(command, port, made.environment):
        yield port


def ask_until(clients: Clients, numbers: Iterator[int], rate: float, is_over: Callable[[], bool]) -> list[Answer]:
    """Ask for page after page, `rate` a second, until `is_over`; what came back."""
    asked = []
    due = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        while not is_over():
            asked.append(pool.submit(clients.ask, next(numbers), due))
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
    return [each.result() for each in asked]


def rows(answers: Sequence[Answer]) -> list[list[str]]:
    """A row for each page, and one for all of them."""
    by_page: dict[str, list[Answer]] = defaultdict(list)
    for each in answers:
        by_page[each.page].append(each)
    return [_row(page, each) for page, each in [*by_page.items(), ("all", list(answers))]]


def _row(page: str, answers: Sequence[Answer]) -> list[str]:
    failed = sum(not 200 <= each.status < 400 for each in answers)
    told = f"{len(answers):,}" + (f", {failed} failed" if failed else "")
    seconds = sorted(each.seconds for each in answers)
    shown = (seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100], seconds[-1])
    return [page, told, *(f"{each * 1000:.0f} ms" for each in shown), f"{WANTED * 1000:.0f} ms"]


def _over_in(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def _is_sent(made: Instance) -> bool:
    with made.database.reading() as session:
        return editions.get(session, audience.MONTH).state == EditionState.SENT.value


if __name__ == "__main__":
    main()
