"""Where mail ends up, as far as it is treated differently."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from newsletter.cli import opening
from newsletter.delivery.destinations.destination import DestinationState
from newsletter.jobs.sender import utc_now
from newsletter.services import destinations


@click.group()
def destination() -> None:
    """Where mail ends up: providers and domains that get less than they could, or nothing, for now."""


@destination.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """What was learnt of them, and which are paused; what DESTINATION_RATES says comes on top."""
    with opening.database(opening.settings()) as database, database.reading() as session:
        found = destinations.load(session)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo("No destination has asked for less, or refused anything.")


@destination.command()
@click.argument("name")
def resume(name: str) -> None:
    """End a pause at once, when what was refused is mended."""
    with opening.database(opening.settings()) as database, database.writing() as session:
        resumed = destinations.resume(session, name, now=utc_now())
    click.echo(f"{resumed}: mail may go there again")


def _line(each: DestinationState) -> str:
    rate = "no limit" if each.rate is None else f"{each.rate:.3g} messages a second"
    until = each.paused_until
    paused = f"paused until {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC" if until is not None else None
    return "  ".join(part for part in (f"{each.name:20}", rate, paused, each.note) if part)
