"""The command group, and what becomes of errors."""

from __future__ import annotations

import sys
from contextlib import suppress

import click

from newsletter import logs
from newsletter.cli.admins import admin
from newsletter.cli.database import db
from newsletter.cli.demo import demo
from newsletter.cli.destinations import destination
from newsletter.cli.dkim import dkim
from newsletter.cli.doctor import doctor
from newsletter.cli.domains import domain
from newsletter.cli.editions import edition
from newsletter.cli.preview import preview
from newsletter.cli.retention import retention
from newsletter.cli.service import config, serve, worker
from newsletter.cli.subscriber import subscriber
from newsletter.cli.subscribers import subscribers
from newsletter.cli.suppressions import suppression
from newsletter.cli.updates import places, sample, updates
from newsletter.errors import NewsletterError, StorageOutdated, StorageUnavailable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="newsletter")
def cli() -> None:
    """E-mail subscriptions and a monthly digest of country updates."""
    logs.set_up()


for command in (
    demo,
    serve,
    worker,
    preview,
    doctor,
    config,
    db,
    sample,
    places,
    updates,
    subscribers,
    subscriber,
    suppression,
    retention,
    edition,
    admin,
    dkim,
    destination,
    domain,
):
    cli.add_command(command)


def main() -> None:
    """The console script: every error that is expected ends in one line on stderr."""
    if any(_has_surrogate(argument) for argument in sys.argv):
        click.echo("newsletter: an argument is no UTF-8 text; write it in UTF-8", err=True)
        sys.exit(2)
    try:
        status = cli(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("newsletter: stopped", err=True)
        status = 130
    except NewsletterError as error:
        click.echo(f"newsletter: {' '.join(str(error).splitlines())}{_hint(error)}", err=True)
        status = 1
    except OSError as error:
        # Nothing of ours: the output can't be written, say, because its disk is full.
        click.echo(f"newsletter: {error.strerror or error}", err=True)
        with suppress(OSError):
            sys.stdout.close()
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def _hint(error: NewsletterError) -> str:
    """Where more is to be had, for an error that only says what is wrong."""
    is_bare = isinstance(error, StorageUnavailable) and not isinstance(error, StorageOutdated)
    return "; 'newsletter doctor' says what to do" if is_bare else ""


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
