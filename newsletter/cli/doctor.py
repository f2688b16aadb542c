"""Is all well? One line a check, and what to do about it."""

from __future__ import annotations

import json

import click

from newsletter.cli import opening
from newsletter.errors import NewsletterError
from newsletter.jobs.checkup.examination import examine
from newsletter.jobs.checkup.finding import State
from newsletter.jobs.checkup.looked_up import SystemLookup
from newsletter.jobs.sender import utc_now


class NotWell(NewsletterError):
    """Something was found that has to be mended."""


@click.command()
@click.option("--offline", is_flag=True, help="Leave out the relay and DNS.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 300),
    default=5.0,
    show_default=True,
    help="Seconds that the relay may take; also for a database server to answer.",
)
@click.option("--json", "as_json", is_flag=True)
def doctor(offline: bool, timeout: float, as_json: bool) -> None:
    """Check settings, database, relay and DNS, and say what to do. Changes nothing, sends nothing."""
    settings = opening.settings()
    found = []
    for finding in examine(settings, now=utc_now(), timeout=timeout, lookup=None if offline else SystemLookup()):
        found.append(finding)
        if not as_json:
            click.echo(finding.line)
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in found], ensure_ascii=False, indent=2))
    bad = [finding.check for finding in found if finding.state is State.BAD]
    if bad:
        raise NotWell(f"{len(bad)} of {len(found)} checks went badly: {', '.join(bad)}")
