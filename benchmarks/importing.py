"""A list taken in, beside the database's own bulk load of the same rows in the same run.

The import is whole: the file read and checked, each row compared with who is here, and let in with its subscriptions
and its consent. The bulk load knows the ids beforehand and checks nothing: executemany in one transaction, or COPY.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.audience import NOW
from benchmarks.instance import Instance, instance, postgresql_server
from benchmarks.table import table
from newsletter.domain.selections import Selections
from newsletter.jobs.importing import Importer
from newsletter.jobs.sender import utc_now
from newsletter.services import imports
from newsletter.services.imports import File
from newsletter.storage.places import gazetteer

HEAD = ("database", "import, rows/s", "bulk load, rows/s", "ratio", "reading, µs", "letting in, µs", "memory, MB")
_WORDS = "paper form at the fair"
_TIME = "2022-06-01 10:00:00.000000"
_COLUMNS = {
    "subscriber": "id,address,address_key,language,state,follows,alerts_at_once,created_at,confirmed_at,text_only",
    "subscription": "subscriber_id,place_code,requested_at,confirmed_at",
    "consent": "subscriber_id,at,act,source,text,text_sha256",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--follows", type=int, default=2)
    arguments = parser.parse_args()
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="newsletter-import-")))
        file = folder / "list.csv"
        _write(file, arguments.rows, arguments.follows)
        server_url = stack.enter_context(postgresql_server())
        for url in (None, server_url):
            imported, loaded = (stack.enter_context(instance(server_url=url)) for _ in range(2))
            read, let_in, memory = _import(imported, file)
            bulk = _load(loaded, arguments.rows, arguments.follows)
            rows.append(_row(imported, arguments.rows, read=read, let_in=let_in, bulk=bulk, memory=memory))
    print(f"{arguments.rows:,} rows with {arguments.follows} places each\n")
    print(table(HEAD, rows))


def _row(made: Instance, rows: int, *, read: float, let_in: float, bulk: float, memory: float) -> list[str]:
    whole = read + let_in
    each = (f"{1e6 * read / rows:.1f}", f"{1e6 * let_in / rows:.1f}", f"{memory:.0f}")
    return [made.words, f"{rows / whole:,.0f}", f"{rows / bulk:,.0f}", f"{bulk / whole:.2f}", *each]


def _people(rows: int, follows: int) -> Iterator[tuple[str, list[str]]]:
    """Addresses in no order, and what they follow."""
    dice = random.Random(7)
    codes = [place.code for place in gazetteer().places]
    for number in range(rows):
        yield f"r{dice.randrange(10**9)}.{number}@example{dice.randrange(500)}.org", dice.sample(codes, follows)


def _write(file: Path, rows: int, follows: int) -> None:
    with file.open("w", encoding="utf-8") as stream:
        stream.write("email,follows,language,status,confirmed_at,consent\n")
        for address, codes in _people(rows, follows):
            stream.write(f"{address},{';'.join(codes)},en,active,2022-06-01T10:00:00+00:00,{_WORDS}\n")


def _import(made: Instance, file: Path) -> tuple[float, float, float]:
    """Seconds of reading and of letting in; the most memory of a process that did only that, in MB."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.write(writing, " ".join(map(str, _imported(made, file))).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        read, let_in, memory = map(float, told.read().split())
    os.waitpid(child, 0)
    return read, let_in, memory


def _imported(made: Instance, file: Path) -> tuple[float, float, float]:
    database = made.database
    database.engine.dispose(close=False)  # the connections are the parent's
    importer = Importer(database, made.settings.tokens)
    with database.writing() as session:
        began = imports.begin(session, File("list.csv", "benchmark", file.stat().st_size), by="a benchmark", now=NOW)
        import_id = began.id
    start = time.perf_counter()
    with file.open("rb") as stream:
        importer.read(import_id, stream)
    read = time.perf_counter()
    with database.writing() as session:
        imports.confirm(session, import_id, by="a benchmark", now=utc_now())
    importer.run(import_id)
    end = time.perf_counter()
    return read - start, end - read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _load(made: Instance, rows: int, follows: int) -> float:
    """Seconds of the bulk load: the rows are made beforehand, table by table."""
    tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _COLUMNS}
    sha256, selections = hashlib.sha256(_WORDS.encode()).hexdigest(), Selections(gazetteer())
    for number, (address, codes) in enumerate(_people(rows, follows), 1):
        selection = selections.read(";".join(codes))
        tables["subscriber"].append((number, address, address, "en", "active", selection, False, _TIME, _TIME, False))
        tables["subscription"] += [(number, code, _TIME, _TIME) for code in selection.split(";")]
        tables["consent"].append((number, _TIME, "confirmed", "import 1: list.csv", _WORDS, sha256))
    load = _load_sqlite if made.database.path is not None else _load_postgresql
    start = time.perf_counter()
    load(made, tables)
    return time.perf_counter() - start


def _load_sqlite(made: Instance, tables: dict[str, list[tuple[Any, ...]]]) -> None:
    with made.database.writing() as session:
        for name, rows in tables.items():
            columns = _COLUMNS[name]
            places = ",".join("?" * len(columns.split(",")))
            session.connection().connection.cursor().executemany(
                f"INSERT INTO {name} ({columns}) VALUES ({places})", rows
            )


def _load_postgresql(made: Instance, tables: dict[str, list[tuple[Any, ...]]]) -> None:
    with made.database.writing() as session:
        for name, rows in tables.items():
            cursor: Any = session.connection().connection.cursor()
            with cursor.copy(f"COPY {name} ({_COLUMNS[name]}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


if __name__ == "__main__":
    main()
