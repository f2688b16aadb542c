"""Planning an edition beside one bare INSERT ... SELECT of as many rows, on both databases.

The bare one writes the same values into a table that has the same primary key, stored the same way, and nothing else:
no foreign key, no check, no second index. Another one writes them into a table without even a key, which could not keep
anybody from being planned twice.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack

from sqlalchemy import text

from benchmarks import audience
from benchmarks.instance import Instance, instance, postgresql_server
from benchmarks.table import table
from newsletter.storage.database import Database

WANTED = 3.0  #: the most that planning may take, in times of the bare statement
HEAD = (
    "database",
    "planning",
    "bare (before, after)",
    "ratio",
    "wanted",
    "bare, no key (before, after)",
    "ratio",
)
_COLUMNS = (
    "edition_id INTEGER NOT NULL, subscriber_id INTEGER NOT NULL, state VARCHAR(24) NOT NULL, "
    "attempt INTEGER NOT NULL, flagged BOOLEAN NOT NULL"
)
_KEY = ", PRIMARY KEY (edition_id, subscriber_id)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    arguments = parser.parse_args()
    rows = []
    with ExitStack() as stack:
        for kind in arguments.database:
            server_url = stack.enter_context(postgresql_server()) if kind == "postgresql" else None
            with instance(server_url=server_url) as made:
                rows.append(_measured(made, arguments.readers))
    print(f"{arguments.readers:,} readers\n")
    print(table(HEAD, rows))


def _measured(made: Instance, readers: int) -> list[str]:
    audience.fill(made.database, made.settings, readers)
    made.bytes_stored()  # what filling left in SQLite's log is brought over now
    before, keyless_before = (bare(made.database, name) for name in ("bare_before", "keyless_before"))
    began = time.monotonic()
    audience.plan(made.database)
    planning = time.monotonic() - began
    after, keyless_after = (bare(made.database, name) for name in ("bare_after", "keyless_after"))
    return [
        made.words,
        f"{planning:.2f} s",
        f"{before:.2f} s, {after:.2f} s",
        f"{planning / ((before + after) / 2):.1f}",
        f"{WANTED:.0f}",
        f"{keyless_before:.2f} s, {keyless_after:.2f} s",
        f"{planning / ((keyless_before + keyless_after) / 2):.1f}",
    ]


def bare(database: Database, name: str) -> float:
    """Seconds that it takes to write a row for each reader into a new table, and to commit."""
    has_key = not name.startswith("keyless")
    storage = " WITHOUT ROWID" if has_key and database.path is not None else ""
    with database.writing() as session:
        session.execute(text(f"CREATE TABLE {name} ({_COLUMNS}{_KEY if has_key else ''}){storage}"))
    began = time.monotonic()
    with database.writing() as session:
        chosen = "SELECT 1, id, 'pending', 0, :flagged FROM subscriber"
        session.execute(text(f"INSERT INTO {name} {chosen}"), {"flagged": False})
    return time.monotonic() - began


if __name__ == "__main__":
    main()
