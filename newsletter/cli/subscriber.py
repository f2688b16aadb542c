"""What one person may ask for: to see all that is known of them, and to be erased."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import click
from sqlalchemy.orm import Session

from newsletter.cli import opening
from newsletter.domain.address import Address
from newsletter.errors import NotFound
from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Tokens
from newsletter.services import erasure, forgotten, personal_data, subscribers
from newsletter.storage import erasing
from newsletter.storage.tables import Subscriber


@click.group()
def subscriber() -> None:
    """What one person may ask for: to see all that is known of them, and to be erased."""


@subscriber.command()
@click.argument("address")
def show(address: str) -> None:
    """Show all that is known of a person."""
    for line in _lines(_collect(address)):
        click.echo(line)


@subscriber.command()
@click.argument("address")
def export(address: str) -> None:
    """Print all that is known of a person as JSON, to be handed to them."""
    click.echo(json.dumps(_collect(address), indent=2, ensure_ascii=False))


@subscriber.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Don't ask.")
def erase(address: str, yes: bool) -> None:
    """Erase all that is known of a person, for good."""
    parsed = Address.parse(address)
    settings = opening.settings()
    with opening.database(settings) as database:
        with database.reading() as session:
            _find(session, parsed, settings.tokens)
        if not yes:
            click.confirm(
                "All that is known of this person is erased, and no mail goes to them again. Go on?", abort=True
            )
        with database.writing() as session:
            found = _find(session, parsed, settings.tokens)
            erasure.erase(session, found, tokens=settings.tokens, now=utc_now())
        click.echo("erased; nothing goes to this address any more")
        if not erasing.cut_log(database.engine):
            click.echo("somebody reads from the database just now: its log is cut at the scheduler's next tick")


def _collect(address: str) -> dict[str, object]:
    parsed = Address.parse(address)
    settings = opening.settings()
    with opening.database(settings) as database, database.reading() as session:
        return personal_data.collect(session, _find(session, parsed, settings.tokens), tokens=settings.tokens)


def _lines(found: Mapping[str, object]) -> Iterator[str]:
    """A heading for each part, and a line for each of its rows."""
    for name, part in found.items():
        rows = [row for row in (part if isinstance(part, list) else [part]) if isinstance(row, dict)]
        yield f"{name.replace('_', ' ')}:{'' if rows else ' none'}"
        for row in rows:
            told = {key.replace("_", " "): _word(value) for key, value in row.items() if value not in (None, "", [])}
            yield "  " + ", ".join(f"{key} {value}" for key, value in told.items())


def _word(value: object) -> str:
    return ";".join(map(str, value)) if isinstance(value, list) else " ".join(str(value).split())


def _find(session: Session, address: Address, tokens: Tokens) -> Subscriber:
    """Who has this address, or had it before it was forgotten. Raises NotFound."""
    try:
        return subscribers.by_address(session, address.key)
    except NotFound:
        found = forgotten.find(session, address.key, tokens=tokens)
        if found is None:
            raise
        return found
