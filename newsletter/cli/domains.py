"""The list of domains that give out addresses to be thrown away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from newsletter.cli import opening
from newsletter.errors import InvalidInput
from newsletter.jobs.sender import utc_now
from newsletter.services import disposable


@click.group()
def domain() -> None:
    """Domains of addresses to be thrown away: who asks with one is noted so in the ledger of consent."""


@domain.command()
@click.argument("names", nargs=-1)
@click.option("--file", "path", type=click.Path(path_type=Path), help="A list: a domain a line, # begins a comment.")
def add(names: tuple[str, ...], path: Path | None) -> None:
    """Put domains on the list, with all that lie below them."""
    found = [disposable.read_domain(name) for name in names]
    if path is not None:
        found += _read(path)
    if not found:
        raise click.UsageError("name a domain, or a file with --file")
    with opening.database(opening.settings()) as database, database.writing() as session:
        added = disposable.add(session, found, now=utc_now())
    click.echo(f"{added:,} added, {len(found) - added:,} were on the list")


def _read(path: Path) -> Iterator[str]:
    for number, line in enumerate(opening.read_text(path).splitlines(), 1):
        name = line.partition("#")[0].strip()
        if not name:
            continue
        try:
            yield disposable.read_domain(name)
        except InvalidInput as error:
            raise InvalidInput(f"{path}, line {number}: {error}") from None


@domain.command()
@click.argument("name")
def remove(name: str) -> None:
    """Take a domain off the list."""
    found = disposable.read_domain(name)
    with opening.database(opening.settings()) as database, database.writing() as session:
        disposable.remove(session, found)
    click.echo(f"{found} is off the list")


@domain.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Show the list."""
    with opening.database(opening.settings()) as database, database.reading() as session:
        found = list(disposable.listed(session))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        click.echo(each)
    if not found:
        click.echo("No domain is on the list.")
