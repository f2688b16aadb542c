"""Subscribers in and out as CSV, and what an admin does for one of them."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import click

from newsletter.cli import importing, opening
from newsletter.domain.address import Address
from newsletter.jobs.sender import utc_now
from newsletter.services import preferences
from newsletter.services import subscribers as service
from newsletter.services.consents import Origin
from newsletter.services.subscribers import COLUMNS


@click.group()
def subscribers() -> None:
    """Subscribers as a file, and what an admin does for one of them."""


@subscribers.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every row, and take none in.")
@click.option("--json", "as_json", is_flag=True)
def import_(file: Path, dry_run: bool, as_json: bool) -> None:
    """Take in subscribers who have consented elsewhere; what can't be taken goes to a rejects file beside FILE.

    Interrupted, the same command goes on where it was.
    """
    settings = opening.settings()
    with opening.database(settings) as database:
        importing.take_in(database, settings, file, dry_run=dry_run, as_json=as_json)


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
