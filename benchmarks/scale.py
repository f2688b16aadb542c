"""What 1, 10 and 100 million readers mean: the tables of docs/scale.md, out of what benchmarks.costs says.

python -m benchmarks.scale              prints the tables
python -m benchmarks.scale --write      puts them into docs/scale.md, between its marks
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.costs import ASSUMED, COSTS, by_batch, cost
from benchmarks.limits import DEADLINE_HOURS, limits
from benchmarks.table import in_bytes, in_seconds, rounded, table

SIZES: Final = (1_000_000, 10_000_000, 100_000_000)
RELAYS: Final = (50, 100, 300, 1_000, 3_000, 10_000)  #: messages/s
HOURS: Final = (1, 8, 24)
MOST_CONNECTIONS: Final = 100  #: of one sender, that CONNECTIONS may be
DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "scale.md"
_MARKED: Final = re.compile(r"(<!-- table: (\w+) -->)\n.*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="into docs/scale.md")
    if parser.parse_args().write:
        DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
        return
    for name, make in TABLES.items():
        print(f"{name}:\n\n{make()}")


def filled(document: str) -> str:
    """The document with today's tables between its marks. Raises KeyError for a mark without a table."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}{found[3]}", document)


def names(document: str) -> list[str]:
    """The tables that a document has marks for."""
    return [found[2] for found in _MARKED.finditer(document)]


def costs() -> str:
    """What was measured."""
    rows = [[each.words, f"{each.value:,g}", f"`benchmarks.{each.source}`"] for each in COSTS.values()]
    return table(("measured", "", "printed by"), rows)


def assumptions() -> str:
    """What was not."""
    return table(("assumed", ""), [[each.words, f"{each.value:,g}"] for each in ASSUMED.values()])


def storage() -> str:
    """Rows, and bytes on the disk."""
    return _by_size(
        {
            "rows of readers": lambda readers: f"{readers:,}",
            "rows of what they follow": lambda readers: f"{readers * cost('places'):,.0f}",
            "rows of deliveries, an edition": lambda readers: f"{readers:,}",
            "rows of deliveries in the database": lambda readers: f"{readers * cost('editions'):,.0f}",
            "SQLite, readers": lambda readers: in_bytes(readers * cost("sqlite_reader")),
            "SQLite, deliveries": lambda readers: in_bytes(_deliveries(readers, "sqlite")),
            "PostgreSQL, readers": lambda readers: in_bytes(readers * cost("postgresql_reader")),
            "PostgreSQL, deliveries": lambda readers: in_bytes(_deliveries(readers, "postgresql")),
        }
    )


def edition() -> str:
    """What one edition asks for, however fast it goes out."""
    batch = cost("batch")
    times = {
        "planning on SQLite, one transaction": cost("sqlite_planning"),
        "planning on PostgreSQL, one transaction": cost("postgresql_planning"),
        "counting who would get it": cost("audience"),
        "looking through its rows, once": cost("counting"),
        "senders' processor time": cost("sender"),
        "the same, signing with rsa-2048": cost("sender_rsa"),
        "PostgreSQL's processor time at full speed": by_batch("postgresql_server", batch),
        "the same, a commit for each message": by_batch("postgresql_server", 1),
    }
    sizes = {
        "written to the disk at full speed, SQLite": by_batch("sqlite_written", batch),
        "the same, a commit for each message": by_batch("sqlite_written", 1),
        "log (WAL) at full speed, PostgreSQL": by_batch("postgresql_written", batch),
        "log (WAL), a commit for each message": by_batch("postgresql_written", 1),
        "mail": cost("message"),
    }
    rows = [[words, *(in_seconds(readers * each / 1e6) for readers in SIZES)] for words, each in times.items()]
    rows += [[words, *(in_bytes(readers * each) for readers in SIZES)] for words, each in sizes.items()]
    return table(("readers", *(f"{readers:,}" for readers in SIZES)), rows)


def hours() -> str:
    """How long an edition takes, by what the relays bear."""
    rows = [[f"relays take {rate:,}/s", *(_hours(readers, rate) for readers in SIZES)] for rate in RELAYS]
    full = int(cost("rate"))
    rows.append([f"one sender at full speed, {full:,}/s", *(_hours(readers, full) for readers in SIZES)])
    return table(("readers", *(f"{readers:,}" for readers in SIZES)), rows)


def in_time() -> str:
    """What it takes to be done in so many hours."""
    head = (
        "readers",
        "hours",
        "messages/s",
        "senders",
        "senders that sign",
        "connections",
        "commits/s",
        "cores of PostgreSQL",
        "log (WAL)",
        "network",
        "relay machines",
        "to the largest provider",
    )
    return table(head, [_in_time(readers, hours) for readers in SIZES for hours in HOURS])


def first() -> str:
    """What breaks first."""
    rows = [[rounded(each.readers), each.what, each.helps] for each in limits()]
    return table(("from so many readers on", "what breaks", "what helps"), rows)


def _in_time(readers: int, hours: int) -> list[str]:
    rate = readers / hours / 3600
    connections = math.ceil(rate * cost("answer") / 1000)
    senders, signing = (
        max(math.ceil(rate / cost(each)), math.ceil(connections / MOST_CONNECTIONS)) for each in ("rate", "rate_rsa")
    )
    # A sender that has little to do commits for each message, one at full speed as often as it ever does.
    commits = min(rate, senders * cost("rate") / cost("batch"))
    batch = rate / commits
    return [
        f"{readers:,}",
        f"{hours}",
        f"{rate:,.0f}",
        f"{senders}",
        f"{signing}",
        f"{connections:,}",
        f"{commits:,.0f}",
        f"{rate * by_batch('postgresql_server', batch) / 1e6:.2f}",
        f"{in_bytes(rate * by_batch('postgresql_written', batch))}/s",
        f"{rate * cost('message') * 8 / 1e6:,.0f} Mbit/s",
        f"{math.ceil(rate / cost('relay'))}",
        f"{rate * cost('provider') / 100:,.0f}/s",
    ]


def _by_size(rows: dict[str, Callable[[int], str]]) -> str:
    head = ("readers", *(f"{readers:,}" for readers in SIZES))
    return table(head, [[words, *(make(readers) for readers in SIZES)] for words, make in rows.items()])


def _deliveries(readers: int, database: str) -> float:
    return readers * cost("editions") * cost(f"{database}_delivery")


def _hours(readers: int, rate: int) -> str:
    seconds = readers / rate
    words = in_seconds(seconds)
    return f"{words}, over the deadline" if seconds > DEADLINE_HOURS * 3600 else words


TABLES: Final[dict[str, Callable[[], str]]] = {
    "costs": costs,
    "assumptions": assumptions,
    "storage": storage,
    "edition": edition,
    "hours": hours,
    "in_time": in_time,
    "first": first,
}


if __name__ == "__main__":
    main()
