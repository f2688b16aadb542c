"""Run the service, or a worker of one; show the settings."""

from __future__ import annotations

import json
import signal
from contextlib import ExitStack
from threading import Event

import click

from newsletter.cli import opening
from newsletter.cli.serving import running
from newsletter.config import Settings
from newsletter.errors import TemplateError
from newsletter.jobs import scheduler
from newsletter.jobs.worker import Worker
from newsletter.services.specimens import check_templates
from newsletter.web import create_app


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def serve(host: str, port: int) -> None:
    """Run the service: web pages, scheduler and sender."""
    settings = opening.settings()
    _tell_broken_templates(settings)
    with (
        opening.database(settings) as database,
        running(database, settings, create_app(settings), host, port) as server,
    ):
        click.echo(f"serving {settings.base_url} on http://{host}:{port}; stop with Ctrl-C")
        server.run()


@click.command()
def worker() -> None:
    """Be one more sender, on PostgreSQL: run as many as you like, on any machines. It keeps the schedule too."""
    settings = opening.settings()
    _tell_broken_templates(settings)
    stop = Event()
    with opening.database(settings) as database, ExitStack() as stack:
        work = Worker(database, settings)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        stack.callback(scheduler.start(database, settings).shutdown)
        click.echo("waiting for work; stop with Ctrl-C")
        work.run(stop.is_set)


def _tell_broken_templates(settings: Settings) -> None:
    """Better now than at night, when a mail is made; but readers must be able to leave at any time (RFC 8058)."""
    try:
        check_templates(settings.publication)
    except TemplateError as error:
        click.echo(f"newsletter: {error}; its mails wait until it is mended and the service is started anew", err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True)
def config(as_json: bool) -> None:
    """Show all settings with their source; secrets are masked."""
    rows = opening.settings().table()
    if as_json:
        told = {name: {"value": value, "source": source} for name, value, source in rows}
        click.echo(json.dumps(told, indent=2))
        return
    for name, value, source in rows:
        click.echo(f"{name:22} {value:50} {source}")
