"""A list of subscribers taken in on the command line: checked, let in, and told of."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from newsletter.config import Settings
from newsletter.domain.importing import ImportState
from newsletter.errors import InvalidInput
from newsletter.jobs.importing import Importer
from newsletter.jobs.sender import utc_now
from newsletter.services import audit, import_rejects, imports
from newsletter.services.audit import COMMAND_LINE
from newsletter.services.imports import File
from newsletter.storage.database import Database
from newsletter.storage.tables import SubscriberImport

LINE_SECONDS: Final = 5.0  #: between two lines where there is no terminal
SHOWN: Final = 10  #: rejected rows, after a dry run
_BLOCK: Final = 1 << 20

Told = Callable[[int], None]


def take_in(database: Database, settings: Settings, path: Path, *, dry_run: bool, as_json: bool) -> None:
    """Take a file in from where an earlier run of the same file was interrupted, if one was. Raises InvalidInput."""
    importer = Importer(database, settings.tokens)
    with _opened(path) as stream:
        file = File(path.name, _sha256(stream), stream.tell())
        stream.seek(0)
        with database.writing() as session:
            found = imports.begin(session, file, by=COMMAND_LINE.name, now=utc_now())
            import_id, state, is_ours = found.id, found.state, found.created_by == COMMAND_LINE.name
        if state == ImportState.READING.value:
            with _shown("reading", file.size, quiet=as_json) as told:
                importer.read(import_id, stream, told=told)
    rejects = None
    if not dry_run:
        _let_in(database, importer, import_id, quiet=as_json)
        rejects = _write_rejects(database, import_id, path)
    _tell(database, import_id, dry_run=dry_run, as_json=as_json, rejects=rejects)
    if is_ours:
        _clear(database, importer, import_id, dry_run=dry_run)


def _let_in(database: Database, importer: Importer, import_id: int, *, quiet: bool) -> None:
    with database.writing() as session:
        found = imports.get(session, import_id)
        is_confirmed = found.state == ImportState.RUNNING.value
        last = imports.confirm(session, import_id, by=COMMAND_LINE.name, now=utc_now()).last_line
        if not is_confirmed:
            audit.record(session, COMMAND_LINE, "import.confirmed", f"import {import_id}", found.name, now=utc_now())
    with _shown("taking in", last, quiet=quiet) as told:
        importer.run(import_id, told=told)


def _tell(database: Database, import_id: int, *, dry_run: bool, as_json: bool, rejects: Path | None) -> None:
    with database.reading() as session:
        found = imports.get(session, import_id)
        if as_json:
            click.echo(json.dumps(_as_json(found, dry_run, rejects), indent=2))
            return
        click.echo(_in_words(found, dry_run))
        for problem, number in imports.problems(found).items():
            click.echo(f"{number:>9,} rejected: {problem.words}")
        if dry_run:
            for row in import_rejects.first_rejected(session, import_id, most=SHOWN):
                click.echo(f"line {row.line}: {row.reason}")
    if rejects is not None:
        click.echo(f"the rejected rows, with line and reason: {rejects}")


def _in_words(found: SubscriberImport, dry_run: bool) -> str:
    taken = found.new + found.changed
    parts = [f"{taken:,} {'could be' if dry_run else 'were'} taken in"]
    if found.asked:
        parts.append(f"{found.asked:,} of them asked by mail first, as confirmed_at is empty")
    if found.unchanged:
        parts.append(f"{found.unchanged:,} here already and left as they are")
    return ", ".join([*parts, f"{found.rejected:,} rejected"])


def _as_json(found: SubscriberImport, dry_run: bool, rejects: Path | None) -> dict[str, object]:
    numbers = {name: getattr(found, name) for name in ("new", "asked", "changed", "unchanged", "rejected")}
    problems = {problem.value: number for problem, number in imports.problems(found).items()}
    return {
        "import": found.id,
        "dry_run": dry_run,
        **numbers,
        "problems": problems,
        "rejects": str(rejects) if rejects else None,
    }


def _clear(database: Database, importer: Importer, import_id: int, *, dry_run: bool) -> None:
    """No address stays behind: what was rejected is in its file."""
    with database.writing() as session:
        if dry_run:
            imports.cancel(session, import_id, now=utc_now())
        else:
            imports.forget_rows(session, import_id, now=utc_now())
    importer.purge(import_id)


def _write_rejects(database: Database, import_id: int, file: Path) -> Path | None:
    path = file.with_name(f"{file.stem}.rejects.csv")
    with database.reading() as session:
        if not imports.get(session, import_id).rejected:
            return None
        try:
            with path.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(import_rejects.as_csv(import_rejects.rejected(session, import_id)))
        except OSError as error:
            raise InvalidInput(f"the rejects can't be written to {path}: {error.strerror}") from None
    return path


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}") from None
    with stream:
        yield stream


def _sha256(stream: BinaryIO) -> str:
    found = hashlib.sha256()
    while block := stream.read(_BLOCK):
        found.update(block)
    return found.hexdigest()


@contextmanager
def _shown(words: str, total: int, *, quiet: bool) -> Iterator[Told]:
    """A bar on a terminal, lines elsewhere."""
    if quiet or not sys.stdout.isatty():
        yield _in_lines(words, total, quiet=quiet)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(words, total=total)
        yield lambda done: bar.update(task, completed=done)


def _in_lines(words: str, total: int, *, quiet: bool) -> Told:
    told_at = time.monotonic()

    def told(done: int) -> None:
        nonlocal told_at
        if quiet or time.monotonic() - told_at < LINE_SECONDS:
            return
        told_at = time.monotonic()
        click.echo(f"{words}: {100 * done // max(total, 1)} %")

    return told
