"""What became of an edition, on the command line."""

from __future__ import annotations

import json

import click

from newsletter.cli import opening
from newsletter.domain.month import Month
from newsletter.errors import EditionStateError
from newsletter.jobs.sender import utc_now
from newsletter.services import editions, reports


@click.command()
@click.argument("month")
@click.option("--json", "as_json", is_flag=True)
def report(month: str, as_json: bool) -> None:
    """What became of the edition: delivered, failed and why, who left. Opens and clicks are not tracked."""
    settings, parsed = opening.settings(), Month.parse(month)
    with opening.database(settings) as database, database.reading() as session:
        edition = editions.get(session, parsed)
        if not reports.is_over(edition):
            raise EditionStateError(
                f"the edition for {parsed} is {edition.state}; there is a report when it was sent. "
                f"'newsletter edition show {parsed}' tells how far it is"
            )
        found = reports.kept(session, edition)
        found = found or reports.make(session, edition, settings.publication, now=utc_now())
        months = reports.compare(session)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
        return
    for line in reports.lines(found, months):
        click.echo(line)
