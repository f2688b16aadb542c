"""What is forgotten when its time is over, run by hand: the scheduler does the same every hour."""

from __future__ import annotations

import json
from datetime import timedelta

import click

from newsletter.cli import opening
from newsletter.jobs import forgetting
from newsletter.jobs.sender import utc_now
from newsletter.services import retention as service
from newsletter.storage import erasing


@click.group()
def retention() -> None:
    """What is forgotten when its time is over: every hour by itself, or now."""


@retention.command()
@click.option("--json", "as_json", is_flag=True)
def show(as_json: bool) -> None:
    """Show what is forgotten, after how long, and how much is due now."""
    with opening.database(opening.settings()) as database, database.reading() as session:
        found = service.due(session, now=utc_now())
    if as_json:
        rows = [
            {"name": rule.name, "what": rule.what, "kept_hours": _hours(rule.kept), "due": number}
            for rule, number in found.items()
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for rule, number in found.items():
        click.echo(f"{rule.name:17} {number:>9,} due  after {_in_words(rule.kept):9} {rule.what}")


@retention.command()
@click.option("--rebuild", is_flag=True, help="Then write SQLite's whole file anew; nobody else can write meanwhile.")
@click.option("--json", "as_json", is_flag=True)
def run(rebuild: bool, as_json: bool) -> None:
    """Forget what is due."""
    settings = opening.settings()
    with opening.database(settings) as database:
        found = forgetting.run(database, settings.tokens, now=utc_now())
        is_clean = erasing.rebuild(database.engine) if rebuild else erasing.cut_log(database.engine)
    if as_json:
        numbers = {rule.name: number for rule, number in found.items()}
        click.echo(json.dumps({"forgotten": numbers, "log_is_cut": is_clean}, indent=2))
        return
    for rule, number in found.items():
        if number:
            click.echo(f"{number:,} {rule.name}: {rule.what}")
    if not any(found.values()):
        click.echo("nothing was due")
    if not is_clean:
        click.echo("somebody reads from the database just now: its log is cut at the scheduler's next tick")


def _hours(kept: timedelta) -> int:
    return round(kept / timedelta(hours=1))


def _in_words(kept: timedelta) -> str:
    hours = _hours(kept)
    return f"{hours // 24} days" if hours % 24 == 0 else f"{hours} hours"
