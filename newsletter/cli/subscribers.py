"""Subscribers in and out as CSV, and what an admin does for one of them."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from newsletter.cli import opening
from newsletter.config import Settings
from newsletter.domain.address import Address
from newsletter.errors import InvalidInput
from newsletter.jobs.sender import utc_now
from newsletter.services import preferences
from newsletter.services import subscribers as service
from newsletter.services.consents import Origin
from newsletter.services.subscribers import COLUMNS, Reject, Row
from newsletter.storage.database import Database

BATCH = 500  #: rows a transaction: the site stays writable in between


@click.group()
def subscribers() -> None:
    """Subscribers as a file, and what an admin does for one of them."""


@subscribers.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every row, and take none in.")
def import_(file: Path, dry_run: bool) -> None:
    """Take in subscribers who have consented elsewhere; what can't be taken goes to a rejects file beside FILE."""
    settings = opening.settings()
    rows = list(service.read_rows(io.StringIO(opening.read_text(file), newline=""), now=utc_now()))
    rejects = [row for _, row in rows if isinstance(row, Reject)]
    good = _without_doubles([(line, row) for line, row in rows if isinstance(row, Row)], rejects)
    with opening.database(settings) as database:
        for start in range(0, len(good), BATCH):
            rejects += _take_in(database, settings, good[start : start + BATCH], file.name, dry_run=dry_run)
    click.echo(f"{len(rows) - len(rejects)} {'could be' if dry_run else 'were'} taken in, {len(rejects)} rejected")
    for reject in rejects[:10] if dry_run else ():
        click.echo(f"line {reject.line}: {reject.reason}")
    if rejects and not dry_run:
        click.echo(f"the rejected rows, with line and reason: {_write_rejects(file, rejects)}")


def _without_doubles(rows: Sequence[tuple[int, Row]], rejects: list[Reject]) -> list[tuple[int, Row]]:
    """The first row of each address; the others join `rejects`."""
    first: dict[str, int] = {}
    for line, row in rows:
        if first.setdefault(row.address.key, line) != line:
            rejects.append(_reject(line, row, f"this address is in line {first[row.address.key]} already"))
    return [(line, row) for line, row in rows if first[row.address.key] == line]


def _reject(line: int, row: Row, reason: str) -> Reject:
    values = {
        "email": row.address.text,
        "follows": ";".join(row.subjects),
        "language": row.language,
        "confirmed_at": row.confirmed_at.isoformat(),
        "consent": row.consent,
    }
    return Reject(line, reason, values)


def _take_in(
    database: Database, settings: Settings, rows: Sequence[tuple[int, Row]], source: str, *, dry_run: bool
) -> list[Reject]:
    rejects = []
    with database.writing() as session:
        for line, row in rows:
            try:
                service.take_in(session, row, tokens=settings.tokens, source=source, now=utc_now())
            except InvalidInput as error:
                rejects.append(_reject(line, row, str(error)))
        if dry_run:
            session.rollback()
    return rejects


def _write_rejects(file: Path, rejects: Sequence[Reject]) -> Path:
    path = file.with_name(f"{file.stem}.rejects.csv")
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, ("line", "reason", *COLUMNS), extrasaction="ignore")
            writer.writeheader()
            for reject in sorted(rejects, key=lambda each: each.line):
                values = {name: service.harmless(value) for name, value in reject.values.items()}
                writer.writerow({"line": reject.line, "reason": reject.reason, **values})
    except OSError as error:
        raise InvalidInput(f"the rejects can't be written to {path}: {error.strerror}") from None
    return path


@subscribers.command()
def export() -> None:
    """Print all subscribers as CSV."""
    with opening.database(opening.settings()) as database, database.reading() as session:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(service.export_rows(session))


@subscribers.command()
@click.argument("address")
@click.option("--reason", default="asked by mail", show_default=True)
def end(address: str, reason: str) -> None:
    """End a subscription for somebody who asks by mail."""
    parsed = Address.parse(address)
    with opening.database(opening.settings()) as database, database.writing() as session:
        subscriber = service.by_address(session, parsed.key)
        origin = Origin(source="newsletter subscribers end", text=reason)
        preferences.end(session, subscriber, reason, origin=origin, now=utc_now())
    click.echo("ended; no more mail goes to this address")
