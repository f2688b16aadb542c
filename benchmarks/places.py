"""What it costs that a reader follows more places: 1, 24 or all 70, beside smtp-source with the same size."""

from __future__ import annotations

import argparse

from benchmarks import relay
from benchmarks.instance import instance
from benchmarks.sending import compare
from benchmarks.table import table

HEAD = (
    "places",
    "different selections",
    "bytes a message",
    "newsletter",
    "smtp-source -d",
    "ratio",
    "processor time a message",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=30_000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--places", type=int, nargs="+", default=[1, 24, 70])
    arguments = parser.parse_args()
    rows = []
    with relay.smtp_sink() as sink:
        for places in arguments.places:
            with instance(sink.port, connections=str(arguments.sessions)) as made:
                found = compare(made, sink.port, arguments.readers, arguments.sessions, followed=places)
            row = [
                f"{places}",
                f"{found.audience.selections:,}",
                f"{found.message_bytes:,}",
                f"{found.rate:,.0f}/s",
                f"{found.peer:,.0f}/s",
                f"{found.ratio:.2f}",
                f"{found.run.cpu_seconds / arguments.readers * 1e6:.0f} µs",
            ]
            rows.append(row)
    print(f"{arguments.readers:,} readers; {arguments.sessions} sessions to smtp-sink on the same machine\n")
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
