"""The database itself: brought up to date, and accepted as the one to send from."""

from __future__ import annotations

from collections.abc import Iterator

import click
from sqlalchemy.orm import Session

from newsletter.cli import opening
from newsletter.domain.states import EditionState
from newsletter.jobs.sender import utc_now
from newsletter.services import editions, guard, progress
from newsletter.storage import migrating
from newsletter.storage.database import Database
from newsletter.storage.home import home

_BEGUN = (EditionState.SENDING, EditionState.PAUSED)


@click.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Run the migrations that are missing."""
    database = Database(opening.settings().database_url)
    migrating.upgrade(database)
    database.close()
    click.echo("the database is up to date")


@db.command()
@click.option("--yes", is_flag=True, help="Don't ask.")
def accept(yes: bool) -> None:
    """Send from this database, although it may be a restored backup."""
    with opening.database(opening.settings()) as database:
        with database.reading() as session:
            reason = guard.halted(session)
            begun = list(_begun(session)) if reason is not None else []
        if reason is None:
            click.echo("there is nothing to accept: mail may go out from this database")
            return
        for line in (reason, *begun):
            click.echo(line)
        if not yes:
            click.confirm("Send from this database?", abort=True)
        with database.writing() as session:
            guard.accept(session, home=home(database, session), now=utc_now())
    click.echo("accepted: mail may go out from this database")


def _begun(session: Session) -> Iterator[str]:
    """The editions that would go on, and what that means for their readers."""
    for edition in editions.all_editions(session):
        if edition.state not in _BEGUN:
            continue
        count = progress.look(session, edition, now=utc_now()).count
        yield (
            f"{edition.month} is {edition.state}: {count.left:,} of its {count.total:,} digests are still to be sent. "
            "Who got theirs after the backup gets it once more, the same bytes; where nobody shall, "
            f"run 'newsletter edition cancel {edition.month}' first."
        )
